// Parts that are the same at every step: evaluated at the first one, then repeated.
import type { StepInvariantExpr } from "../parse/ast.ts";
import { makeSteps, Row } from "../row.ts";
import type { Emit, Evaluation } from "./evaluation.ts";
import { SampleCounter } from "./sample-counter.ts";

/** Evaluates once and spreads each row over all steps. */
export async function stepInvariant(
  node: StepInvariantExpr,
  ev: Evaluation,
  emit: Emit,
): Promise<void> {
  const { steps } = ev;
  if (steps.untilMs === steps.startMs) {
    await ev.evaluate(node.expr, emit);
    return;
  }
  const counter = new SampleCounter(0);
  const once = ev.over(
    makeSteps(steps.startMs, steps.startMs, steps.stepMs),
    ev.hintStepMs,
    counter,
  );
  await once.evaluate(node.expr, (row) => {
    emit(spread(row, steps.count));
  });
  ev.limits.holdSamples(-once.held);
  ev.counter.addForEachStep(counter, steps);
}

function spread(row: Row, count: number): Row {
  const values = new Float64Array(count).fill(row.values[0]!);
  const present = new Uint8Array(count).fill(row.present[0]!);
  const histogram = row.histogramAt(0);
  const histograms = histogram === undefined ? null : new Array(count).fill(histogram);
  const labels = row.labelBytes === null ? row.labels : null;
  const out = new Row(labels, values, present, histograms, row.dropName, row.labelBytes);
  out.metadataDropped = row.metadataDropped;
  return out;
}
