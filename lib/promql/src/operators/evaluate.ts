// Evaluates a node of any kind by handing it to its operator.
import { PromqlError } from "../errors.ts";
import type { Expr } from "../parse/ast.ts";
import { presentCount, Row } from "../row.ts";
import { aggregate } from "./aggregate/aggregate.ts";
import { binary } from "./binary/binary.ts";
import { callFunction } from "./call.ts";
import type { Emit, Evaluation } from "./evaluation.ts";
import { histogramSamples } from "./histogram-size.ts";
import { remotePart } from "./remote-part.ts";
import { instantSelector } from "./selectors/instant-selector.ts";
import { stepInvariant } from "./step-invariant.ts";
import { unary } from "./unary.ts";

/** Rows of a node over the steps of `ev`. When it is done only its own result counts as held. */
export async function evaluateNode(node: Expr, ev: Evaluation, emit: Emit): Promise<void> {
  if (ev.steps.count === 0) return;
  if (node.kind === "vector") {
    const part = ev.state.remoteParts.get(node);
    return part === undefined ? instantSelector(node, ev, emit) : remotePart(part, ev, emit);
  }
  const before = ev.held;
  let result = 0;
  await operate(node, ev, (row) => {
    result += samplesOf(row);
    emit(row);
  });
  ev.hold(before + result - ev.held);
}

async function operate(node: Expr, ev: Evaluation, emit: Emit): Promise<void> {
  switch (node.kind) {
    case "vector":
      return instantSelector(node, ev, emit);
    case "number":
      emit(Row.scalar(node.value, ev.steps.count));
      return;
    case "call":
      return callFunction(node, ev, emit);
    case "aggregate":
      return aggregate(node, ev, emit);
    case "binary":
      return binary(node, ev, emit);
    case "unary":
      return unary(node, ev, emit);
    case "stepInvariant":
      return stepInvariant(node, ev, emit);
    case "paren":
      return ev.evaluate(node.expr, emit);
    case "string":
    case "matrix":
    case "subquery":
      throw new PromqlError("PROMQL_EXECUTION", `cannot evaluate a ${node.kind} at every step`);
  }
}

/** What a row counts for: one for each float, more for a histogram. */
function samplesOf(row: Row): number {
  const { present, histograms } = row;
  let samples = presentCount(present);
  if (histograms === null) return samples;
  for (let i = 0; i < present.length; i++) {
    const histogram = present[i] === 1 ? histograms[i] : undefined;
    if (histogram !== undefined) samples += histogramSamples(histogram) - 1;
  }
  return samples;
}
