// `deucalion tools rules-check`: checks files with rules.
import { existsSync, readFileSync } from "node:fs";
import { messageOf } from "@deucalion/base";
import { parseRuleFile } from "@deucalion/rules";
import { expandGlob } from "@deucalion/storeapi";
import { AppError } from "../../errors.ts";
import type { AppProcess } from "../../process/app-process.ts";

/** Checks all files that the patterns name. Throws APP_CONFIG if one is wrong or a pattern names none. */
export async function runRulesCheck(
  patterns: readonly string[],
  { log }: AppProcess,
): Promise<void> {
  const failures: string[] = [];
  for (const pattern of patterns) {
    log.info("checking", { pattern });
    const files = (await expandGlob(pattern)).filter((path) => existsSync(path));
    if (files.length === 0) {
      const error = "matching file not found";
      log.error("checked", { result: "FAILED", error });
      failures.push(error);
    }
    for (const filename of files) {
      log.info("checking", { filename });
      const { rules, errors } = checked(filename);
      if (errors.length === 0) {
        log.info("checked", { result: "SUCCESS", rulesfound: rules });
        continue;
      }
      log.error("checked", { result: "FAILED" });
      for (const error of errors) log.error("checked", { error });
      failures.push(...errors);
    }
  }
  if (failures.length === 0) return;
  const text =
    failures.length === 1 ? failures[0]! : `${failures.length} errors: ${failures.join("; ")}`;
  throw new AppError("APP_CONFIG", text, { failures: failures.length });
}

function checked(path: string): { rules: number; errors: readonly string[] } {
  try {
    const { groups, errors } = parseRuleFile(readFileSync(path, "utf8"), path);
    return { rules: groups.reduce((sum, { rules }) => sum + rules.length, 0), errors };
  } catch (thrown) {
    return { rules: 0, errors: [messageOf(thrown)] };
  }
}
