// Closed chunks of a head: where each is in the files of head chunks, in lists by series.

/** Lists of chunks as columns. A chunk is a row; freed rows are used again. */
export class ChunkList {
  /** File number × 2^32 + offset. */
  ref = new Float64Array(1024);
  minTime = new Float64Array(1024);
  maxTime = new Float64Array(1024);
  encoding = new Uint8Array(1024);
  /** The next chunk of the same series, −1 at the end. */
  next = new Int32Array(1024);
  count = 0;
  #size = 0;
  #free = -1;

  add(ref: number, minTime: number, maxTime: number, encoding: number): number {
    let row = this.#free;
    if (row >= 0) this.#free = this.next[row]!;
    else {
      row = this.#size++;
      if (row === this.ref.length) this.#grow();
    }
    this.ref[row] = ref;
    this.minTime[row] = minTime;
    this.maxTime[row] = maxTime;
    this.encoding[row] = encoding;
    this.next[row] = -1;
    this.count++;
    return row;
  }

  remove(row: number): void {
    this.next[row] = this.#free;
    this.#free = row;
    this.count--;
  }

  #grow(): void {
    const length = 2 * this.ref.length;
    const wide = (from: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> => {
      const to = new Float64Array(length);
      to.set(from);
      return to;
    };
    this.ref = wide(this.ref);
    this.minTime = wide(this.minTime);
    this.maxTime = wide(this.maxTime);
    const encoding = new Uint8Array(length);
    encoding.set(this.encoding);
    this.encoding = encoding;
    const next = new Int32Array(length);
    next.set(this.next);
    this.next = next;
  }
}
