// Which time each of several queriers with the same partitions answers for.
import type { Expr } from "../../parse/ast.ts";
import type { QueryTimes } from "../durations.ts";
import { selectorTimes } from "../selector-times.ts";
import { postOrder } from "../tree.ts";
import type { Partitions } from "./partitions.ts";
import type { RemoteEngine } from "./remote-engine.ts";

export interface TimedEngine {
  readonly engine: RemoteEngine;
  /** First step that it is asked for, ms; null is the first of the evaluation. */
  readonly startMs: number | null;
}

export interface SharedTimesOptions {
  readonly lookbackMs: number;
  readonly defaultStepMs: number;
}

function hasFixedTimes(root: Expr): boolean {
  return postOrder(root).some((node) => {
    const timed = node.kind === "matrix" ? node.selector : node;
    return (timed.kind === "vector" || timed.kind === "subquery") && timed.at !== undefined;
  });
}

/** True if an older querier has all partitions of this one. */
function hasOlder(
  engine: RemoteEngine,
  engines: readonly RemoteEngine[],
  partitions: Partitions,
): boolean {
  return engine.partitionSets.every(
    ({ key }) =>
      partitions.shared.has(key) &&
      engines.some(
        (other) =>
          other.minTime < engine.minTime && other.partitionSets.some((set) => set.key === key),
      ),
  );
}

/** Whether, for each shared partition, the next querier begins at least so long before the one before it ends. */
function overlapEnough(
  engines: readonly RemoteEngine[],
  partitions: Partitions,
  firstMs: number,
  endMs: number,
  neededMs: number,
): boolean {
  for (const key of partitions.shared) {
    let before: RemoteEngine | null = null;
    for (const engine of engines) {
      if (!engine.partitionSets.some((set) => set.key === key)) continue;
      const concerns = engine.maxTime >= firstMs && engine.minTime <= endMs;
      if (before !== null && concerns && before.maxTime - engine.minTime < neededMs) return false;
      before = engine;
    }
  }
  return true;
}

/**
 * Queriers with the same partitions are asked for the time for which their data reaches back far enough; an older one
 * fills in before. Null if that cannot be told: then the expression is evaluated here. `engines` come oldest first.
 */
export function sharedTimes(
  root: Expr,
  engines: readonly RemoteEngine[],
  partitions: Partitions,
  times: QueryTimes,
  options: SharedTimesOptions,
): TimedEngine[] | null {
  const { startMs, endMs, stepMs } = times;
  if (hasFixedTimes(root)) return null;
  let firstMs = startMs - options.lookbackMs;
  for (const span of selectorTimes(root, startMs, endMs, options).values()) {
    firstMs = Math.min(firstMs, span.minTime);
  }
  const reachMs = startMs - firstMs;
  if (!overlapEnough(engines, partitions, firstMs, endMs, reachMs)) return null;
  const out: TimedEngine[] = [];
  for (const engine of engines) {
    if (engine.minTime <= firstMs || !hasOlder(engine, engines, partitions)) {
      out.push({ engine, startMs: null });
      continue;
    }
    if (startMs === endMs) continue;
    const steps = Math.ceil((engine.minTime + reachMs - startMs) / stepMs);
    const from = startMs + steps * stepMs;
    if (from <= endMs) out.push({ engine, startMs: from });
  }
  return out;
}
