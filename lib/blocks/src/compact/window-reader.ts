// Reads an object from front to back in large pieces, the next one on its way while the present one is used.
import type { RangeReader } from "@deucalion/tsdb";

/** A moving window over a range reader. Bytes handed out stay valid: a window is never written to again. */
export class WindowReader {
  readonly #source: RangeReader;
  readonly #windowBytes: number;
  /** The present window, and the position of its first byte. */
  data: Uint8Array = new Uint8Array(0);
  start = 0;
  #next: { readonly from: number; readonly data: Promise<Uint8Array> } | null = null;

  constructor(source: RangeReader, windowBytes = 1 << 20) {
    this.#source = source;
    this.#windowBytes = windowBytes;
  }

  get size(): number {
    return this.#source.size;
  }

  /** True if `[offset, offset + length)` is in the window. */
  has(offset: number, length: number): boolean {
    return offset >= this.start && offset + length <= this.start + this.data.length;
  }

  /** Moves the window so that it begins at `offset` and holds `length` bytes, or fewer where the object ends. */
  async move(offset: number, length: number): Promise<void> {
    const next = this.#next;
    this.#next = null;
    const end = this.start + this.data.length;
    if (next !== null) {
      const data = await next.data;
      // The rest of the present window and the one that was read ahead.
      if (offset >= this.start && offset <= end && offset + length <= end + data.length) {
        const rest = this.data.subarray(offset - this.start);
        if (rest.length === 0) this.data = data;
        else {
          const joined = new Uint8Array(rest.length + data.length);
          joined.set(rest);
          joined.set(data, rest.length);
          this.data = joined;
        }
        this.start = offset;
        this.#readAhead();
        return;
      }
    }
    const want = Math.min(Math.max(length, this.#windowBytes), this.size - offset);
    this.data = await this.#source.read(offset, Math.max(0, want));
    this.start = offset;
    this.#readAhead();
  }

  #readAhead(): void {
    const from = this.start + this.data.length;
    const length = Math.min(this.#windowBytes, this.size - from);
    if (length <= 0) return;
    const data = this.#source.read(from, length);
    // Whoever moves the window gets the error; nobody may.
    data.catch(() => undefined);
    this.#next = { from, data };
  }
}
