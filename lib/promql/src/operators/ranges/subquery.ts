// Subqueries: an expression evaluated over steps of its own.
import type { SubqueryExpr } from "../../parse/ast.ts";
import { makeSteps, type Row, type Steps } from "../../row.ts";
import type { Evaluation } from "../evaluation.ts";
import { SampleCounter } from "../sample-counter.ts";
import { atTime } from "../selectors/at-time.ts";

/** The steps of a subquery: multiples of its step, from just after the first window begins to the last window's end. */
export function subquerySteps(node: SubqueryExpr, ev: Evaluation): Steps {
  const at = atTime(node);
  const firstEnd = (at ?? ev.steps.startMs) - node.offsetMs;
  const lastEnd = (at ?? ev.steps.endMs) - node.offsetMs;
  const stepMs = node.stepMs > 0 ? node.stepMs : ev.state.defaultStepMs;
  const border = firstEnd - node.rangeMs;
  let startMs = stepMs * Math.trunc(border / stepMs);
  if (startMs <= border) startMs += stepMs;
  return makeSteps(startMs, lastEnd, stepMs);
}

/** Evaluates the inner expression; `take` gets its rows and the steps they are over. */
export async function subqueryRows(
  node: SubqueryExpr,
  ev: Evaluation,
  take: (row: Row, steps: Steps) => void,
): Promise<{ steps: Steps; counter: SampleCounter }> {
  const steps = subquerySteps(node, ev);
  if (steps.count === 0) return { steps, counter: new SampleCounter(0) };
  const { limits } = ev;
  limits.checkSteps(steps.count);
  const counter = new SampleCounter(0, steps.count);
  const inner = ev.over(steps, steps.stepMs, counter);
  await inner.evaluate(node.expr, (row) => {
    take(row, steps);
    inner.release(row);
  });
  limits.holdSamples(-inner.held);
  return { steps, counter };
}
