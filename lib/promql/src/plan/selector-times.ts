// The span of time from which each selector of a query needs samples.
import type { Expr, SubqueryExpr, VectorSelector } from "../parse/ast.ts";
import { childrenOf } from "./tree.ts";

/** Milliseconds, inclusive. */
export interface TimeSpan {
  readonly minTime: number;
  readonly maxTime: number;
}

export interface SelectorTimesOptions {
  readonly lookbackMs: number;
  /** Step of subqueries that name none, ms. */
  readonly defaultStepMs: number;
}

/** First and last step at which a node is evaluated. */
interface Steps {
  readonly first: number;
  readonly last: number;
}

function fixedTime(node: VectorSelector | SubqueryExpr): number | undefined {
  return node.at?.kind === "time" ? node.at.ms : undefined;
}

function subquerySteps(node: SubqueryExpr, outer: Steps, options: SelectorTimesOptions): Steps {
  const at = fixedTime(node);
  const border = (at ?? outer.first) - node.offsetMs - node.rangeMs;
  const step = node.stepMs > 0 ? node.stepMs : options.defaultStepMs;
  const aligned = step * Math.trunc(border / step);
  return {
    first: aligned <= border ? aligned + step : aligned,
    last: (at ?? outer.last) - node.offsetMs,
  };
}

function span(
  node: VectorSelector,
  rangeMs: number,
  steps: Steps,
  options: SelectorTimesOptions,
): TimeSpan {
  const at = fixedTime(node);
  const extended = rangeMs > 0 && (node.anchored || node.smoothed) ? options.lookbackMs : 0;
  const before = rangeMs > 0 ? rangeMs + extended : options.lookbackMs;
  const after = node.smoothed ? options.lookbackMs : 0;
  return {
    minTime: (at ?? steps.first) - node.offsetMs - before + 1,
    maxTime: (at ?? steps.last) - node.offsetMs + after,
  };
}

/** The spans of all selectors of a planned tree. */
export function selectorTimes(
  root: Expr,
  startMs: number,
  endMs: number,
  options: SelectorTimesOptions,
): Map<VectorSelector, TimeSpan> {
  const spans = new Map<VectorSelector, TimeSpan>();
  const stack: { node: Expr; steps: Steps }[] = [
    { node: root, steps: { first: startMs, last: endMs } },
  ];
  while (stack.length > 0) {
    const { node, steps } = stack.pop()!;
    if (node.kind === "vector") spans.set(node, span(node, 0, steps, options));
    else if (node.kind === "matrix") {
      spans.set(node.selector, span(node.selector, node.rangeMs, steps, options));
    }
    let inner = steps;
    if (node.kind === "subquery") inner = subquerySteps(node, steps, options);
    else if (node.kind === "stepInvariant") inner = { first: steps.first, last: steps.first };
    for (const child of childrenOf(node)) stack.push({ node: child, steps: inner });
  }
  return spans;
}
