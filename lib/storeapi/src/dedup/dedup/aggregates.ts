// Which aggregates of downsampled data answer a function, and how coarse the data may be (as Thanos chooses).
import { Aggregate, type SelectHints } from "@deucalion/model";

const counterFunctions: ReadonlySet<string> = new Set([
  "increase",
  "rate",
  "irate",
  "resets",
  "xincrease",
  "xrate",
]);

/** Aggregates for the function directly around a selector; the default pair gives averages. */
export function aggregatesFor(func: string): readonly Aggregate[] {
  if (func === "min" || func.startsWith("min_")) return [Aggregate.min];
  if (func === "max" || func.startsWith("max_")) return [Aggregate.max];
  if (func === "count" || func.startsWith("count_")) return [Aggregate.count];
  if (func.startsWith("sum_")) return [Aggregate.sum];
  if (counterFunctions.has(func)) return [Aggregate.counter];
  return [Aggregate.count, Aggregate.sum];
}

const needTwoSamples: ReadonlySet<string> = new Set([
  "rate",
  "irate",
  "increase",
  "delta",
  "idelta",
  "deriv",
  "predict_linear",
  "holt_winters",
  "double_exponential_smoothing",
]);

/** Coarsest resolution in ms: functions that need two samples in their range get at most half of it. */
export function resolutionFor(hints: SelectHints | undefined, maxResolutionMs: number): number {
  if (hints === undefined || hints.rangeMs === 0 || !needTwoSamples.has(hints.func))
    return maxResolutionMs;
  return Math.min(maxResolutionMs, Math.floor(hints.rangeMs / 2));
}

/** Functions for which Thanos' `penalty` lifts counters at a switch (not the extended ones). */
export function isPenaltyCounter(func: string): boolean {
  return func === "increase" || func === "rate" || func === "irate" || func === "resets";
}

/** Functions that read a series as a counter. */
export function readsCounter(func: string): boolean {
  return counterFunctions.has(func);
}
