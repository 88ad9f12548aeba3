// Samples as JSON values: floats and histograms, with the NaNs told apart.
import type { BucketSpan, FloatHistogram, SampleColumns } from "@deucalion/model";

const pair = new Float64Array(1);
const words = new Uint32Array(pair.buffer);

/** The shortest digits that read back, with an exponent below 1e-4 and from 1e6 on, as Go's `%g` of that precision. */
function shortest(value: number): string {
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  const magnitude = Math.abs(value);
  if (magnitude >= 1e-4 && magnitude < 1e6) return String(value);
  return value.toExponential().replace(/([+-])(\d)$/, "$10$2");
}

/** A float by its words: shortest digits, `NaN` for the usual one, `stale`, `NaN:` and the bits for any other. */
export function floatText(high: number, low: number): string {
  words[0] = low;
  words[1] = high;
  const value = pair[0]!;
  if (!Number.isNaN(value)) return shortest(value);
  const hex =
    (high >>> 0).toString(16).padStart(8, "0") + (low >>> 0).toString(16).padStart(8, "0");
  if (hex === "7ff8000000000001") return "NaN";
  return hex === "7ff0000000000002" ? "stale" : `NaN:${hex}`;
}

function numberText(value: number): string {
  pair[0] = value;
  return floatText(words[1]!, words[0]!);
}

function spanPairs(spans: readonly BucketSpan[]): number[][] {
  return spans.map((span) => [span.offset, span.length]);
}

/** A histogram with counts as text, absolute in every bucket. */
export function histogramJson(h: FloatHistogram): Record<string, unknown> {
  const json: Record<string, unknown> = {
    kind: h.integer ? "int" : "float",
    hint: h.counterResetHint,
    schema: h.schema,
    count: numberText(h.count),
    sum: numberText(h.sum),
    zero_threshold: numberText(h.zeroThreshold),
    zero_count: numberText(h.zeroCount),
    pos_spans: spanPairs(h.positiveSpans),
    pos_counts: Array.from(h.positiveBuckets, numberText),
    neg_spans: spanPairs(h.negativeSpans),
    neg_counts: Array.from(h.negativeBuckets, numberText),
  };
  if (h.customValues.length > 0) json.custom_values = Array.from(h.customValues, numberText);
  return json;
}

/** `[t, value]` or `[t, value, startTimestamp]` of each sample. */
export function samplesJson(samples: SampleColumns): unknown[][] {
  const { times, valueBits, histograms, startTimes } = samples;
  const out: unknown[][] = [];
  for (let i = 0; i < samples.count; i++) {
    const histogram = histograms?.[i];
    const value =
      histogram === undefined
        ? floatText(valueBits[2 * i + 1]!, valueBits[2 * i]!)
        : histogramJson(histogram);
    const start = startTimes?.[i] ?? 0;
    out.push(start === 0 ? [times[i], value] : [times[i], value, start]);
  }
  return out;
}
