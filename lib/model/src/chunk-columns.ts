// Encoded chunks of a batch of series, as columns over shared buffers.
import type { LabelBytes } from "./label-bytes.ts";

/** Encoding bytes of chunks, as in block files. Wire encodings are one less. */
export const ChunkEncoding = {
  none: 0,
  xor: 1,
  histogram: 2,
  floatHistogram: 3,
  xor2: 4,
  histogramST: 5,
  floatHistogramST: 6,
  aggregated: 255,
} as const;
export type ChunkEncoding = number;

/**
 * Series `i` owns chunks `first[i] … first[i + 1] - 1`. A chunk of downsampled data appears once for each of its
 * aggregates, one after the other, with the same times (so one wire AggrChunk is one to five rows). One none of whose
 * aggregates was asked for is a row of encoding `none` and length 0: its times are known, its samples are not.
 * Columns may be longer than needed. Buffers are immutable once handed out.
 */
export class ChunkColumns {
  readonly buffers: Uint8Array[] = [];
  seriesCount = 0;
  chunkCount = 0;
  labelBuffer: Uint16Array<ArrayBuffer>;
  labelStart: Uint32Array<ArrayBuffer>;
  labelEnd: Uint32Array<ArrayBuffer>;
  first: Uint32Array<ArrayBuffer>;
  /** Milliseconds, inclusive. */
  minTime: Float64Array<ArrayBuffer>;
  maxTime: Float64Array<ArrayBuffer>;
  encoding: Uint8Array<ArrayBuffer>;
  aggregate: Uint8Array<ArrayBuffer>;
  buffer: Uint16Array<ArrayBuffer>;
  offset: Uint32Array<ArrayBuffer>;
  length: Uint32Array<ArrayBuffer>;

  /** Room for so many series and chunks at first; columns grow as needed. */
  constructor(seriesCapacity = 16, chunkCapacity = 64) {
    const series = Math.max(1, seriesCapacity);
    const chunks = Math.max(1, chunkCapacity);
    this.labelBuffer = new Uint16Array(series);
    this.labelStart = new Uint32Array(series);
    this.labelEnd = new Uint32Array(series);
    this.first = new Uint32Array(series + 1);
    this.minTime = new Float64Array(chunks);
    this.maxTime = new Float64Array(chunks);
    this.encoding = new Uint8Array(chunks);
    this.aggregate = new Uint8Array(chunks);
    this.buffer = new Uint16Array(chunks);
    this.offset = new Uint32Array(chunks);
    this.length = new Uint32Array(chunks);
  }

  /** Registers a buffer and returns its number. At most 65,536 in one batch. */
  addBuffer(data: Uint8Array): number {
    return this.buffers.push(data) - 1;
  }

  /** Starts a series; chunks added next belong to it. */
  addSeries(buffer: number, start: number, end: number): void {
    const at = this.seriesCount++;
    if (at === this.labelStart.length) {
      this.labelBuffer = grown(this.labelBuffer, Uint16Array);
      this.labelStart = grown(this.labelStart, Uint32Array);
      this.labelEnd = grown(this.labelEnd, Uint32Array);
      const first = new Uint32Array(at * 2 + 1);
      first.set(this.first);
      this.first = first;
    }
    this.labelBuffer[at] = buffer;
    this.labelStart[at] = start;
    this.labelEnd[at] = end;
    this.first[at] = this.chunkCount;
    this.first[at + 1] = this.chunkCount;
  }

  addChunk(
    minTime: number,
    maxTime: number,
    encoding: number,
    aggregate: number,
    buffer: number,
    offset: number,
    length: number,
  ): void {
    const at = this.chunkCount++;
    if (at === this.encoding.length) this.#growChunks();
    this.minTime[at] = minTime;
    this.maxTime[at] = maxTime;
    this.encoding[at] = encoding;
    this.aggregate[at] = aggregate;
    this.buffer[at] = buffer;
    this.offset[at] = offset;
    this.length[at] = length;
    this.first[this.seriesCount] = this.chunkCount;
  }

  #growChunks(): void {
    this.minTime = grown(this.minTime, Float64Array);
    this.maxTime = grown(this.maxTime, Float64Array);
    this.encoding = grown(this.encoding, Uint8Array);
    this.aggregate = grown(this.aggregate, Uint8Array);
    this.buffer = grown(this.buffer, Uint16Array);
    this.offset = grown(this.offset, Uint32Array);
    this.length = grown(this.length, Uint32Array);
  }

  /** Series `[from, to)` as columns that share the memory of these. Neither may grow after that. */
  part(from: number, to: number): ChunkColumns {
    const part = new ChunkColumns(1, 1);
    const chunks = this.first[from]!;
    const end = this.first[to]!;
    for (const buffer of this.buffers) part.buffers.push(buffer);
    part.seriesCount = to - from;
    part.chunkCount = end - chunks;
    part.labelBuffer = this.labelBuffer.subarray(from, to);
    part.labelStart = this.labelStart.subarray(from, to);
    part.labelEnd = this.labelEnd.subarray(from, to);
    part.first = this.first.slice(from, to + 1);
    for (let i = 0; i <= to - from; i++) part.first[i]! -= chunks;
    part.minTime = this.minTime.subarray(chunks, end);
    part.maxTime = this.maxTime.subarray(chunks, end);
    part.encoding = this.encoding.subarray(chunks, end);
    part.aggregate = this.aggregate.subarray(chunks, end);
    part.buffer = this.buffer.subarray(chunks, end);
    part.offset = this.offset.subarray(chunks, end);
    part.length = this.length.subarray(chunks, end);
    return part;
  }

  labels(series: number): LabelBytes {
    return {
      data: this.buffers[this.labelBuffer[series]!]!,
      start: this.labelStart[series]!,
      end: this.labelEnd[series]!,
    };
  }

  /** Bytes of labels and chunks: what a budget charges. */
  get bytes(): number {
    let sum = 0;
    for (let i = 0; i < this.seriesCount; i++) sum += this.labelEnd[i]! - this.labelStart[i]!;
    for (let i = 0; i < this.chunkCount; i++) sum += this.length[i]!;
    return sum;
  }
}

type Column = Uint8Array | Uint16Array | Uint32Array | Float64Array;

function grown<T extends Column>(column: T, make: new (length: number) => T): T {
  const larger = new make(column.length * 2);
  larger.set(column);
  return larger;
}
