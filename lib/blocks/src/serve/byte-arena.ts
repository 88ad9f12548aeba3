// A growing run of bytes that is handed out whole.

/** Bytes that are only ever added. `data` may be replaced by a larger buffer while it grows. */
export class ByteArena {
  data: Uint8Array;
  length = 0;

  constructor(capacity: number) {
    this.data = new Uint8Array(capacity);
  }

  #reserve(count: number): void {
    if (this.length + count <= this.data.length) return;
    const grown = new Uint8Array(Math.max(this.length + count, this.data.length * 2));
    grown.set(this.data.subarray(0, this.length));
    this.data = grown;
  }

  append(bytes: Uint8Array): void {
    this.copy(bytes, 0, bytes.length);
  }

  /** Appends source[start, end), which may be bytes of this arena. */
  copy(source: Uint8Array, start: number, end: number): void {
    this.#reserve(end - start);
    const to = this.data;
    let at = this.length;
    // Labels are short: a loop is quicker than a call and, from elsewhere, a view.
    if (end - start > 32) {
      if (source === to) to.copyWithin(at, start, end);
      else to.set(source.subarray(start, end), at);
    } else for (let i = start; i < end; i++) to[at++] = source[i]!;
    this.length += end - start;
  }
}
