// Samples of a head that did not come in order: found to be stored already, refused, or kept apart.
import {
  equalHistograms,
  type FloatHistogram,
  isStale,
  type SampleColumns,
} from "@deucalion/model";
import { OutOfOrderChunk } from "../out-of-order-chunk.ts";
import { StoredSamples } from "./chunks/stored-samples.ts";
import type { LiveHead } from "./live-head.ts";
import { Verdict } from "./verdict.ts";

/** Out-of-order samples of one series: rows of the chunk list, then an open chunk. */
export interface LateSeries {
  first: number;
  last: number;
  open: OutOfOrderChunk | null;
}

/** The out-of-order part of a head. */
export class LateSamples {
  readonly #head: LiveHead;
  readonly #stored: StoredSamples;
  /** By series index. */
  readonly series = new Map<number, LateSeries>();
  /** Milliseconds; +Infinity and −Infinity without any. */
  minTime = Number.POSITIVE_INFINITY;
  maxTime = Number.NEGATIVE_INFINITY;

  constructor(head: LiveHead) {
    this.#head = head;
    this.#stored = new StoredSamples(head);
  }

  /** Appends the one sample of `one`, which is not in order; `h` is its histogram, null for a float. */
  append(series: number, one: SampleColumns, h: FloatHistogram | null): Verdict {
    const head = this.#head;
    const time = one.times[0]!;
    const last = head.table.lastTime[series]!;
    const at = time <= last ? this.#stored.find(series, time) : -1;
    if (at >= 0) {
      if (isSame(this.#stored.samples, at, one, h)) return Verdict.same;
      if (time === last && time >= head.appendFrom) return Verdict.duplicate;
    }
    const closed = this.#closedVerdict(series, one, h);
    if (closed !== null) return closed;
    const window = head.lateWindowMs;
    if (window > 0 && time >= head.maxTime - window) return this.#put(series, one, h);
    if (window > 0) return Verdict.tooOld;
    if (time < head.appendFrom) return Verdict.outOfBounds;
    return at >= 0 ? Verdict.duplicate : Verdict.outOfOrder;
  }

  /** What a sample is that one of the closed out-of-order chunks has a sample for, null without. */
  #closedVerdict(series: number, one: SampleColumns, h: FloatHistogram | null): Verdict | null {
    const { chunks } = this.#head;
    let row = this.series.get(series)?.first ?? -1;
    for (; row >= 0; row = chunks.next[row]!) {
      const at = this.#stored.findIn(series, row, one.times[0]!);
      if (at < 0) continue;
      return isSame(this.#stored.samples, at, one, h) ? Verdict.same : Verdict.duplicate;
    }
    return null;
  }

  #put(series: number, one: SampleColumns, h: FloatHistogram | null): Verdict {
    const head = this.#head;
    const ref = head.table.ref[series]!;
    const time = one.times[0]!;
    const state = this.of(series);
    if (state.open !== null && state.open.count >= head.options.outOfOrderMax) {
      const mmapRef = this.close(series, state);
      head.log.flushLateRecords();
      // The chunk must be on its way to disk before the log says that it need not be replayed.
      head.files.flush();
      head.log.lateMarker(ref, mmapRef);
    }
    if (!this.insert(series, one)) {
      const { samples } = state.open!;
      const at = samples.times.indexOf(time);
      return isSame(samples, at, one, h) ? Verdict.same : Verdict.duplicate;
    }
    const start = one.startTimes?.[0] ?? 0;
    if (h !== null) head.log.lateHistogram(ref, time, h, start);
    else head.log.lateFloat(ref, time, one.valueBits[1]!, one.valueBits[0]!, start);
    return Verdict.stored;
  }

  /** What came late of a series, made if there is nothing. */
  of(series: number): LateSeries {
    let state = this.series.get(series);
    if (state === undefined) {
      state = { first: -1, last: -1, open: null };
      this.series.set(series, state);
    }
    return state;
  }

  /** Puts a sample into the open chunk without logging it; false if its time is taken. */
  insert(series: number, one: SampleColumns): boolean {
    const state = this.of(series);
    state.open ??= new OutOfOrderChunk();
    if (!state.open.insert(one, 0)) return false;
    const time = one.times[0]!;
    if (time < this.minTime) this.minTime = time;
    if (time > this.maxTime) this.maxTime = time;
    return true;
  }

  /** Writes the open chunk to the files; returns the last reference. */
  close(series: number, state: LateSeries): number {
    const { table, files, chunks } = this.#head;
    let ref = 0;
    const seriesRef = table.ref[series]!;
    const { startTimes } = this.#head.options;
    const options = { samplesPerChunk: 65_535, xor2: startTimes, histogramStartTimes: startTimes };
    for (const chunk of state.open?.encoded(options) ?? []) {
      const { encoding, minTime, maxTime, data } = chunk;
      ref = files.append(seriesRef, minTime, maxTime, encoding, true, data);
      this.link(state, chunks.add(ref, minTime, maxTime, encoding));
    }
    state.open = null;
    return ref;
  }

  /** Puts a row of the chunk list at the end. */
  link(state: LateSeries, row: number): void {
    if (state.last >= 0) this.#head.chunks.next[state.last] = row;
    else state.first = row;
    state.last = row;
  }

  /** Forgets the times when nothing is left. */
  resetTimes(): void {
    this.minTime = Number.POSITIVE_INFINITY;
    this.maxTime = Number.NEGATIVE_INFINITY;
  }
}

/** True if sample `at` is the one in `one`, to the bit; stale markers are alike whatever they end. */
function isSame(
  samples: SampleColumns,
  at: number,
  one: SampleColumns,
  h: FloatHistogram | null,
): boolean {
  const other = samples.histograms?.[at];
  if (h !== null) {
    if (other === undefined) return false;
    return equalHistograms(other, h) || (isStale(h.sum) && isStale(other.sum));
  }
  if (other !== undefined) return one.isStale(0) && isStale(other.sum);
  return (
    samples.valueBits[2 * at] === one.valueBits[0] &&
    samples.valueBits[2 * at + 1] === one.valueBits[1]
  );
}
