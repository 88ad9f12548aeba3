// Series of one block, decoded from its index: label bytes, and where their chunks are.
import { compareLabelBytes, type LabelBytes } from "@deucalion/model";
import { ByteArena } from "./byte-arena.ts";

/** Columns of series; series `i` owns chunks first[i] … first[i + 1] - 1. */
export class SeriesRows {
  // Small at first: most calls of rules give a few series, and what is off the heap makes the collector run.
  readonly labels = new ByteArena(2 << 10);
  count = 0;
  chunkCount = 0;
  /** Whether a series was left out since the last one. */
  rejected = false;
  labelStart = new Uint32Array(16);
  labelEnd = new Uint32Array(16);
  /** 1 where the labels may begin with all labels of the series before, 0 where they surely do not. */
  extends = new Uint8Array(16);
  first = new Uint32Array(17);
  /** Milliseconds, inclusive. */
  minTime = new Float64Array(32);
  maxTime = new Float64Array(32);
  ref = new Float64Array(32);
  /** Where the chunk ends at the latest, as a reference; 0 where that is not known. */
  refEnd = new Float64Array(32);

  /** Closes a series whose labels begin at `labelStart` of the arena; chunks added before belong to it. */
  addSeries(labelStart: number, extendsLast: boolean): void {
    const at = this.count++;
    if (at === this.labelStart.length) {
      this.labelStart = doubled(this.labelStart);
      this.labelEnd = doubled(this.labelEnd);
      const flags = new Uint8Array(2 * at);
      flags.set(this.extends);
      this.extends = flags;
      const first = new Uint32Array(2 * at + 1);
      first.set(this.first);
      this.first = first;
    }
    this.labelStart[at] = labelStart;
    this.labelEnd[at] = this.labels.length;
    this.extends[at] = extendsLast ? 1 : 0;
    this.first[at + 1] = this.chunkCount;
  }

  addChunk(minTime: number, maxTime: number, ref: number, refEnd: number): void {
    const at = this.chunkCount++;
    if (at === this.ref.length) {
      this.minTime = doubledFloats(this.minTime);
      this.maxTime = doubledFloats(this.maxTime);
      this.ref = doubledFloats(this.ref);
      this.refEnd = doubledFloats(this.refEnd);
    }
    this.minTime[at] = minTime;
    this.maxTime[at] = maxTime;
    this.ref[at] = ref;
    this.refEnd[at] = refEnd;
  }

  /**
   * Chunks do not overlap: the last one ends where the next series' first begins, if not before. `ref` is that one's;
   * a chunk is not expected to be longer than `bytesGuess`.
   */
  endBefore(ref: number, bytesGuess: number): void {
    const last = this.chunkCount - 1;
    if (last < 0 || this.refEnd[last] !== 0 || ref <= this.ref[last]!) return;
    this.refEnd[last] = Math.min(ref, this.ref[last]! + bytesGuess);
  }

  /** Copies series `row` of `other` to the end. */
  addFrom(other: SeriesRows, row: number): void {
    const labelStart = this.labels.length;
    this.labels.copy(other.labels.data, other.labelStart[row]!, other.labelEnd[row]!);
    for (let i = other.first[row]!; i < other.first[row + 1]!; i++)
      this.addChunk(other.minTime[i]!, other.maxTime[i]!, other.ref[i]!, other.refEnd[i]!);
    this.addSeries(labelStart, true);
  }

  /** Adds one series made of the chunks of several with equal labels, in order of time. */
  addMerged(other: SeriesRows, same: Uint32Array): void {
    const labelStart = this.labels.length;
    const first = same[0]!;
    this.labels.copy(other.labels.data, other.labelStart[first]!, other.labelEnd[first]!);
    const chunks: number[] = [];
    for (const row of same)
      for (let c = other.first[row]!; c < other.first[row + 1]!; c++) chunks.push(c);
    const { minTime, maxTime, ref, refEnd } = other;
    chunks.sort(
      (a, b) => minTime[a]! - minTime[b]! || maxTime[a]! - maxTime[b]! || ref[a]! - ref[b]!,
    );
    for (const c of chunks) this.addChunk(minTime[c]!, maxTime[c]!, ref[c]!, refEnd[c]!);
    this.addSeries(labelStart, true);
  }

  labelsOf(row: number): LabelBytes {
    return {
      data: this.labels.data,
      start: this.labelStart[row]!,
      end: this.labelEnd[row]!,
    };
  }

  compare(a: number, b: number): number {
    return compareLabelBytes(this.labelsOf(a), this.labelsOf(b));
  }
}

function doubled(column: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(column.length * 2);
  larger.set(column);
  return larger;
}

function doubledFloats(column: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(column.length * 2);
  larger.set(column);
  return larger;
}
