// Runs PromQL test scripts against the engine, as `deucalion tools promqltest PATH…`.
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "@deucalion/base";
import { Engine } from "@deucalion/promql";
import { runEval } from "./run-eval.ts";
import { parseScript } from "./script.ts";
import { scriptEngineOptions } from "./settings.ts";
import { ScriptStorage } from "./storage.ts";

export interface ScriptCounts {
  readonly passed: number;
  readonly failed: number;
}

/**
 * Runs scripts, or all `*.test` files of folders, in order of name. Writes a line for each failed `eval` block
 * (`file:line: reason`) and at the end `N passed, N failed`. Throws where a path cannot be read.
 */
export async function runPromqltest(
  paths: readonly string[],
  write: (line: string) => void,
): Promise<ScriptCounts> {
  const total = { passed: 0, failed: 0 };
  for (const file of await scriptFiles(paths)) {
    const counts = await runScript(file, await readFile(file, "utf8"), write);
    total.passed += counts.passed;
    total.failed += counts.failed;
  }
  write(`${total.passed} passed, ${total.failed} failed`);
  return total;
}

async function scriptFiles(paths: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const path of paths) {
    if (!(await stat(path)).isDirectory()) files.push(path);
    else {
      const names = (await readdir(path)).filter((name) => name.endsWith(".test")).sort();
      files.push(...names.map((name) => join(path, name)));
    }
  }
  return files;
}

/** Runs one script; `name` stands in front of its failures. A block that cannot be read is a failure, and so is a failed load. */
export async function runScript(
  name: string,
  text: string,
  write: (line: string) => void,
): Promise<ScriptCounts> {
  const engine = new Engine(scriptEngineOptions);
  const storage = new ScriptStorage();
  let passed = 0;
  let failed = 0;
  const fail = (line: number, reason: string) => {
    failed++;
    write(`${name}:${line}: ${reason}`);
  };
  for (const command of parseScript(text)) {
    try {
      if (command.kind === "broken") fail(command.line, command.reason);
      else if (command.kind === "clear") storage.clear();
      else if (command.kind === "load") storage.load(command);
      else {
        await runEval(engine, storage.source(), command);
        passed++;
      }
    } catch (thrown) {
      const what = command.kind === "eval" ? `${command.expr}\n    ` : `${command.kind}: `;
      fail(command.line, what + messageOf(thrown));
    }
  }
  return { passed, failed };
}
