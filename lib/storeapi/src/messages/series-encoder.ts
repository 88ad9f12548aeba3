// Writes series as Series responses (layout in series-decoder.ts): lengths first, then one pass over the bytes.
import type { BytePool, Xxhash64 } from "@deucalion/kernels";
import { Aggregate, type ChunkColumns, ChunkEncoding } from "@deucalion/model";
import { RpcError, uvarintBytes } from "@deucalion/rpc";

/** Series with more chunk bytes than this are sent in several parts. */
const partBytesMax = 1 << 20;

export interface SeriesEncoderOptions {
  /** Series in one message; 0 and 1 send each on its own. */
  readonly batchSize: number;
  readonly skipChunks: boolean;
  /** Writes the hash of each chunk, as Thanos' stores do; null leaves hashes out. */
  readonly hash: Xxhash64 | null;
  /** Where the chunks lie: messages are then put together there. */
  readonly pool?: BytePool | undefined;
}

const firstBytes = 65_536;

/** Bytes of an int64 varint. */
function intBytes(value: number): number {
  if (value < 0) return 10;
  return value >= 2 ** 63 ? 9 : uvarintBytes(value);
}

/**
 * Turns series into messages. `emit` gets a view that is valid until it returns; what it returns is waited for
 * by the caller of `add` and `flush`.
 */
export class SeriesEncoder {
  readonly #options: SeriesEncoderOptions;
  readonly #emit: (message: Uint8Array) => Promise<void> | undefined;
  #out: Uint8Array;
  #at = 0;
  #batched = 0;
  /** Hashes of the series at hand: two words for each chunk. */
  #hashes = new Uint32Array(128);
  /** Bytes of its wire chunks, at the row where each begins, and of the Chunk message of each row. */
  #groupSizes = new Uint32Array(64);
  #chunkSizes = new Uint32Array(64);

  constructor(
    options: SeriesEncoderOptions,
    emit: (message: Uint8Array) => Promise<void> | undefined,
  ) {
    this.#options = options;
    this.#emit = emit;
    this.#out = options.pool?.take(firstBytes) ?? new Uint8Array(firstBytes);
  }

  /** Gives the memory of messages back; nothing may be added any more. */
  close(): void {
    this.#options.pool?.give(this.#out);
    this.#out = new Uint8Array(0);
  }

  /** Adds one series of a batch; parts of a very long one become messages of their own. */
  add(columns: ChunkColumns, series: number): Promise<void> | undefined {
    const first = columns.first[series]!;
    const end = this.#options.skipChunks ? first : columns.first[series + 1]!;
    let from = first;
    let bytes = 0;
    for (let i = first; i < end; i++) {
      const length = columns.length[i]!;
      if (bytes > 0 && bytes + length > partBytesMax && !continues(columns, i, from)) {
        void this.#one(columns, series, from, i);
        from = i;
        bytes = 0;
      }
      bytes += length;
    }
    return this.#one(columns, series, from, end);
  }

  #one(
    columns: ChunkColumns,
    series: number,
    from: number,
    end: number,
  ): Promise<void> | undefined {
    const labelBytes = columns.labelEnd[series]! - columns.labelStart[series]!;
    const hash = this.#options.hash;
    if (hash !== null && end > from) this.#hash(columns, from, end, hash);
    let size = labelBytes;
    if (this.#groupSizes.length < end - from) {
      this.#groupSizes = new Uint32Array(2 * (end - from));
      this.#chunkSizes = new Uint32Array(2 * (end - from));
    }
    for (let i = from; i < end; ) {
      const next = groupEnd(columns, i, end);
      const chunk = this.#groupBytes(columns, i, next, from);
      this.#groupSizes[i - from] = chunk;
      size += 1 + uvarintBytes(chunk) + chunk;
      i = next;
    }
    const batched = this.#options.batchSize > 1;
    if (!batched) this.#at = 0;
    this.#ensure(size + 12);
    this.#tag(0x0a, size);
    const labels = columns.buffers[columns.labelBuffer[series]!]!;
    this.#copy(labels, columns.labelStart[series]!, columns.labelEnd[series]!);
    for (let i = from; i < end; ) {
      const next = groupEnd(columns, i, end);
      this.#group(columns, i, next, from);
      i = next;
    }
    if (!batched) return this.#emit(this.#out.subarray(0, this.#at));
    if (++this.#batched >= this.#options.batchSize || this.#at >= partBytesMax) return this.flush();
    return undefined;
  }

  /** Sends what is left of a batch. */
  flush(): Promise<void> | undefined {
    if (this.#batched === 0) return undefined;
    const size = this.#at;
    const prefix = 1 + uvarintBytes(size);
    this.#ensure(prefix);
    this.#out.copyWithin(prefix, 0, size);
    this.#at = 0;
    this.#tag(0x22, size);
    this.#at = 0;
    this.#batched = 0;
    return this.#emit(this.#out.subarray(0, prefix + size));
  }

  /** Warnings may come between series. */
  warning(text: string): Promise<void> | undefined {
    return this.message(2, new TextEncoder().encode(text));
  }

  /** Another field of the response: 2 is a warning, 3 encoded hints. Sends the current batch first. */
  message(field: number, bytes: Uint8Array): Promise<void> | undefined {
    void this.flush();
    this.#at = 0;
    this.#ensure(bytes.length + 12);
    this.#tag(field * 8 + 2, bytes.length);
    this.#copy(bytes, 0, bytes.length);
    const view = this.#out.subarray(0, this.#at);
    this.#at = 0;
    return this.#emit(view);
  }

  #hash(columns: ChunkColumns, from: number, end: number, hash: Xxhash64): void {
    if (this.#hashes.length < 2 * (end - from)) this.#hashes = new Uint32Array(4 * (end - from));
    for (let i = from; i < end; i++) {
      const offset = columns.offset[i]!;
      hash.hash(columns.buffers[columns.buffer[i]!]!, offset, offset + columns.length[i]!);
      this.#hashes[2 * (i - from)] = hash.low;
      this.#hashes[2 * (i - from) + 1] = hash.high;
    }
  }

  #hashBytes(at: number): number {
    const low = this.#hashes[at]!;
    const high = this.#hashes[at + 1]!;
    if (low === 0 && high === 0) return 0;
    const bits = high === 0 ? 32 - Math.clz32(low) : 64 - Math.clz32(high);
    return 1 + Math.ceil(bits / 7);
  }

  /** Bytes of one Chunk message. */
  #chunkBytes(columns: ChunkColumns, i: number, from: number): number {
    const length = columns.length[i]!;
    const type = columns.encoding[i]! - 1;
    const hash = this.#options.hash === null ? 0 : this.#hashBytes(2 * (i - from));
    return (type === 0 ? 0 : 1 + uvarintBytes(type)) + 1 + uvarintBytes(length) + length + hash;
  }

  #groupBytes(columns: ChunkColumns, i: number, end: number, from: number): number {
    const min = columns.minTime[i]!;
    const max = columns.maxTime[i]!;
    let size = (min === 0 ? 0 : 1 + intBytes(min)) + (max === 0 ? 0 : 1 + intBytes(max));
    for (let k = i; k < end; k++) {
      if (columns.encoding[k] === ChunkEncoding.none) continue;
      const chunk = this.#chunkBytes(columns, k, from);
      this.#chunkSizes[k - from] = chunk;
      size += 1 + uvarintBytes(chunk) + chunk;
    }
    return size;
  }

  #group(columns: ChunkColumns, i: number, end: number, from: number): void {
    const min = columns.minTime[i]!;
    const max = columns.maxTime[i]!;
    this.#tag(0x12, this.#groupSizes[i - from]!);
    if (min !== 0) {
      this.#out[this.#at++] = 0x08;
      this.#int(min);
    }
    if (max !== 0) {
      this.#out[this.#at++] = 0x10;
      this.#int(max);
    }
    for (let k = i; k < end; k++) {
      if (columns.encoding[k] === ChunkEncoding.none) continue;
      this.#tag(0x1a + 8 * columns.aggregate[k]!, this.#chunkSizes[k - from]!);
      const type = columns.encoding[k]! - 1;
      if (type !== 0) this.#tag(0x08, type);
      this.#tag(0x12, columns.length[k]!);
      const offset = columns.offset[k]!;
      this.#copy(columns.buffers[columns.buffer[k]!]!, offset, offset + columns.length[k]!);
      if (this.#options.hash !== null) this.#putHash(2 * (k - from));
    }
  }

  #putHash(at: number): void {
    let low = this.#hashes[at]!;
    let high = this.#hashes[at + 1]!;
    if (low === 0 && high === 0) return;
    const out = this.#out;
    out[this.#at++] = 0x18;
    while (high !== 0 || low >= 128) {
      out[this.#at++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    out[this.#at++] = low;
  }

  #ensure(count: number): void {
    const need = this.#at + count;
    if (need <= this.#out.length) return;
    if (need > 2 ** 31) throw new RpcError("RPC_MESSAGE_SIZE", "series is too large for a message");
    const size = Math.max(need, this.#out.length * 2);
    const { pool } = this.#options;
    const grown = pool?.take(size) ?? new Uint8Array(size);
    grown.set(this.#out.subarray(0, this.#at));
    pool?.give(this.#out);
    this.#out = grown;
  }

  /** One byte, then a varint. */
  #tag(tag: number, value: number): void {
    const out = this.#out;
    let at = this.#at;
    out[at++] = tag;
    let rest = value;
    while (rest >= 128) {
      out[at++] = (rest & 0x7f) | 0x80;
      rest = Math.floor(rest / 128);
    }
    out[at++] = rest;
    this.#at = at;
  }

  #int(value: number): void {
    let low: number;
    let high: number;
    if (value >= 2 ** 63) {
      low = 0xffffffff;
      high = 0x7fffffff;
    } else {
      high = Math.floor(value / 4294967296);
      low = value - high * 4294967296;
      high >>>= 0;
    }
    const out = this.#out;
    while (high !== 0 || low >= 128) {
      out[this.#at++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    out[this.#at++] = low;
  }

  #copy(source: Uint8Array, start: number, end: number): void {
    const count = end - start;
    const at = this.#at;
    const { pool } = this.#options;
    if (count < 24) {
      const out = this.#out;
      for (let i = 0; i < count; i++) out[at + i] = source[start + i]!;
    } else if (pool === undefined) this.#out.set(source.subarray(start, end), at);
    else pool.copy(this.#out, at, source, start, end);
    this.#at = at + count;
  }
}

/** True if row `i` belongs to the same wire chunk as the row before it. */
function continues(columns: ChunkColumns, i: number, from: number): boolean {
  return (
    i > from &&
    columns.aggregate[i - 1] !== Aggregate.raw &&
    columns.aggregate[i]! > columns.aggregate[i - 1]! &&
    columns.minTime[i] === columns.minTime[i - 1] &&
    columns.maxTime[i] === columns.maxTime[i - 1]
  );
}

function groupEnd(columns: ChunkColumns, from: number, end: number): number {
  let next = from + 1;
  while (next < end && continues(columns, next, from)) next++;
  return next;
}
