// Runs the tests of one file.
import { existsSync, readFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { formatGoDuration, messageOf } from "@deucalion/base";
import { compileSearch } from "@deucalion/model";
import { Engine, type EngineOptions } from "@deucalion/promql";
import { parseRuleFile, type RuleGroupSpec } from "@deucalion/rules";
import { expandGlob } from "@deucalion/storeapi";
import type { TestCase, TestSuite } from "./junit.ts";
import { runTestGroup } from "./run-test-group.ts";
import { parseTestFile, type TestFile } from "./test-file.ts";

export interface RulesTestOptions {
  /** Only test groups whose names one of these matches; null: all. */
  readonly run: readonly string[] | null;
  readonly diff: boolean;
  readonly debug: boolean;
  readonly ignoreUnknownFields: boolean;
  readonly engine: Partial<EngineOptions>;
}

export interface FileOutcome {
  readonly errors: readonly string[];
  readonly suite: TestSuite;
}

const minuteMs = 60_000;

/** Runs a file's tests; never throws for what is in files. `note` takes warnings and debugging lines. */
export async function runTestFile(
  path: string,
  options: RulesTestOptions,
  note: (line: string) => void,
): Promise<FileOutcome> {
  const suite = { name: path, timestamp: "", cases: [] as TestCase[] };
  const aborted = (error: string): FileOutcome => ({
    errors: [error],
    suite: { ...suite, aborted: error },
  });
  let file: TestFile;
  let ruleFiles: string[];
  try {
    file = parseTestFile(readFileSync(path, "utf8"), options.ignoreUnknownFields);
    ruleFiles = await globbed(dirname(path), file.ruleFiles, note);
  } catch (thrown) {
    return aborted(messageOf(thrown));
  }
  const repeated = file.groupEvalOrder.find((name, at, all) => all.indexOf(name) < at);
  if (repeated !== undefined)
    return aborted(`group name repeated in evaluation order: ${repeated}`);
  suite.timestamp = new Date().toISOString().slice(0, 19);
  const intervalMs = file.evaluationIntervalMs === 0 ? minuteMs : file.evaluationIntervalMs;
  const engine = new Engine({ ...options.engine, defaultStepMs: intervalMs });
  const loaded = loadRules(ruleFiles, file.groupEvalOrder, engine, options.ignoreUnknownFields);
  const wanted = options.run === null ? null : compileSearch(options.run.join("|"));
  const errors: string[] = [];
  for (const [index, test] of file.tests.entries()) {
    if (wanted !== null && !wanted.found(test.name)) continue;
    const name = test.name === "" ? `unnamed#${index}` : test.name;
    const startMs = Date.now();
    if (options.debug) note(`DEBUG: Starting test ${name}`);
    const failures =
      "errors" in loaded
        ? loaded.errors
        : await runTestGroup(
            { ...test, intervalMs: test.intervalMs === 0 ? intervalMs : test.intervalMs },
            {
              engine,
              groups: loaded.groups,
              evaluationIntervalMs: intervalMs,
              fuzzyCompare: file.fuzzyCompare,
              diff: options.diff,
              debug: options.debug ? note : null,
            },
          );
    if (options.debug) {
      const took = formatGoDuration(Date.now() - startMs);
      note(`DEBUG: Test ${name} finished, took ${took}`);
    }
    suite.cases.push({ name, failures });
    errors.push(...failures);
  }
  return { errors, suite: { ...suite, aborted: null } };
}

async function globbed(
  folder: string,
  patterns: readonly string[],
  note: (line: string) => void,
): Promise<string[]> {
  const files: string[] = [];
  for (const pattern of patterns) {
    const path = pattern === "" || isAbsolute(pattern) ? pattern : join(folder, pattern);
    const found = path === "" ? [] : (await expandGlob(path)).filter((one) => existsSync(one));
    if (found.length === 0) note(`  WARNING: no file match pattern ${path}`);
    files.push(...found);
  }
  return files;
}

/** Groups of all files in the order of evaluation, or what is wrong with the first wrong file. */
function loadRules(
  paths: readonly string[],
  order: readonly string[],
  engine: Engine,
  ignoreUnknownFields: boolean,
): { readonly groups: readonly RuleGroupSpec[] } | { readonly errors: readonly string[] } {
  const groups = new Map<string, RuleGroupSpec>();
  for (const path of paths) {
    let text: string;
    try {
      text = readFileSync(path, "utf8");
    } catch (thrown) {
      return { errors: [`${path}: ${messageOf(thrown)}`] };
    }
    const parsed = parseRuleFile(text, path, { parse: engine.options.parse, ignoreUnknownFields });
    if (parsed.errors.length > 0) return { errors: parsed.errors };
    for (const group of parsed.groups) groups.set(`${path};${group.name}`, group);
  }
  const place = (group: RuleGroupSpec): number => Math.max(0, order.indexOf(group.name));
  return { groups: [...groups.values()].sort((a, b) => place(a) - place(b)) };
}
