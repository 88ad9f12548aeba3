// Which replica gave which sample: the server's own merge, run in the browser over the raw samples of each replica.
import { mergeChain, mergeFill, mergePenalty, SampleColumns } from "@deucalion/model";
import type { MatrixSeries } from "../api/types.ts";
import { formatLabels, type LabelMap } from "../format/labels.ts";
import { parseSample } from "../format/number.ts";

/** The merge that the server uses, by the names of its flag. */
export type DedupFunc = "fill" | "penalty" | "chain";

/** One replica of a series: its name and samples. Times in milliseconds, ascending. */
export interface ReplicaLane {
  readonly name: string;
  readonly times: Float64Array;
  readonly values: Float64Array;
  /** Usual distance of its samples in milliseconds; 0 if unknown. */
  readonly spacingMs: number;
}

/** A series with all its replicas, in the order in which the merge prefers them. */
export interface ReplicaGroup {
  readonly labels: LabelMap;
  readonly lanes: readonly ReplicaLane[];
}

/** Merged samples, each with the number of the lane that gave it. */
export interface Merged {
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly lanes: Uint8Array;
}

/** A stretch of merged samples from one lane; both ends are times of samples. */
export interface Span {
  readonly lane: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly samples: number;
}

/** A stretch without samples, between the two times. */
export interface Gap {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A distance of this many usual ones is a gap: at least one sample is missing. */
const gapFactor = 1.6;

/** The middle distance of neighbours, in whole seconds where it is nearly that. */
export function spacingOf(times: Float64Array): number {
  if (times.length < 2) return 0;
  const steps = new Float64Array(times.length - 1);
  for (let i = 1; i < times.length; i++) steps[i - 1] = (times[i] ?? 0) - (times[i - 1] ?? 0);
  steps.sort();
  const middle = steps[steps.length >> 1] ?? 0;
  const whole = Math.round(middle / 1000) * 1000;
  return whole > 0 && Math.abs(whole - middle) <= whole * 0.02 ? whole : middle;
}

function laneOf(name: string, series: MatrixSeries): ReplicaLane {
  const points = (series.values ?? []).map(
    ([t, v]) => [Math.round(t * 1000), parseSample(v)] as const,
  );
  for (const [t, h] of series.histograms ?? []) {
    points.push([Math.round(t * 1000), parseSample(h.sum)] as const);
  }
  points.sort((a, b) => a[0] - b[0]);
  const times = Float64Array.from(points, (p) => p[0]);
  return {
    name,
    times,
    values: Float64Array.from(points, (p) => p[1]),
    spacingMs: spacingOf(times),
  };
}

/** Puts series that differ only in the replica labels together. Lanes are ordered by the values of those labels. */
export function groupReplicas(
  result: readonly MatrixSeries[],
  replicaLabels: readonly string[],
): ReplicaGroup[] {
  const groups = new Map<string, { labels: LabelMap; members: Array<[string, MatrixSeries]> }>();
  for (const series of result) {
    const rest = { ...series.metric };
    const replica: string[] = [];
    for (const name of replicaLabels) {
      replica.push(rest[name] ?? "");
      delete rest[name];
    }
    const key = formatLabels(rest);
    const group = groups.get(key) ?? { labels: rest, members: [] };
    group.members.push([replica.filter((x) => x !== "").join("/"), series]);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ labels, members }) => ({
    labels,
    lanes: members
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([name, series]) => laneOf(name, series)),
  }));
}

/**
 * Merges the lanes of a group. The number of the lane travels through the merge as the start time of its samples, which
 * every merge carries along untouched.
 */
export function mergeTraced(group: ReplicaGroup, func: DedupFunc, counter: boolean): Merged {
  const columns = group.lanes.map((lane, n) => {
    const out = new SampleColumns(lane.times.length + 1);
    lane.times.forEach((time, i) => {
      out.pushFloat(time, lane.values[i] ?? Number.NaN, n + 1);
    });
    return out;
  });
  const out = new SampleColumns();
  if (func === "chain") mergeChain(columns, out);
  else if (func === "penalty") mergePenalty(columns, counter, out);
  else mergeFill(columns, { counter }, out);
  const lanes = new Uint8Array(out.count);
  for (let i = 0; i < out.count; i++) lanes[i] = (out.startTimes?.[i] ?? 1) - 1;
  return { times: out.times.slice(0, out.count), values: out.values.slice(0, out.count), lanes };
}

/** The part of `merged` within both times. */
export function cutMerged(merged: Merged, fromMs: number, toMs: number): Merged {
  let from = 0;
  while (from < merged.times.length && (merged.times[from] ?? 0) < fromMs) from++;
  let to = merged.times.length;
  while (to > from && (merged.times[to - 1] ?? 0) > toMs) to--;
  return {
    times: merged.times.slice(from, to),
    values: merged.values.slice(from, to),
    lanes: merged.lanes.slice(from, to),
  };
}

/** The part of a lane within both times. */
export function cutLane(lane: ReplicaLane, fromMs: number, toMs: number): ReplicaLane {
  const { times, values } = cutMerged({ ...lane, lanes: new Uint8Array(0) }, fromMs, toMs);
  return { ...lane, times, values };
}

/** Stretches of samples from the same lane, in order. */
export function spansOf(merged: Merged): Span[] {
  const spans: Span[] = [];
  const { times, lanes } = merged;
  for (let from = 0; from < times.length; ) {
    let to = from;
    while (to + 1 < times.length && lanes[to + 1] === lanes[from]) to++;
    spans.push({
      lane: lanes[from] ?? 0,
      fromMs: times[from] ?? 0,
      toMs: times[to] ?? 0,
      samples: to - from + 1,
    });
    from = to + 1;
  }
  return spans;
}

/** Where samples are missing between `fromMs` and `toMs`, the ends included. */
export function gapsOf(
  times: Float64Array,
  spacingMs: number,
  fromMs: number,
  toMs: number,
): Gap[] {
  if (times.length === 0) return [{ fromMs, toMs }];
  const longest = spacingMs * gapFactor;
  const gaps: Gap[] = [];
  let before = fromMs;
  for (const time of times) {
    if (time - before > longest) gaps.push({ fromMs: before, toMs: time });
    before = time;
  }
  if (toMs - before > longest) gaps.push({ fromMs: before, toMs });
  return gaps;
}

/** Lanes that have samples well inside a gap, which the merge therefore held back. */
export function lanesWithin(gap: Gap, lanes: readonly ReplicaLane[]): ReplicaLane[] {
  return lanes.filter((lane) => {
    const margin = lane.spacingMs / 2;
    return lane.times.some((time) => time > gap.fromMs + margin && time < gap.toMs - margin);
  });
}

/** The share of the time from `fromMs` to `toMs` that the gaps leave, 0 to 1. */
export function coverage(
  gaps: readonly Gap[],
  spacingMs: number,
  fromMs: number,
  toMs: number,
): number {
  if (toMs <= fromMs) return gaps.length > 0 ? 0 : 1;
  let missing = 0;
  for (const gap of gaps) missing += Math.max(0, gap.toMs - gap.fromMs - spacingMs);
  return Math.max(0, 1 - missing / (toMs - fromMs));
}

/** The first sample in which two answers differ; null if they do not. */
export function firstDifference(
  ours: Merged,
  theirs: ReplicaLane,
): { readonly atMs: number; readonly ours: number | null; readonly theirs: number | null } | null {
  let a = 0;
  let b = 0;
  while (a < ours.times.length || b < theirs.times.length) {
    const timeA = ours.times[a] ?? Infinity;
    const timeB = theirs.times[b] ?? Infinity;
    const atMs = Math.min(timeA, timeB);
    const valueA = timeA === atMs ? (ours.values[a] ?? 0) : null;
    const valueB = timeB === atMs ? (theirs.values[b] ?? 0) : null;
    const same =
      valueA !== null && valueB !== null && (Object.is(valueA, valueB) || valueA === valueB);
    if (!same) return { atMs, ours: valueA, theirs: valueB };
    a++;
    b++;
  }
  return null;
}
