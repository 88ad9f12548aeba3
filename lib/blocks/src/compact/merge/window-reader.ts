// Reads an object from front to back in large pieces, the next one on its way while the present one is used.
import type { RangeReader } from "@deucalion/tsdb";

/** Takes back memory that was read into. */
export interface WindowMemory {
  give(data: Uint8Array): void;
}

/** Bytes of the next piece that a stitched window holds at least. */
const stitchBytes = 4096;

/**
 * A moving window over a range reader. Bytes handed out stay valid until `recycle`, or for good where there is no
 * memory to give them back to.
 */
export class WindowReader {
  readonly #source: RangeReader;
  readonly #windowBytes: number;
  /** The present window, and the position of its first byte. */
  data: Uint8Array = new Uint8Array(0);
  start = 0;
  readonly #memory: WindowMemory | null;
  readonly #left: Uint8Array[] = [];
  #next: { readonly from: number; readonly data: Promise<Uint8Array> } | null = null;

  constructor(source: RangeReader, windowBytes = 1 << 20, memory: WindowMemory | null = null) {
    this.#source = source;
    this.#windowBytes = windowBytes;
    this.#memory = memory;
  }

  get size(): number {
    return this.#source.size;
  }

  /** True if `[offset, offset + length)` is in the window. */
  has(offset: number, length: number): boolean {
    return offset >= this.start && offset + length <= this.start + this.data.length;
  }

  /** Moves the window so that it holds `[offset, offset + length)`, or less where the object ends. */
  async move(offset: number, length: number): Promise<void> {
    const next = this.#next;
    if (next !== null) {
      const data = await next.data;
      const end = next.from + data.length;
      if (offset >= next.from && offset + length <= end) {
        this.#leave(this.data);
        this.data = data;
        this.start = next.from;
        this.#readAhead();
        return;
      }
      if (offset >= this.start && offset < next.from && offset + length <= end) {
        this.#stitch(offset, length, next.from, data);
        return;
      }
      this.#leave(data);
    }
    this.#leave(this.data);
    this.data = new Uint8Array(0);
    this.#next = null;
    const want = Math.min(Math.max(length, this.#windowBytes), this.size - offset);
    this.data = await this.#source.read(offset, Math.max(0, want));
    this.start = offset;
    this.#readAhead();
  }

  /** What lies across two pieces gets a small window of its own, so that large ones are never copied. */
  #stitch(offset: number, length: number, from: number, next: Uint8Array): void {
    const rest = this.data.subarray(offset - this.start, from - this.start);
    const head = next.subarray(0, Math.max(length - rest.length, stitchBytes));
    const joined = new Uint8Array(rest.length + head.length);
    joined.set(rest);
    joined.set(head, rest.length);
    this.#leave(this.data);
    this.data = joined;
    this.start = offset;
  }

  #leave(data: Uint8Array): void {
    if (this.#memory !== null && data.length > 0) this.#left.push(data);
  }

  /** Gives back the memory of windows that were left: nobody looks at bytes of them any more. */
  recycle(): void {
    for (let data = this.#left.pop(); data !== undefined; data = this.#left.pop()) {
      this.#memory?.give(data);
    }
  }

  #readAhead(): void {
    const from = this.start + this.data.length;
    const length = Math.min(this.#windowBytes, this.size - from);
    this.#next = null;
    if (length <= 0) return;
    const data = this.#source.read(from, length);
    // Whoever moves the window gets the error; nobody may.
    data.catch(() => undefined);
    this.#next = { from, data };
  }
}
