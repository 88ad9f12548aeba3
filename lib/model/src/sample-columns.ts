// Samples of one series as columns; the scratch that decoders fill and operators read.
import type { SampleMemory } from "@deucalion/kernels";
import type { FloatHistogram } from "./histogram.ts";
import { HistogramRows } from "./histogram-rows.ts";
import { isStale, isStaleAt } from "./stale.ts";

/**
 * Growing columns of samples in ascending order of time. Owned by whoever made it and meant to be reused:
 * `reset()` keeps the memory. Move values with their bits (`valueBits`), since NaN payloads matter.
 */
export class SampleColumns {
  count = 0;
  /** Milliseconds since the epoch. */
  times: Float64Array;
  /** Float values; for a histogram sample the slot holds its `sum`. */
  values: Float64Array;
  /** Alias of `values`: two words a sample, low word first. */
  valueBits: Uint32Array;
  /** Histograms as objects; those that are still rows are not among them. */
  #list: (FloatHistogram | undefined)[] | null = null;
  /** Histograms that nobody has asked for as objects. */
  #rows: HistogramRows | null = null;
  /** `null` while no sample has a start timestamp; else milliseconds, 0 for unknown. */
  startTimes: Float64Array | null = null;
  /** Where the columns lie as long as they are not replaced by larger ones; decoders are quicker there. */
  readonly memory: SampleMemory | null;
  /** The columns in `memory`. */
  readonly #home: Pick<SampleColumns, "times" | "values" | "valueBits"> | null = null;
  /** Zeros, as many as there are samples at home: too many to be made for each series. */
  #spareStartTimes: Float64Array | null = null;

  /** `capacity` is only looked at where no memory is given. */
  constructor(capacity = 256, memory: SampleMemory | null = null) {
    this.times = new Float64Array(memory === null ? capacity : 0);
    this.values = new Float64Array(this.times.length);
    this.valueBits = new Uint32Array(this.values.buffer);
    this.memory = memory?.columns(this) === true ? memory : null;
    if (this.memory !== null) {
      this.#home = { times: this.times, values: this.values, valueBits: this.valueBits };
    }
  }

  get capacity(): number {
    return this.times.length;
  }

  /** `null` while every sample is a float; else the histogram, or undefined for a float, of each sample. */
  get histograms(): (FloatHistogram | undefined)[] | null {
    if (this.#rows !== null && this.#rows.samples > 0) this.#takeRows(this.#rows);
    return this.#list;
  }

  set histograms(list: (FloatHistogram | undefined)[] | null) {
    this.#rows?.reset();
    this.#list = list;
  }

  #takeRows(rows: HistogramRows): void {
    this.#list ??= [];
    this.#list.length = this.count;
    rows.allInto(this.#list, this.values, this.count);
    rows.reset();
  }

  /** True unless every sample is a float. Costs less than looking at `histograms`. */
  get hasHistograms(): boolean {
    return this.#list !== null || (this.#rows !== null && this.#rows.samples > 0);
  }

  /** Where a decoder puts histograms as rows. They count as samples once they are in `count`. */
  withRows(): HistogramRows {
    this.#rows ??= new HistogramRows();
    return this.#rows;
  }

  /** The rows, if every sample is one and none a stale marker; they are gone once `histograms` is looked at. */
  get plainRows(): HistogramRows | null {
    const rows = this.#rows;
    const plain =
      rows !== null && this.#list === null && rows.samples === this.count && rows.stale === 0;
    return plain && this.count > 0 ? rows : null;
  }

  reset(): void {
    if (this.startTimes !== null && this.startTimes.length === this.#home?.times.length) {
      this.startTimes.fill(0, 0, this.count);
      this.#spareStartTimes = this.startTimes;
    }
    this.count = 0;
    this.histograms = null;
    this.startTimes = null;
    // Larger columns are kept, but not those that samples were put in order in.
    if (this.#home !== null && this.times.length <= this.#home.times.length) this.#goHome();
  }

  /** Empties columns of `memory`, for a new owner: they are there again, whatever has replaced them. */
  renew(): void {
    this.reset();
    this.#goHome();
    // Decoders that fail leave anything in it.
    this.#spareStartTimes = null;
  }

  #goHome(): void {
    if (this.#home === null) return;
    this.times = this.#home.times;
    this.values = this.#home.values;
    this.valueBits = this.#home.valueBits;
  }

  /** Makes room for `extra` samples after `count`. Columns may be replaced by larger ones. */
  reserve(extra: number): void {
    const need = this.count + extra;
    if (need <= this.times.length) return;
    const capacity = Math.max(need, this.times.length * 2);
    const times = new Float64Array(capacity);
    times.set(this.times.subarray(0, this.count));
    const values = new Float64Array(capacity);
    const bits = new Uint32Array(values.buffer);
    bits.set(this.valueBits.subarray(0, 2 * this.count));
    this.times = times;
    this.values = values;
    this.valueBits = bits;
    if (this.startTimes !== null) {
      const startTimes = new Float64Array(capacity);
      startTimes.set(this.startTimes.subarray(0, this.count));
      this.startTimes = startTimes;
    }
  }

  /** Turns the start-time column on (zeros so far) and returns it. */
  withStartTimes(): Float64Array {
    if (this.startTimes === null) {
      const spare = this.#spareStartTimes;
      this.startTimes = spare?.length === this.capacity ? spare : new Float64Array(this.capacity);
    }
    return this.startTimes;
  }

  pushFloat(time: number, value: number, startTime = 0): void {
    this.reserve(1);
    const at = this.count++;
    this.times[at] = time;
    this.values[at] = value;
    if (this.histograms !== null) this.histograms[at] = undefined;
    if (startTime !== 0) this.withStartTimes()[at] = startTime;
    else if (this.startTimes !== null) this.startTimes[at] = 0;
  }

  pushHistogram(time: number, histogram: FloatHistogram, startTime = 0): void {
    this.reserve(1);
    const at = this.count++;
    this.times[at] = time;
    this.values[at] = histogram.sum;
    if (this.histograms === null) {
      this.histograms = [];
      this.histograms.length = at;
    }
    this.histograms[at] = histogram;
    if (startTime !== 0) this.withStartTimes()[at] = startTime;
    else if (this.startTimes !== null) this.startTimes[at] = 0;
  }

  /** Copies sample `index` of `source` to the end, bits and all. */
  pushFrom(source: SampleColumns, index: number): void {
    this.reserve(1);
    const at = this.count++;
    this.times[at] = source.times[index]!;
    this.valueBits[2 * at] = source.valueBits[2 * index]!;
    this.valueBits[2 * at + 1] = source.valueBits[2 * index + 1]!;
    const histogram = source.histograms?.[index];
    if (histogram !== undefined && this.histograms === null) {
      this.histograms = [];
      this.histograms.length = at;
    }
    if (this.histograms !== null) this.histograms[at] = histogram;
    const start = source.startTimes === null ? 0 : source.startTimes[index]!;
    if (start !== 0) this.withStartTimes()[at] = start;
    else if (this.startTimes !== null) this.startTimes[at] = 0;
  }

  /** Copies samples `[from, to)` of `source` to the end, bits and all. */
  pushRange(source: SampleColumns, from: number, to: number): void {
    const plain = source.histograms === null && source.startTimes === null;
    if (!plain || this.histograms !== null || this.startTimes !== null) {
      for (let i = from; i < to; i++) this.pushFrom(source, i);
      return;
    }
    this.reserve(to - from);
    this.times.set(source.times.subarray(from, to), this.count);
    this.valueBits.set(source.valueBits.subarray(2 * from, 2 * to), 2 * this.count);
    this.count += to - from;
  }

  /** True if the sample is a stale marker, float or histogram. */
  isStale(index: number): boolean {
    const histogram = this.#list?.[index];
    return histogram === undefined ? isStaleAt(this.valueBits, index) : isStale(histogram.sum);
  }
}
