// Histogram chunks, integer and float, with and without start timestamps: an appender. The layout is in
// decode-histogram.ts.
import { BitWriter, XorValueWriter } from "@deucalion/kernels";
import { ChunkEncoding, type FloatHistogram, isStale, SampleColumns } from "@deucalion/model";
import { TsdbError } from "../errors.ts";
import { decodeHistogramInto, type HistogramChunkKind } from "./decode-histogram.ts";
import { countBuckets, type HistogramLayout, writeHistogramLayout } from "./histogram-layout.ts";
import { StartTimeWriter } from "./start-time.ts";
import { type BucketUnion, bucketsFell, spreadBuckets, uniteBuckets } from "./unite-buckets.ts";

/** Top bits of a histogram chunk's header: what is known of the counter at its start. */
export const CounterResetHeader = { unknown: 0, notReset: 1, reset: 2, gauge: 3 } as const;
export type CounterResetHeader = (typeof CounterResetHeader)[keyof typeof CounterResetHeader];

/** What appending a histogram to a chunk would take. */
export type AppendVerdict =
  /** It fits; `header` is what a chunk that continues with it would carry. */
  | {
      readonly kind: "append" | "recode";
      readonly unions: readonly [BucketUnion, BucketUnion] | null;
    }
  /** A new chunk is needed, with this header. */
  | { readonly kind: "cut"; readonly header: CounterResetHeader };

const emptyLayout: HistogramLayout = {
  schema: 0,
  zeroThreshold: 0,
  positiveSpans: [],
  negativeSpans: [],
  customValues: new Float64Array(0),
};

const pair = new Float64Array(1);
const words = new Uint32Array(pair.buffer);

/** Appends histograms to one chunk. Times must not descend. See `appendHistogram` for samples of any layout. */
export class HistogramAppender {
  readonly kind: HistogramChunkKind;
  header: CounterResetHeader = CounterResetHeader.unknown;
  #layout: HistogramLayout = emptyLayout;
  #last: FloatHistogram | null = null;
  readonly #out = new BitWriter(256);
  readonly #starts: StartTimeWriter | null;
  readonly #sum = new XorValueWriter();
  #count = 0;
  #time = 0;
  #timeDelta = 0;
  // Integer chunks: values and deltas of count, zero count, then buckets as differences to their neighbours.
  #values = new Float64Array(0);
  #deltas = new Float64Array(0);
  // Float chunks: count, zero count, buckets.
  #columns: XorValueWriter[] = [];

  constructor(kind: HistogramChunkKind) {
    this.kind = kind;
    this.#starts = kind.startTimes ? new StartTimeWriter() : null;
    this.#out.bits(0, 24);
  }

  get encoding(): number {
    const base = this.kind.startTimes ? ChunkEncoding.histogramST : ChunkEncoding.histogram;
    return this.kind.integer ? base : base + 1;
  }

  get count(): number {
    return this.#count;
  }

  get byteLength(): number {
    return this.#out.byteLength;
  }

  /** The sample appended last. */
  get last(): FloatHistogram | null {
    return this.#last;
  }

  /** What it takes to append `h` as the next sample of this chunk, which must not be empty. */
  judge(h: FloatHistogram): AppendVerdict {
    return h.counterResetHint === "gauge" ? this.#judgeGauge(h) : this.#judgeCounter(h);
  }

  #judgeGauge(h: FloatHistogram): AppendVerdict {
    const cut: AppendVerdict = { kind: "cut", header: CounterResetHeader.gauge };
    if (this.#count > 0 && this.header !== CounterResetHeader.gauge) return cut;
    if (isStale(h.sum)) return { kind: "append", unions: null };
    if (isStale(this.#last!.sum) || !this.#sameBase(h) || !this.#sameBounds(h)) return cut;
    return this.#fit(h);
  }

  #judgeCounter(h: FloatHistogram): AppendVerdict {
    const unknown = CounterResetHeader.unknown;
    const cut = (header: CounterResetHeader): AppendVerdict => ({ kind: "cut", header });
    if (this.#count > 0 && this.header === CounterResetHeader.gauge) {
      return cut(this.kind.integer ? CounterResetHeader.notReset : unknown);
    }
    if (h.counterResetHint === "reset") return cut(CounterResetHeader.reset);
    if (isStale(h.sum)) return { kind: "append", unions: null };
    const last = this.#last!;
    if (isStale(last.sum)) return cut(unknown);
    if (h.count < last.count) return cut(CounterResetHeader.reset);
    if (!this.#sameBase(h)) return cut(unknown);
    if (!this.#sameBounds(h) || h.zeroCount < last.zeroCount) return cut(CounterResetHeader.reset);
    const verdict = this.#fit(h);
    if (verdict.kind !== "cut" && verdict.unions !== null) {
      const [positive, negative] = verdict.unions;
      const fell =
        bucketsFell(positive, last.positiveBuckets, h.positiveBuckets) ||
        bucketsFell(negative, last.negativeBuckets, h.negativeBuckets);
      if (fell) return cut(CounterResetHeader.reset);
    }
    return verdict;
  }

  #sameBase(h: FloatHistogram): boolean {
    return h.schema === this.#layout.schema && h.zeroThreshold === this.#layout.zeroThreshold;
  }

  #sameBounds(h: FloatHistogram): boolean {
    const bounds = this.#layout.customValues;
    if (h.customValues.length !== bounds.length) return false;
    return h.customValues.every((bound, i) => bound === bounds[i]);
  }

  #fit(h: FloatHistogram): AppendVerdict {
    const positive = uniteBuckets(this.#layout.positiveSpans, h.positiveSpans);
    const negative = uniteBuckets(this.#layout.negativeSpans, h.negativeSpans);
    const recode = positive.extendsA || negative.extendsA;
    return { kind: recode ? "recode" : "append", unions: [positive, negative] };
  }

  /** The histogram with the buckets that this chunk has and it lacks, as zeros. */
  widened(h: FloatHistogram, unions: readonly [BucketUnion, BucketUnion] | null): FloatHistogram {
    if (unions === null) return h;
    const [positive, negative] = unions;
    if (!positive.extendsB && !negative.extendsB) return h;
    const gauge = h.counterResetHint === "gauge";
    const own = !gauge && !positive.extendsA && !negative.extendsA;
    return {
      ...h,
      positiveSpans: own
        ? this.#layout.positiveSpans
        : gauge || positive.extendsB
          ? positive.spans
          : h.positiveSpans,
      negativeSpans: own
        ? this.#layout.negativeSpans
        : gauge || negative.extendsB
          ? negative.spans
          : h.negativeSpans,
      positiveBuckets: spreadBuckets(h.positiveBuckets, positive.positionsB, positive.size),
      negativeBuckets: spreadBuckets(h.negativeBuckets, negative.positionsB, negative.size),
    };
  }

  /** This chunk written again with the spans of `h`, a superset of its own. */
  recoded(h: FloatHistogram, unions: readonly [BucketUnion, BucketUnion]): HistogramAppender {
    const [positive, negative] = unions;
    const samples = new SampleColumns(this.#count);
    const data = this.finish();
    decodeHistogramInto(this.kind, data, 0, data.length, samples);
    const out = new HistogramAppender(this.kind);
    for (let i = 0; i < samples.count; i++) {
      const old = samples.histograms![i]!;
      const wide: FloatHistogram = isStale(old.sum)
        ? old
        : {
            ...old,
            positiveSpans: h.positiveSpans,
            negativeSpans: h.negativeSpans,
            positiveBuckets: spreadBuckets(old.positiveBuckets, positive.positionsA, positive.size),
            negativeBuckets: spreadBuckets(old.negativeBuckets, negative.positionsA, negative.size),
          };
      out.add(samples.times[i]!, wide, samples.startTimes?.[i] ?? 0);
    }
    out.header = this.header;
    return out;
  }

  /**
   * Appends a sample that has exactly the buckets of this chunk (the first one dictates them), or a stale marker.
   * Throws TSDB_CHUNK_FULL if it does not fit.
   */
  add(time: number, h: FloatHistogram, start = 0): void {
    const index = this.#count;
    if (index === (this.kind.startTimes ? 16383 : 65535)) {
      throw new TsdbError("TSDB_CHUNK_FULL", "histogram chunk is full", {});
    }
    const out = this.#out;
    const stale = isStale(h.sum);
    if (index === 0) this.#begin(stale ? emptyLayout : h);
    const width = stale ? 0 : h.positiveBuckets.length + h.negativeBuckets.length;
    if (!stale && width !== this.#width) {
      throw new TsdbError("TSDB_CHUNK_FULL", "histogram has other buckets than its chunk", {});
    }
    const delta = index === 0 ? 0 : time - this.#time;
    out.varbitInt(index === 0 ? time : delta - this.#timeDelta);
    if (this.kind.integer) this.#addIntegers(index, h, stale);
    else this.#addFloats(index, h, stale);
    this.#starts?.write(out, index, time, this.#time, start);
    this.#time = time;
    this.#timeDelta = delta;
    this.#last = h;
    this.#count = index + 1;
  }

  get #width(): number {
    return this.kind.integer ? this.#values.length - 2 : this.#columns.length - 2;
  }

  #begin(layout: HistogramLayout): void {
    this.#layout = layout;
    writeHistogramLayout(this.#out, layout);
    const width = countBuckets(layout.positiveSpans) + countBuckets(layout.negativeSpans) + 2;
    if (this.kind.integer) {
      this.#values = new Float64Array(width);
      this.#deltas = new Float64Array(width);
    } else {
      this.#columns = Array.from({ length: width }, () => new XorValueWriter());
    }
  }

  #addSum(index: number, sum: number): void {
    pair[0] = sum;
    if (index === 0) this.#sum.first(this.#out, words[1]!, words[0]!);
    else this.#sum.write(this.#out, words[1]!, words[0]!);
  }

  #addIntegers(index: number, h: FloatHistogram, stale: boolean): void {
    this.#addInteger(index, 0, stale ? 0 : h.count, stale);
    this.#addInteger(index, 1, stale ? 0 : h.zeroCount, stale);
    this.#addSum(index, h.sum);
    if (stale) return;
    let column = 2;
    for (const buckets of [h.positiveBuckets, h.negativeBuckets]) {
      let before = 0;
      for (let i = 0; i < buckets.length; i++) {
        const count = buckets[i]!;
        this.#addInteger(index, column++, count - before, false);
        before = count;
      }
    }
  }

  #addInteger(index: number, column: number, value: number, stale: boolean): void {
    if (index === 0) {
      this.#values[column] = value;
      if (column < 2) this.#out.varbitUint(value);
      else this.#out.varbitInt(value);
      return;
    }
    const delta = value - this.#values[column]!;
    this.#out.varbitInt(stale ? 0 : delta - this.#deltas[column]!);
    this.#values[column] = value;
    this.#deltas[column] = delta;
  }

  #addFloats(index: number, h: FloatHistogram, stale: boolean): void {
    this.#addFloat(index, 0, stale ? 0 : h.count);
    this.#addFloat(index, 1, stale ? 0 : h.zeroCount);
    this.#addSum(index, h.sum);
    if (stale) return;
    let column = 2;
    for (const count of h.positiveBuckets) this.#addFloat(index, column++, count);
    for (const count of h.negativeBuckets) this.#addFloat(index, column++, count);
  }

  #addFloat(index: number, column: number, value: number): void {
    pair[0] = value;
    const writer = this.#columns[column]!;
    if (index === 0) writer.first(this.#out, words[1]!, words[0]!);
    else writer.write(this.#out, words[1]!, words[0]!);
  }

  /** A copy of the chunk; appending may go on. */
  finish(): Uint8Array {
    const flags = this.header << 6;
    const starts = this.#starts;
    this.#out.patchByte(0, (this.#count >>> 8) | (starts === null ? 0 : flags));
    this.#out.patchByte(1, this.#count & 255);
    this.#out.patchByte(2, starts === null ? flags : starts.header);
    return this.#out.finish();
  }
}

/**
 * Appends a histogram of any layout: to `to` itself, to `to` written again with more buckets, or to a new chunk
 * (`cut`), as Prometheus does. `to` must have the kind that fits the histogram.
 */
export function appendHistogram(
  to: HistogramAppender,
  time: number,
  h: FloatHistogram,
  start = 0,
): { readonly appender: HistogramAppender; readonly cut: boolean } {
  if (to.count === 0) {
    to.add(time, h, start);
    if (h.counterResetHint === "gauge") to.header = CounterResetHeader.gauge;
    else if (h.counterResetHint === "reset") to.header = CounterResetHeader.reset;
    return { appender: to, cut: false };
  }
  const verdict = to.judge(h);
  if (verdict.kind === "cut") {
    const appender = new HistogramAppender(to.kind);
    appender.header = verdict.header;
    appender.add(time, h, start);
    return { appender, cut: true };
  }
  const wide = to.widened(h, verdict.unions);
  const appender =
    verdict.kind === "recode" && verdict.unions !== null ? to.recoded(wide, verdict.unions) : to;
  appender.add(time, wide, start);
  return { appender, cut: false };
}

/** The header of a chunk that begins with `h` and continues the chunk of `before`. */
export function continuedHeader(before: HistogramAppender, h: FloatHistogram): CounterResetHeader {
  if (h.counterResetHint === "gauge") return CounterResetHeader.gauge;
  if (h.counterResetHint === "reset") return CounterResetHeader.reset;
  const verdict = before.judge(h);
  if (verdict.kind !== "cut") return CounterResetHeader.notReset;
  // Float histogram chunks only tell resets from all else.
  if (before.kind.integer || verdict.header === CounterResetHeader.reset) return verdict.header;
  return CounterResetHeader.notReset;
}
