// Native histograms as text: Prometheus' String form, the form of its test scripts, and the buckets of its API.
import type { FloatHistogram } from "../histogram.ts";
import { usesCustomBuckets } from "./arithmetic/add.ts";
import { BucketCursor } from "./buckets/bucket-cursor.ts";
import { compactHistogram } from "./buckets/compact.ts";
import { formatFloatG } from "./format-float.ts";

/** `{count:5, sum:18.4, (0.5,1]:1, …}` with the buckets by value and empty ones left out. */
export function histogramText(h: FloatHistogram): string {
  let text = `{count:${formatFloatG(h.count)}, sum:${formatFloatG(h.sum)}`;
  const bucket = (cursor: BucketCursor, lower: number, upper: number): string => {
    const open = cursor.lowerInclusive ? "[" : "(";
    const close = cursor.upperInclusive ? "]" : ")";
    const bounds = `${formatFloatG(lower)},${formatFloatG(upper)}`;
    return `, ${open}${bounds}${close}:${formatFloatG(cursor.count)}`;
  };
  const negative: string[] = [];
  for (const cursor = new BucketCursor(h, "negative"); cursor.next(); ) {
    if (cursor.count !== 0) negative.push(bucket(cursor, cursor.lower, cursor.upper));
  }
  text += negative.reverse().join("");
  if (h.zeroCount !== 0) {
    const edge = formatFloatG(h.zeroThreshold);
    text += `, [${formatFloatG(-h.zeroThreshold)},${edge}]:${formatFloatG(h.zeroCount)}`;
  }
  for (const cursor = new BucketCursor(h, "positive"); cursor.next(); ) {
    if (cursor.count !== 0) text += bucket(cursor, cursor.lower, cursor.upper);
  }
  return `${text}}`;
}

/** `{{schema:1 count:5 sum:18.4 buckets:[1 4]}}` as scripts of promqltest and rule tests write histograms. */
export function histogramTestExpression(h: FloatHistogram): string {
  const m = compactHistogram(h, Number.MAX_SAFE_INTEGER);
  const parts: string[] = [];
  const number = (name: string, value: number): void => {
    if (value !== 0) parts.push(`${name}:${formatFloatG(value)}`);
  };
  const list = (values: Float64Array): string => `[${[...values].map(formatFloatG).join(" ")}]`;
  if (m.schema !== 0) parts.push(`schema:${m.schema}`);
  number("count", m.count);
  number("sum", m.sum);
  number("z_bucket", m.zeroCount);
  number("z_bucket_w", m.zeroThreshold);
  if (usesCustomBuckets(m)) parts.push(`custom_values:${list(m.customValues)}`);
  if (m.counterResetHint !== "unknown") parts.push(`counter_reset_hint:${m.counterResetHint}`);
  const positiveOffset = m.positiveSpans[0]?.offset ?? 0;
  if (positiveOffset !== 0) parts.push(`offset:${positiveOffset}`);
  if (m.positiveBuckets.length > 0) parts.push(`buckets:${list(m.positiveBuckets)}`);
  const negativeOffset = m.negativeSpans[0]?.offset ?? 0;
  if (negativeOffset !== 0) parts.push(`n_offset:${negativeOffset}`);
  if (m.negativeBuckets.length > 0) parts.push(`n_buckets:${list(m.negativeBuckets)}`);
  return `{{${parts.join(" ")}}}`;
}

/**
 * Calls `take` for each populated bucket by value. `rule` says which bounds belong to the bucket: 0 the upper, 1 the
 * lower, 2 none, 3 both.
 */
export function eachApiBucket(
  h: FloatHistogram,
  take: (rule: number, lower: number, upper: number, count: number) => void,
): void {
  for (const cursor = new BucketCursor(h, "ascending"); cursor.next(); ) {
    if (cursor.count === 0) continue;
    const low = cursor.lowerInclusive;
    const rule = cursor.upperInclusive ? (low ? 3 : 0) : low ? 1 : 2;
    take(rule, cursor.lower, cursor.upper, cursor.count);
  }
}

/** The histogram as Prometheus' HTTP API writes it. */
export function histogramJson(h: FloatHistogram): string {
  const quoted = (value: number): string => `"${formatFloatJson(value)}"`;
  const buckets: string[] = [];
  eachApiBucket(h, (rule, lower, upper, count) => {
    buckets.push(`[${rule},${quoted(lower)},${quoted(upper)},${quoted(count)}]`);
  });
  const rest = buckets.length === 0 ? "" : `,"buckets":[${buckets.join(",")}]`;
  return `{"count":${quoted(h.count)},"sum":${quoted(h.sum)}${rest}}`;
}

/** A float as the API writes it: shortest digits, with an exponent below 1e-6 and from 1e21 on. */
export function formatFloatJson(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (value === Infinity) return "+Inf";
  if (value === -Infinity) return "-Inf";
  if (Object.is(value, -0)) return "-0";
  return String(value).replace(/e([+-])(\d)$/, "e$10$2");
}
