// Downsampling of floats in WebAssembly: chunks of ChunkMemory are decoded, aggregated and encoded where they lie.
import type { FloatColumns } from "../xor/decode-xor.ts";
import type { ChunkMemory } from "./chunk-memory.ts";
import { moduleText } from "./windows.wasm.ts";

interface WindowsModule {
  decodeRaw(table: number, chunks: number, times: number, values: number, room: number): number;
  rawChunk(
    times: number,
    values: number,
    count: number,
    resolution: number,
    scratch: number,
    stride: number,
    out: number,
    room: number,
  ): number;
  coarserChunk(
    table: number,
    chunks: number,
    resolution: number,
    times: number,
    values: number,
    samples: number,
    scratch: number,
    stride: number,
    out: number,
    room: number,
  ): number;
}

/** A chunk that lies at `data[offset, offset + length)`. */
export interface ChunkRange {
  readonly data: Uint8Array;
  readonly offset: number;
  readonly length: number;
}

/** Where a downsampled chunk with its frame was made: in `data`, until the memory is reset. Filled again by each call. */
export interface MadeChunk {
  data: Uint8Array;
  frameStart: number;
  frameEnd: number;
  /** The chunk itself, without its encoding. */
  offset: number;
  length: number;
  /** Ends of the first and the last window, ms. */
  minTime: number;
  maxTime: number;
  /** Windows of the first aggregate. */
  samples: number;
}

/** Windows of one chunk at most, chunks of one call at most, and numbers that a call answers with. */
const windowsMax = 4096;
const chunksMax = 2048;
const headerLength = 8;
const rows = 6;

/** What a kernel takes of its memory, in samples of two numbers. */
export const windowKernelSamples: number = (headerLength + rows * windowsMax + chunksMax) / 2;

/**
 * Works on columns and chunks in one `ChunkMemory`. Whatever it cannot do, or must refuse, it leaves to the caller: its
 * methods say so by -1, or undefined, and have changed nothing but `made` and room in columns.
 */
export class WindowKernel {
  readonly #memory: ChunkMemory;
  readonly #module: WindowsModule;
  readonly #scratch: Float64Array<ArrayBuffer>;
  readonly #table: Uint32Array;
  readonly #usable: boolean;
  readonly made: MadeChunk;

  constructor(memory: ChunkMemory) {
    this.#memory = memory;
    this.#module = memory.instantiate(moduleText) as unknown as WindowsModule;
    this.#scratch = memory.floats(headerLength + rows * windowsMax);
    const table = memory.floats(chunksMax);
    this.#table = new Uint32Array(table.buffer, table.byteOffset, 2 * chunksMax);
    this.#usable = memory.holds(this.#scratch) && memory.holds(table);
    const data = new Uint8Array(0);
    this.made = {
      data,
      frameStart: 0,
      frameEnd: 0,
      offset: 0,
      length: 0,
      minTime: 0,
      maxTime: 0,
      samples: 0,
    };
  }

  /** Puts the places of chunks into the table; false where there are too many, or no room for one that lies elsewhere. */
  #place(chunks: readonly ChunkRange[], from: number, to: number): boolean {
    if (!this.#usable || to - from > chunksMax) return false;
    const table = this.#table;
    for (let i = from, at = 0; i < to; i++) {
      const { data, offset, length } = chunks[i]!;
      if (this.#memory.holds(data)) table[at++] = data.byteOffset + offset;
      else {
        const copy = this.#memory.alloc(length);
        if (!this.#memory.holds(copy)) return false;
        copy.set(data.subarray(offset, offset + length));
        table[at++] = copy.byteOffset;
      }
      table[at++] = length;
    }
    return true;
  }

  /**
   * Appends the samples of XOR chunks to `out`, without stale markers and without steps back in time within a chunk. Returns
   * how many were added, or -1.
   */
  decodeRaw(chunks: readonly ChunkRange[], out: FloatColumns): number {
    const { times, valueBits, count } = out;
    if (!this.#memory.holds(times) || !this.#memory.holds(valueBits)) return -1;
    if (!this.#place(chunks, 0, chunks.length)) return -1;
    const got = this.#module.decodeRaw(
      this.#table.byteOffset,
      chunks.length,
      times.byteOffset + 8 * count,
      valueBits.byteOffset + 8 * count,
      times.length - count,
    );
    if (got > 0) out.count += got;
    return got;
  }

  /** Aggregates the samples `[from, to)` of columns to the chunk `made`. False if none is a number; undefined if it cannot. */
  rawChunk(
    times: Float64Array,
    values: Float64Array,
    from: number,
    to: number,
    resolutionMs: number,
  ): boolean | undefined {
    const memory = this.#memory;
    if (!this.#usable || !memory.holds(times) || !memory.holds(values)) return undefined;
    const answer = this.#module.rawChunk(
      times.byteOffset + 8 * from,
      values.byteOffset + 8 * from,
      to - from,
      resolutionMs,
      this.#scratch.byteOffset,
      windowsMax,
      memory.arenaAt,
      memory.arenaLeft,
    );
    return this.#answered(answer);
  }

  /**
   * Aggregates the downsampled chunks `[from, to)`, which hold floats, to the chunk `made`; the columns are scratch. False if
   * nothing is left; undefined if it cannot.
   */
  coarserChunk(
    chunks: readonly ChunkRange[],
    from: number,
    to: number,
    columns: FloatColumns,
    resolutionMs: number,
  ): boolean | undefined {
    const memory = this.#memory;
    const { times, valueBits } = columns;
    if (!memory.holds(times) || !memory.holds(valueBits)) return undefined;
    if (!this.#place(chunks, from, to)) return undefined;
    const answer = this.#module.coarserChunk(
      this.#table.byteOffset,
      to - from,
      resolutionMs,
      times.byteOffset,
      valueBits.byteOffset,
      times.length,
      this.#scratch.byteOffset,
      windowsMax,
      memory.arenaAt,
      memory.arenaLeft,
    );
    return this.#answered(answer);
  }

  #answered(answer: number): boolean | undefined {
    if (answer < 0) return undefined;
    if (answer === 0) return false;
    const [samples, minTime, maxTime, frameStart, offset, frameEnd] = this.#scratch;
    const { made } = this;
    made.data = this.#memory.bytes;
    made.samples = samples!;
    made.minTime = minTime!;
    made.maxTime = maxTime!;
    made.frameStart = frameStart!;
    made.offset = offset!;
    made.length = frameEnd! - 4 - offset!;
    made.frameEnd = frameEnd!;
    this.#memory.alloc(frameEnd! - this.#memory.arenaAt);
    return true;
  }
}
