// Native histograms of the HTTP API, which names the bounds of buckets and not their schema: it is found again.
import {
  customBucketsSchema,
  emptyHistogram,
  exponentialBound,
  type FloatHistogram,
  spansOf,
} from "@deucalion/model";
import { RulesError } from "@deucalion/rules";
import { valueOfJson } from "./json-value.ts";

interface Bucket {
  readonly lower: number;
  readonly upper: number;
  readonly count: number;
}

interface HistogramJson {
  readonly count: string;
  readonly sum: string;
  readonly buckets?: readonly (readonly [number, string, string, string])[];
}

const schemaMin = -4;
const schemaMax = 8;

/** True for numbers that differ by rounding only. */
function near(value: number, want: number): boolean {
  return Math.abs(value / want - 1) < 1e-12;
}

/** The schema whose buckets these are, and the index of each; null if they are not exponential. */
function exponential(buckets: readonly Bucket[]): { schema: number; indexes: number[] } | null {
  const first = buckets[0];
  if (first === undefined) return { schema: 0, indexes: [] };
  const schema = -Math.round(Math.log2(Math.log2(first.upper / first.lower)));
  if (!(schema >= schemaMin && schema <= schemaMax)) return null;
  const indexes: number[] = [];
  for (const { lower, upper } of buckets) {
    const index = Math.round(Math.log2(upper) * 2 ** schema);
    if (!near(lower, exponentialBound(index - 1, schema))) return null;
    if (!near(upper, exponentialBound(index, schema))) return null;
    indexes.push(index);
  }
  return { schema, indexes };
}

/** Bounds of empty buckets are not in the answer; without them the histogram says the same. */
function custom(buckets: readonly Bucket[], base: FloatHistogram): FloatHistogram {
  const bounds = new Set<number>();
  for (const { lower, upper } of buckets) {
    for (const bound of [lower, upper]) if (Number.isFinite(bound)) bounds.add(bound);
  }
  const customValues = Float64Array.from([...bounds].sort((a, b) => a - b));
  const indexes = buckets.map(({ upper }) =>
    Number.isFinite(upper) ? customValues.indexOf(upper) : customValues.length,
  );
  return {
    ...base,
    schema: customBucketsSchema,
    customValues,
    positiveSpans: spansOf(Int32Array.from(indexes)),
    positiveBuckets: Float64Array.from(buckets, ({ count }) => count),
  };
}

/** Throws RULES_UNAVAILABLE for what is no histogram. */
export function histogramOfJson(json: unknown): FloatHistogram {
  if (typeof json !== "object" || json === null || !("count" in json) || !("sum" in json)) {
    throw new RulesError("RULES_UNAVAILABLE", "a histogram of the answer is malformed");
  }
  const { count, sum, buckets = [] } = json as HistogramJson;
  const base: FloatHistogram = {
    ...emptyHistogram(),
    count: valueOfJson(count),
    sum: valueOfJson(sum),
    counterResetHint: "gauge",
  };
  const all = buckets.map(([, lower, upper, text]) => ({
    lower: valueOfJson(lower),
    upper: valueOfJson(upper),
    count: valueOfJson(text),
  }));
  const zero = all.find(({ lower, upper }) => lower === -upper);
  const positive = all.filter(({ lower }) => lower > 0);
  const negative = all
    .filter(({ upper }) => upper < 0)
    .map((bucket) => ({ lower: -bucket.upper, upper: -bucket.lower, count: bucket.count }))
    .reverse();
  const up = exponential(positive);
  const down = exponential(negative);
  const known = positive.length + negative.length + (zero === undefined ? 0 : 1);
  const both = positive.length > 0 && negative.length > 0;
  if (known < all.length || up === null || down === null || (both && up.schema !== down.schema)) {
    return custom(all, base);
  }
  return {
    ...base,
    schema: positive.length > 0 ? up.schema : down.schema,
    zeroThreshold: zero?.upper ?? 0,
    zeroCount: zero?.count ?? 0,
    positiveSpans: spansOf(Int32Array.from(up.indexes)),
    positiveBuckets: Float64Array.from(positive, (bucket) => bucket.count),
    negativeSpans: spansOf(Int32Array.from(down.indexes)),
    negativeBuckets: Float64Array.from(negative, (bucket) => bucket.count),
  };
}
