import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { createLog } from "@deucalion/base";
import type { AppProcess } from "../../process/app-process.ts";
import { runRulesCheck } from "./run.ts";

const folder = fileURLToPath(
  new URL("../../../../../lib/rules/testdata/unit-tests/", import.meta.url),
);

/** Lines without their time, and the error that ends the command. */
async function check(...patterns: string[]): Promise<{ lines: string[]; error: string | null }> {
  const lines: string[] = [];
  const log = createLog(
    { level: "info", format: "logfmt", name: "" },
    { write: (line) => lines.push(line.replace(/^ts=\S+ /, "").trimEnd()), now: Date.now },
  );
  let error: string | null = null;
  await runRulesCheck(patterns, { log } as unknown as AppProcess).catch((thrown: Error) => {
    error = thrown.message;
  });
  return { lines: lines.map((line) => line.replaceAll(folder, "")), error };
}

test("rules-check counts the rules of each file", async () => {
  assert.deepEqual(await check(`${folder}*er.rules.yml`, `${folder}shop.rules.yml`), {
    error: null,
    lines: [
      "level=info msg=checking pattern=*er.rules.yml",
      "level=info msg=checking filename=order.rules.yml",
      "level=info msg=checked result=SUCCESS rulesfound=2",
      "level=info msg=checking pattern=shop.rules.yml",
      "level=info msg=checking filename=shop.rules.yml",
      "level=info msg=checked result=SUCCESS rulesfound=5",
    ],
  });
});

test("rules-check names each error and goes on with other files", async () => {
  const { lines, error } = await check(`${folder}broken.rules.yml`, `${folder}none*`);
  assert.equal(lines.filter((line) => line.includes("result=FAILED")).length, 2);
  assert.equal(lines.filter((line) => line.includes("could not parse expression")).length, 1);
  assert.match(error!, /^3 errors: .*matching file not found$/);
});

test("rules-check takes a group's partial_response_strategy, and refuses one that is none", async () => {
  const scratch = mkdtempSync(join(tmpdir(), "rules-check-"));
  try {
    const write = (name: string, strategy: string): void =>
      writeFileSync(
        join(scratch, name),
        `groups: [{ name: a, partial_response_strategy: ${strategy}, rules: [] }]`,
      );
    write("good.yml", "Warn");
    write("bad.yml", "sometimes");
    assert.equal((await check(join(scratch, "good.yml"))).error, null);
    assert.match((await check(join(scratch, "bad.yml"))).error!, /Possible values are ABORT,WARN/);
  } finally {
    rmSync(scratch, { recursive: true });
  }
});
