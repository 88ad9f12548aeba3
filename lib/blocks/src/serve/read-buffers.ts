// Memory for reads of chunks, used again once an answer has been sent: reading each query into new memory makes the
// collector run several times a query.

import { type BytePool, crc32c } from "@deucalion/kernels";

/** Reads of more or fewer bytes get memory of their own. */
const bytesMin = 32 << 10;
const bytesMax = 16 << 20;

/**
 * Memory of a pool, where bytes are checked quickly. Without one, or where it is full: buffers by size, each twice the one
 * before; of those not in use at most `keptBytes` are kept.
 */
export class ReadBuffers {
  readonly #keptBytes: number;
  readonly #pool: BytePool | undefined;
  /** By the logarithm of their size. */
  readonly #free = Array.from({ length: 32 }, (): ArrayBuffer[] => []);
  readonly #lent = new WeakSet<ArrayBufferLike>();
  #bytes = 0;

  constructor(keptBytes: number, pool?: BytePool) {
    this.#keptBytes = keptBytes;
    this.#pool = pool;
  }

  /** Memory of `length` bytes with anything in it. */
  readonly take = (length: number): Uint8Array => {
    if (length < bytesMin || length > bytesMax) return new Uint8Array(length);
    const pooled = this.#pool?.take(length);
    if (pooled !== undefined) return pooled;
    const size = 2 ** (32 - Math.clz32(length - 1));
    const known = this.#free[Math.log2(size)]!.pop();
    if (known !== undefined) this.#bytes -= size;
    const buffer = known ?? (Buffer.allocUnsafeSlow(size).buffer as ArrayBuffer);
    this.#lent.add(buffer);
    return new Uint8Array(buffer, 0, length);
  };

  /** Takes memory back that nobody looks at any more; what is not from here is left alone. */
  give(data: Uint8Array): void {
    this.#pool?.give(data);
    const buffer = data.buffer as ArrayBuffer;
    if (!this.#lent.delete(buffer)) return;
    const size = buffer.byteLength;
    if (this.#bytes + size > this.#keptBytes) return;
    this.#free[Math.log2(size)]!.push(buffer);
    this.#bytes += size;
  }

  /** Says that memory will not be given back: somebody may look at it for as long as they like. */
  abandon(data: Uint8Array): void {
    this.#pool?.abandon(data);
  }

  /** CRC-32C of `data[start, end)`, quickest for memory of the pool. */
  crc32c(data: Uint8Array, start: number, end: number): number {
    return this.#pool === undefined
      ? crc32c(data, start, end)
      : this.#pool.crc32c(data, start, end);
  }
}

/** The buffers of one call, so that those which it does not give back are known when it ends. */
export class CallBuffers {
  readonly #buffers: ReadBuffers;
  readonly #lent = new Set<Uint8Array>();
  #closed = false;

  constructor(buffers: ReadBuffers) {
    this.#buffers = buffers;
  }

  /** Memory of `length` bytes with anything in it. */
  readonly take = (length: number): Uint8Array => {
    // A read that outlives its call has nobody who would give memory back.
    if (this.#closed) return new Uint8Array(length);
    const data = this.#buffers.take(length);
    this.#lent.add(data);
    return data;
  };

  give(data: Uint8Array): void {
    if (this.#lent.delete(data)) this.#buffers.give(data);
  }

  /** The call has ended; what it has not given back may be looked at for ever. */
  close(): void {
    this.#closed = true;
    for (const data of this.#lent) this.#buffers.abandon(data);
    this.#lent.clear();
  }

  /** CRC-32C of `data[start, end)`, quickest for memory from here. */
  crc32c(data: Uint8Array, start: number, end: number): number {
    return this.#buffers.crc32c(data, start, end);
  }
}
