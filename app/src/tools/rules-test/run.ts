// `deucalion tools rules-test`: unit tests of rules, as `promtool test rules` runs them.
import { writeFileSync } from "node:fs";
import { type EngineOptions, engineDefaults } from "@deucalion/promql";
import { AppError } from "../../errors.ts";
import type { AppProcess } from "../../process/app-process.ts";
import type { RulesTestFlagValues } from "../flags.ts";
import { junitText, type TestSuite } from "./junit.ts";
import { runTestFile } from "./run-test-file.ts";

/** Features of PromQL as Prometheus names them. Throws APP_CONFIG for one that is not known. */
function engineOptions(features: readonly string[]): Partial<EngineOptions> {
  const parse = { ...engineDefaults.parse };
  let delayedNameRemoval = false;
  for (const feature of features) {
    if (feature === "promql-experimental-functions") parse.experimentalFunctions = true;
    else if (feature === "promql-duration-expr") parse.durationExpressions = true;
    else if (feature === "promql-extended-range-selectors") parse.extendedRangeSelectors = true;
    else if (feature === "promql-binop-fill-modifiers") parse.binopFillModifiers = true;
    else if (feature === "promql-x-functions") parse.xFunctions = true;
    else if (feature === "promql-delayed-name-removal") delayedNameRemoval = true;
    else if (feature !== "") throw new AppError("APP_CONFIG", `unknown feature ${feature}`);
  }
  return { parse, delayedNameRemoval };
}

/** Runs all files; a failed test makes the exit code 1. */
export async function runRulesTest(
  values: RulesTestFlagValues,
  paths: readonly string[],
  process: AppProcess,
): Promise<void> {
  const features = values["enable-feature"].flatMap((list) => list.split(","));
  const options = {
    run: values.run.length === 0 ? null : values.run,
    diff: values.diff,
    debug: values.debug,
    ignoreUnknownFields: values["ignore-unknown-fields"],
    engine: engineOptions(features),
  };
  const note = (line: string): void => process.write(`${line}\n`);
  const suites: TestSuite[] = [];
  let failed = 0;
  for (const path of paths) {
    const { errors, suite } = await runTestFile(path, options, note);
    suites.push(suite);
    if (errors.length === 0) note("  SUCCESS");
    else {
      failed++;
      note("  FAILED:");
      for (const error of errors) note(`${error}\n`);
    }
    note("");
  }
  if (values.junit !== "") writeFileSync(values.junit, junitText(suites));
  if (failed > 0) throw new AppError("APP_RUN", `${failed} of ${paths.length} files failed`);
}
