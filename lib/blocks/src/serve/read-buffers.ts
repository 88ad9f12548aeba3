// Memory for reads of chunks, used again once an answer has been sent: reading each query into new memory makes the
// collector run several times a query.

/** Reads of more or fewer bytes get memory of their own. */
const bytesMin = 32 << 10;
const bytesMax = 16 << 20;

/** Buffers by size, each twice the one before. Of those not in use at most `keptBytes` are kept. */
export class ReadBuffers {
  readonly #keptBytes: number;
  /** By the logarithm of their size. */
  readonly #free = Array.from({ length: 32 }, (): ArrayBuffer[] => []);
  readonly #lent = new WeakSet<ArrayBufferLike>();
  #bytes = 0;

  constructor(keptBytes: number) {
    this.#keptBytes = keptBytes;
  }

  /** Memory of `length` bytes with anything in it. */
  readonly take = (length: number): Uint8Array => {
    if (length < bytesMin || length > bytesMax) return new Uint8Array(length);
    const size = 2 ** (32 - Math.clz32(length - 1));
    const known = this.#free[Math.log2(size)]!.pop();
    if (known !== undefined) this.#bytes -= size;
    const buffer = known ?? (Buffer.allocUnsafeSlow(size).buffer as ArrayBuffer);
    this.#lent.add(buffer);
    return new Uint8Array(buffer, 0, length);
  };

  /** Takes memory back that nobody looks at any more; what is not from here is left alone. */
  give(data: Uint8Array): void {
    const buffer = data.buffer as ArrayBuffer;
    if (!this.#lent.delete(buffer)) return;
    const size = buffer.byteLength;
    if (this.#bytes + size > this.#keptBytes) return;
    this.#free[Math.log2(size)]!.push(buffer);
    this.#bytes += size;
  }
}
