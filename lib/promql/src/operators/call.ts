// Calls of functions whose arguments are instant vectors, scalars and strings.
import { warnings } from "../annotations/messages.ts";
import { PromqlError } from "../errors.ts";
import type { ElementwiseFunction, VectorFunction } from "../functions/contract.ts";
import { functionImplementations } from "../functions/registry.ts";
import type { Call, Expr } from "../parse/ast.ts";
import { dropMetricName, type Row } from "../row.ts";
import { distinctWithoutName } from "./distinct.ts";
import { eachItem } from "./each-item.ts";
import type { Emit, Evaluation } from "./evaluation.ts";
import { mergeRows } from "./merge-rows.ts";
import { rangeArgument, rangeCall } from "./ranges/range-call.ts";
import { instantSelector } from "./selectors/instant-selector.ts";

/** These refuse equal label sets at once, even where names are still to be removed. */
const relabelling = new Set(["label_replace", "label_join", "info"]);
const sorts = new Set(["sort", "sort_desc", "sort_by_label", "sort_by_label_desc"]);

/** Evaluates a call of any kind. */
export async function callFunction(node: Call, ev: Evaluation, emit: Emit): Promise<void> {
  const { func, args } = node;
  const first = args[0];
  if (first?.kind === "vector" && (func === "timestamp" || func === "start_timestamp")) {
    await timestampOfSamples(node, ev, emit);
    return;
  }
  const range = rangeArgument(node);
  if (range >= 0) {
    await rangeCall(node, range, ev, emit);
    return;
  }
  if (sorts.has(func) && ev.steps.untilMs > ev.steps.startMs) {
    ev.annotations.warn(warnings.sortInRangeQuery, node.range);
  }
  const implementation = functionImplementations.get(func);
  if (implementation === undefined) {
    throw new PromqlError("PROMQL_EXECUTION", `unknown function with name "${func}"`);
  }
  if (implementation.kind === "elementwise") await elementwise(node, implementation, ev, emit);
  else await wholeVectors(node, implementation, ev, emit);
}

async function elementwise(
  node: Call,
  implementation: ElementwiseFunction,
  ev: Evaluation,
  emit: Emit,
): Promise<void> {
  const { vectorArg } = implementation;
  const vector = node.args[vectorArg]!;
  const scalars: (Row | undefined)[] = [];
  for (const [i, arg] of node.args.entries()) {
    const rows = i === vectorArg || arg.kind === "string" ? [] : await ev.rowsOf(arg);
    scalars.push(rows[0]);
  }
  const streams = ev.options.delayedNameRemoval || distinctWithoutName(vector);
  const kept: Row[] = [];
  await ev.evaluate(vector, (row) => {
    const result = implementation.apply(row, scalars, node, ev);
    if (result === null || result.isEmpty()) return;
    if (streams) emit(result);
    else kept.push(result);
  });
  await eachItem(await mergeRows(kept, ev.limits), ev.limits, emit);
}

async function wholeVectors(
  node: Call,
  implementation: VectorFunction,
  ev: Evaluation,
  emit: Emit,
): Promise<void> {
  // The second argument of `info` only names labels; it is never read.
  const isRead = (arg: Expr, i: number): boolean =>
    arg.kind !== "string" && !(node.func === "info" && i === 1);
  const rows = await ev.all(node.args.filter(isRead));
  let next = 0;
  const inputs = node.args.map((arg, i) => (isRead(arg, i) ? rows[next++]! : []));
  const results = await implementation.apply(inputs, node, ev);
  const kept = results.filter((row) => !row.isEmpty());
  const lax = ev.steps.count === 1 && ev.options.delayedNameRemoval;
  const single = lax && !relabelling.has(node.func);
  await eachItem(single ? kept : await mergeRows(kept, ev.limits), ev.limits, emit);
}

/** `timestamp` and `start_timestamp` directly over a selector show times of the samples, not of the steps. */
async function timestampOfSamples(node: Call, ev: Evaluation, emit: Emit): Promise<void> {
  const selector = node.args[0]!;
  if (selector.kind !== "vector") return;
  const start = node.func === "start_timestamp";
  const delayed = ev.options.delayedNameRemoval;
  const streams = delayed || distinctWithoutName(selector);
  const kept: Row[] = [];
  const take = (row: Row): void => {
    if (start && !ev.options.useStartTimestamps) return;
    dropMetricName(row, delayed);
    if (streams) emit(row);
    else kept.push(row);
  };
  await instantSelector(selector, ev, take, start ? "startTime" : "time");
  await eachItem(await mergeRows(kept, ev.limits), ev.limits, emit);
}
