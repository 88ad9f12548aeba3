// Classic histograms (`X_bucket`, `X_count`, `X_sum`) as native ones with custom buckets, for `load_with_nhcb`.
import {
  compactHistogram,
  customBucketsSchema,
  emptyHistogram,
  type FloatHistogram,
  type Labels,
} from "@deucalion/model";
import { numberValue } from "@deucalion/promql";
import { ScriptError } from "./errors.ts";
import type { LoadedSeries } from "./script.ts";

/** A native histogram series: points in ascending time, ms. */
export interface CustomSeries {
  readonly labels: Labels;
  readonly points: readonly (readonly [time: number, histogram: FloatHistogram])[];
}

interface ClassicPoint {
  /** Cumulative counts by upper bound. */
  readonly buckets: Map<number, number>;
  count: number | null;
  sum: number;
}

/** A suffix of a classic histogram; `le` matters for buckets only. */
interface Part {
  readonly kind: "bucket" | "count" | "sum";
  readonly le: number;
}

function partOf(labels: Labels): { base: string; part: Part } | null {
  const name = labels.get("__name__");
  if (name.endsWith("_bucket")) {
    const text = labels.get("le");
    const read = numberValue(text.replace(/^[+-]/, ""));
    if ("problem" in read || Number.isNaN(read.value)) return null;
    const le = text.startsWith("-") ? -read.value : read.value;
    return { base: name.slice(0, -7), part: { kind: "bucket", le } };
  }
  if (name.endsWith("_count")) return { base: name.slice(0, -6), part: { kind: "count", le: 0 } };
  return name.endsWith("_sum") ? { base: name.slice(0, -4), part: { kind: "sum", le: 0 } } : null;
}

/** Collects the parts by labels without `le` and by time. Throws PROMQLTEST_SERIES where counts contradict each other. */
export function classicToCustom(series: readonly LoadedSeries[], stepMs: number): CustomSeries[] {
  const groups = new Map<string, { labels: Labels; points: Map<number, ClassicPoint> }>();
  for (const { labels, values } of series) {
    const found = partOf(labels);
    if (found === null) continue;
    const base = labels.with("__name__", found.base).with("le", "");
    let group = groups.get(base.key);
    if (group === undefined) {
      group = { labels: base, points: new Map() };
      groups.set(base.key, group);
    }
    const { points } = group;
    values.forEach((value, index) => {
      if (value.kind !== "float" && value.kind !== "stale") return;
      const time = index * stepMs;
      let point = points.get(time);
      if (point === undefined) {
        point = { buckets: new Map(), count: null, sum: 0 };
        points.set(time, point);
      }
      setPart(point, found.part, value.kind === "float" ? value.value : Number.NaN);
    });
  }
  return [...groups.values()].map(({ labels, points }) => ({
    labels,
    points: [...points]
      .sort(([a], [b]) => a - b)
      .map(([time, point]) => [time, toHistogram(point)] as const),
  }));
}

function setPart(point: ClassicPoint, part: Part, value: number): void {
  if (part.kind === "count") point.count = value;
  else if (part.kind === "sum") point.sum = value;
  else if (!point.buckets.has(part.le)) point.buckets.set(part.le, value);
}

function toHistogram(point: ClassicPoint): FloatHistogram {
  const buckets = [...point.buckets].sort(([a], [b]) => a - b);
  const last = buckets.at(-1);
  const count = point.count ?? last?.[1] ?? 0;
  if (last?.[0] !== Infinity) buckets.push([Infinity, count]);
  if (count !== buckets.at(-1)![1])
    throw new ScriptError("PROMQLTEST_SERIES", `count ${count} is not that of the last bucket`);
  let before = 0;
  const counts = buckets.map(([le, cumulative]) => {
    if (cumulative < before)
      throw new ScriptError("PROMQLTEST_SERIES", `count of le=${le} is not cumulative`);
    const own = cumulative - before;
    before = cumulative;
    return own;
  });
  const integer = buckets.every(([, one]) => Number.isInteger(one));
  const histogram: FloatHistogram = {
    ...emptyHistogram(),
    schema: customBucketsSchema,
    count,
    sum: point.sum,
    positiveSpans: [{ offset: 0, length: counts.length }],
    positiveBuckets: Float64Array.from(counts),
    customValues: Float64Array.from(buckets.slice(0, -1), ([le]) => le),
  };
  return compactHistogram(histogram, integer ? 2 : 0);
}
