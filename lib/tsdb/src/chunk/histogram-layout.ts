// The layout that begins a histogram chunk: schema, zero threshold, spans, custom bounds.
import type { BitReader, BitWriter } from "@deucalion/kernels";
import { type BucketSpan, customBucketsSchema, type HistogramRowsLayout } from "@deucalion/model";
import { TsdbError } from "../errors.ts";

/** What all samples of one histogram chunk share. */
export interface HistogramLayout {
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly positiveSpans: readonly BucketSpan[];
  readonly negativeSpans: readonly BucketSpan[];
  readonly customValues: Float64Array;
}

const noBounds = new Float64Array(0);
let recent: HistogramRowsLayout | null = null;

/**
 * A layout as that of rows; where it is that of the chunk before, the same object, so that who adds up histograms of
 * neighbouring chunks need not compare bucket by bucket.
 */
export function rowsLayout(
  layout: HistogramLayout,
  integer: boolean,
  gauge: boolean,
): HistogramRowsLayout {
  const known = recent;
  if (known !== null && known.integer === integer && known.gauge === gauge) {
    if (sameLayout(layout, known)) return known;
  }
  const positive = countBuckets(layout.positiveSpans);
  const negative = countBuckets(layout.negativeSpans);
  recent = { ...layout, integer, gauge, positive, negative };
  return recent;
}

function sameLayout(a: HistogramLayout, b: HistogramLayout): boolean {
  return (
    a.schema === b.schema &&
    Object.is(a.zeroThreshold, b.zeroThreshold) &&
    sameSpans(a.positiveSpans, b.positiveSpans) &&
    sameSpans(a.negativeSpans, b.negativeSpans) &&
    a.customValues.length === b.customValues.length &&
    a.customValues.every((bound, i) => Object.is(bound, b.customValues[i]))
  );
}

function sameSpans(a: readonly BucketSpan[], b: readonly BucketSpan[]): boolean {
  if (a.length !== b.length) return false;
  return a.every((span, i) => span.offset === b[i]!.offset && span.length === b[i]!.length);
}

/** Number of buckets that spans name. */
export function countBuckets(spans: readonly BucketSpan[]): number {
  let count = 0;
  for (const span of spans) count += span.length;
  return count;
}

/** Reads a layout. Throws TSDB_CHUNK_DATA on an unknown schema or more buckets than there are bits. */
export function readHistogramLayout(from: BitReader): HistogramLayout {
  const zeroThreshold = readZeroThreshold(from);
  const schema = from.varbitInt() | 0;
  const positiveSpans = readSpans(from);
  const negativeSpans = readSpans(from);
  if (schema !== customBucketsSchema && (schema < -9 || schema > 52)) {
    throw new TsdbError("TSDB_CHUNK_DATA", "histogram has an unknown schema", { schema });
  }
  const customValues = schema === customBucketsSchema ? readBounds(from) : noBounds;
  const buckets = countBuckets(positiveSpans) + countBuckets(negativeSpans);
  if (buckets > from.left) {
    throw new TsdbError("TSDB_CHUNK_DATA", "histogram names more buckets than it has", { buckets });
  }
  return { schema, zeroThreshold, positiveSpans, negativeSpans, customValues };
}

/** Writes a layout. */
export function writeHistogramLayout(out: BitWriter, layout: HistogramLayout): void {
  writeZeroThreshold(out, layout.zeroThreshold);
  out.varbitInt(layout.schema);
  for (const spans of [layout.positiveSpans, layout.negativeSpans]) {
    out.varbitUint(spans.length);
    for (const span of spans) {
      out.varbitUint(span.length);
      out.varbitInt(span.offset);
    }
  }
  if (layout.schema !== customBucketsSchema) return;
  out.varbitUint(layout.customValues.length);
  for (const bound of layout.customValues) writeBound(out, bound);
}

function readSpans(from: BitReader): BucketSpan[] {
  const count = from.varbitUint();
  if (count * 2 > from.left) {
    throw new TsdbError("TSDB_CHUNK_DATA", "histogram names more spans than it has", { count });
  }
  const spans: BucketSpan[] = [];
  for (let i = 0; i < count; i++) {
    const length = from.varbitUint() >>> 0;
    spans.push({ offset: from.varbitInt() | 0, length });
  }
  return spans;
}

function readBounds(from: BitReader): Float64Array {
  const count = from.varbitUint();
  if (count * 5 > from.left) {
    throw new TsdbError("TSDB_CHUNK_DATA", "histogram names more bounds than it has", { count });
  }
  const bounds = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const scaled = from.varbitUint();
    bounds[i] = scaled === 0 ? from.float64() : (scaled - 1) / 1000;
  }
  return bounds;
}

/** Bounds that are a whole number of thousandths, up to 33554.43, take few bits. */
function writeBound(out: BitWriter, bound: number): void {
  const scaled = bound * 1000;
  const whole = Math.round(scaled);
  if (scaled >= 0 && scaled <= 33554430 && whole / 1000 === bound) {
    out.varbitUint(whole + 1);
  } else {
    out.bits(0, 1);
    out.float64(bound);
  }
}

function readZeroThreshold(from: BitReader): number {
  const byte = from.byte();
  if (byte === 0) return 0;
  return byte === 255 ? from.float64() : 2 ** (byte - 244);
}

/** Powers of two from 2^-243 to 2^10 take one byte. */
function writeZeroThreshold(out: BitWriter, threshold: number): void {
  if (threshold === 0) {
    out.byte(0);
    return;
  }
  const exponent = Math.round(Math.log2(threshold));
  if (exponent >= -243 && exponent <= 10 && 2 ** exponent === threshold) {
    out.byte(exponent + 244);
  } else {
    out.byte(255);
    out.float64(threshold);
  }
}
