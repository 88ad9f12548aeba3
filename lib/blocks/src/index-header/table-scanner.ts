// Walks a table of variable-length entries in a file, window by window.
import { indexError } from "./layout.ts";
import type { PagedFile } from "./page-cache.ts";

/**
 * A forward cursor over [start, end) of a file. `data` and `at` may be read directly between calls of `need`, which may
 * replace them. Uvarints are exact up to 2^53.
 */
export class TableScanner {
  readonly #file: PagedFile;
  readonly #end: number;
  readonly #windowBytes: number;
  /** Position in the file of data[0]. */
  #base: number;
  data: Uint8Array = new Uint8Array(0);
  at = 0;

  /** Reads `windowBytes` at a time, or more where one entry needs it. */
  constructor(file: PagedFile, start: number, end: number, windowBytes: number) {
    this.#file = file;
    this.#base = start;
    this.#end = end;
    this.#windowBytes = windowBytes;
  }

  /** Position in the file. */
  get position(): number {
    return this.#base + this.at;
  }

  /** Makes the next `count` bytes available in `data`, as far as the table goes. */
  need(count: number): void {
    if (this.at + count <= this.data.length) return;
    const from = this.position;
    if (this.#base + this.data.length >= this.#end && this.data.length > 0) return;
    const length = Math.min(Math.max(count, this.#windowBytes), this.#end - from);
    if (length < 0) throw indexError("table ends too early", { at: from });
    this.data = this.#file.readDirect(from, length);
    this.#base = from;
    this.at = 0;
  }

  uvarint(): number {
    this.need(10);
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      const byte = this.data[this.at++];
      if (byte === undefined) throw indexError("table ends too early", { at: this.position });
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw indexError("table holds a malformed number", { at: this.position });
  }

  /** Skips `count` bytes and returns where they begin in `data`. */
  take(count: number): number {
    this.need(count);
    const at = this.at;
    if (at + count > this.data.length)
      throw indexError("table ends too early", { at: this.position, count });
    this.at = at + count;
    return at;
  }
}
