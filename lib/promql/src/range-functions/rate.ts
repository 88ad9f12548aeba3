// rate, increase and delta over floats, extrapolated to the borders of the window as Prometheus does.
import type { Row } from "../row.ts";
import type { FloatKernel, Windows } from "./windows.ts";

/** What tells the three functions apart. */
export interface RateKind {
  /** Falls are resets, and values are never negative. */
  readonly counter: boolean;
  /** The result is per second. */
  readonly perSecond: boolean;
}

/** Seconds of a duration in ms, rounded as Go rounds them. */
export function seconds(ms: number): number {
  const whole = Math.trunc(ms / 1000);
  return whole + ((ms - whole * 1000) * 1e6) / 1e9;
}

/** Whether a counter began anew between two samples, told by their start timestamps (ms, 0 unknown). */
export function isStartReset(
  previousStart: number,
  previousTime: number,
  start: number,
  time: number,
): boolean {
  if (start === 0 || start >= time || start < previousTime) return false;
  if (start > previousTime) return true;
  if (previousStart > previousTime) return false;
  return previousStart !== 0 && previousStart !== previousTime;
}

/** Whether a sample claims to have started before the one before it was taken. */
export function startsOverlap(previousStart: number, previousTime: number, start: number): boolean {
  return start !== 0 && start < previousTime && start !== previousStart;
}

/** Difference of last and first sample plus what was lost by resets. */
function increaseWithStarts(windows: Windows, lo: number, hi: number): number {
  const { values, floats, plan } = windows;
  const { times } = floats;
  const starts = floats.startTimes!;
  let result = values[hi - 1]! - values[lo]!;
  let overlap = false;
  for (let i = lo + 1; i < hi; i++) {
    if (!overlap && startsOverlap(starts[i - 1]!, times[i - 1]!, starts[i]!)) {
      plan.annotations.startTimeOverlap(windows.metricName(), plan.range);
      overlap = true;
    }
    const began = isStartReset(starts[i - 1]!, times[i - 1]!, starts[i]!, times[i]!);
    if (values[i]! < values[i - 1]! || began) result += values[i - 1]!;
  }
  return result;
}

/**
 * The factor from the increase between two samples to that of the whole window.
 * `toZero` is the time (s) back to where a counter would have been 0, or Infinity.
 */
export function extrapolation(
  firstTime: number,
  lastTime: number,
  between: number,
  rangeStart: number,
  rangeEnd: number,
  toZero: number,
): number {
  let toStart = (firstTime - rangeStart) / 1000;
  let toEnd = (rangeEnd - lastTime) / 1000;
  const sampled = (lastTime - firstTime) / 1000;
  const average = between > 0 ? sampled / between : 0;
  const threshold = average * 1.1;
  if (toStart >= threshold) toStart = average / 2;
  if (toZero < toStart) toStart = toZero;
  if (toEnd >= threshold) toEnd = average / 2;
  return sampled === 0 ? 1 : (sampled + toStart + toEnd) / sampled;
}

function withStarts(windows: Windows, kind: RateKind, from: number, to: number, out: Row): void {
  const { floats, values, plan } = windows;
  const { times, lo, hi } = floats;
  const starts = floats.startTimes!;
  const perSecond = kind.perSecond ? seconds(plan.rangeMs) : 1;
  for (let i = from; i < to; i++) {
    const low = lo[i]!;
    const last = hi[i]! - 1;
    if (last < low) continue;
    const rangeEnd = windows.endAt(i);
    const rangeStart = rangeEnd - plan.rangeMs;
    const start = starts[low]!;
    let result = increaseWithStarts(windows, low, last + 1);
    let factor: number;
    if (start !== 0 && start > rangeStart && start < times[low]!) {
      // The counter is known to have been 0 at its start, inside of the window.
      const sampled = (times[last]! - start) / 1000;
      const between = last - low;
      const average = between > 0 ? (times[last]! - times[low]!) / 1000 / between : 0;
      let toEnd = (rangeEnd - times[last]!) / 1000;
      if (toEnd >= average * 1.1) toEnd = average / 2;
      factor = sampled === 0 ? 1 : (sampled + toEnd) / sampled;
      result += values[low]!;
    } else if (last === low) continue;
    else factor = counterFactor(windows, low, last, result, rangeStart, rangeEnd);
    out.values[i] = result * (factor / perSecond);
    out.present[i] = 1;
  }
}

function counterFactor(
  windows: Windows,
  low: number,
  last: number,
  increase: number,
  rangeStart: number,
  rangeEnd: number,
): number {
  const { times } = windows.floats;
  const first = windows.values[low]!;
  const sampled = (times[last]! - times[low]!) / 1000;
  const toZero =
    increase > 0 && first >= 0 ? sampled * (first / increase) : Number.POSITIVE_INFINITY;
  return extrapolation(times[low]!, times[last]!, last - low, rangeStart, rangeEnd, toZero);
}

/** The kernel for floats: one pass over the samples, then constant work for each step (but for resets). */
export function rateKernel(kind: RateKind): FloatKernel {
  return (windows, from, to, out) => {
    if (kind.counter && windows.floats.startTimes !== null) {
      withStarts(windows, kind, from, to, out);
    } else plainRate(windows, kind, from, to, out);
  };
}

function plainRate(windows: Windows, kind: RateKind, from: number, to: number, out: Row): void {
  const { floats, values, plan } = windows;
  const { times, lo, hi } = floats;
  const { counter } = kind;
  const { rangeMs, endMs, endStepMs } = plan;
  const perSecond = kind.perSecond ? seconds(rangeMs) : 1;
  const resets = counter ? windows.resets : null;
  const resetCount = counter ? windows.resetCount : 0;
  const result = out.values;
  const present = out.present;
  let reset = 0;
  for (let i = from; i < to; i++) {
    const low = lo[i]!;
    const last = hi[i]! - 1;
    if (last <= low) continue;
    const first = values[low]!;
    let increase = values[last]! - first;
    while (reset < resetCount && resets![reset]! <= low) reset++;
    for (let r = reset; r < resetCount && resets![r]! <= last; r++) {
      increase += values[resets![r]! - 1]!;
    }
    const firstTime = times[low]!;
    const lastTime = times[last]!;
    const end = endMs + i * endStepMs;
    // Windows of irregular scrapes have ever new shapes: five divisions cost less than guessing wrong whether they do.
    const sampled = (lastTime - firstTime) / 1000;
    const average = sampled / (last - low);
    const threshold = average * 1.1;
    let toStart = (firstTime - (end - rangeMs)) / 1000;
    let toEnd = (end - lastTime) / 1000;
    if (toStart >= threshold) toStart = average / 2;
    if (toEnd >= threshold) toEnd = average / 2;
    let factor = (sampled + toStart + toEnd) / sampled / perSecond;
    // A counter is not extended beyond its zero, which lies far off where it is above its increase.
    if (counter && increase > 0 && first >= 0 && !(first >= increase && toStart <= sampled)) {
      const toZero = sampled * (first / increase);
      if (toZero < toStart) factor = (sampled + toZero + toEnd) / sampled / perSecond;
    }
    result[i] = increase * factor;
    present[i] = 1;
  }
}
