// One `eval` block against an engine: the query itself, and what must give the same.
import { messageOf } from "@deucalion/base";
import type { SeriesSource } from "@deucalion/model";
import type { Engine, QueryResult, QueryValue, VectorSample } from "@deucalion/promql";
import { atModifiedCases } from "./at-modified.ts";
import { compareResult, mustBeSorted } from "./compare.ts";
import { ScriptError } from "./errors.ts";
import type { EvalCommand, TextCheck } from "./script.ts";

const contextFunctions = /(start|end|range|step)\(\)/;
const minuteMs = 60_000;

/** Throws what is wrong first; an engine's own faults come through as they are. */
export async function runEval(
  engine: Engine,
  source: SeriesSource,
  command: EvalCommand,
): Promise<void> {
  if (!command.instant) {
    const { expr, startMs, endMs, stepMs } = command;
    await check(command, () => engine.range(expr, source, startMs, endMs, stepMs));
    return;
  }
  await runInstant(engine, source, command, command.expr, command.evalMs);
  let cases: ReturnType<typeof atModifiedCases>;
  try {
    cases = atModifiedCases(command.expr, command.evalMs);
  } catch (thrown) {
    if (command.expected.fail !== null) return;
    throw thrown;
  }
  for (const { expr, timeMs } of cases) {
    try {
      await runInstant(engine, source, command, expr, timeMs);
    } catch (thrown) {
      const message = `with @, as ${expr} at ${timeMs}: ${messageOf(thrown)}`;
      throw new ScriptError("PROMQLTEST_MISMATCH", message, {}, { cause: thrown });
    }
  }
}

/** Runs a query and checks failure, annotations and result; null where it failed as expected. */
async function check(
  command: EvalCommand,
  run: () => Promise<QueryResult>,
): Promise<QueryResult | null> {
  const { fail } = command.expected;
  let result: QueryResult;
  try {
    result = await run();
  } catch (thrown) {
    if (fail === null) throw thrown;
    const message = messageOf(thrown);
    if (fail.matches(message)) return null;
    throw new ScriptError(
      "PROMQLTEST_MISMATCH",
      `expected the error ${fail.wanted}, got: ${message}`,
    );
  }
  if (fail !== null) throw new ScriptError("PROMQLTEST_MISMATCH", "expected an error, got none");
  checkAnnotations(command, result);
  compareResult(command, result.value);
  return result;
}

function checkAnnotations({ expected }: EvalCommand, result: QueryResult): void {
  checkKind("warn", expected.warn, expected.noWarn, result.warnings);
  checkKind("info", expected.info, expected.noInfo, result.infos);
}

function checkKind(
  kind: string,
  checks: readonly TextCheck[],
  none: boolean,
  texts: readonly string[],
): void {
  const fail = (message: string): never => {
    throw new ScriptError(
      "PROMQLTEST_MISMATCH",
      `${kind}: ${message}; got ${JSON.stringify(texts)}`,
    );
  };
  if (none && texts.length > 0) fail("expected none");
  if (checks.length === 0) return;
  for (const check of checks) {
    if (!texts.some((text) => check.matches(text))) fail(`expected ${check.wanted}`);
  }
  for (const text of texts) {
    if (!checks.some((check) => check.matches(text))) fail(`unexpected ${text}`);
  }
}

async function runInstant(
  engine: Engine,
  source: SeriesSource,
  command: EvalCommand,
  expr: string,
  timeMs: number,
): Promise<void> {
  const result = await check(command, () => engine.instant(expr, source, timeMs));
  const { expected } = command;
  if (result === null || command.expectsRangeVector || expected.text !== null) return;
  if (contextFunctions.test(expr)) return;
  try {
    const from = timeMs - minuteMs;
    const ranged = await engine.range(expr, source, from, timeMs + minuteMs, minuteMs);
    if (expected.ordered) return;
    compareResult(command, middleOf(ranged.value, timeMs, result.value.type === "scalar"));
  } catch (thrown) {
    const message = `as a range query, ${expr} around ${timeMs}: ${messageOf(thrown)}`;
    throw new ScriptError("PROMQLTEST_MISMATCH", message, {}, { cause: thrown });
  }
}

/** The points of a matrix at one time as the result of an instant query. */
function middleOf(value: QueryValue, timeMs: number, scalar: boolean): QueryValue {
  if (value.type !== "matrix")
    throw new ScriptError("PROMQLTEST_MISMATCH", `range query gave a ${value.type}`);
  mustBeSorted(value.series);
  const samples: VectorSample[] = [];
  for (const { labels, times, values, histograms } of value.series) {
    const at = times.indexOf(timeMs);
    if (at < 0) continue;
    const histogram = histograms?.[at];
    const sample = { labels, timeMs, value: values[at]! };
    samples.push(histogram === undefined ? sample : { ...sample, histogram });
  }
  if (!scalar) return { type: "vector", samples };
  const only = samples[0];
  if (only === undefined)
    throw new ScriptError("PROMQLTEST_MISMATCH", "range query gave no scalar");
  return { type: "scalar", timeMs, value: only.value };
}
