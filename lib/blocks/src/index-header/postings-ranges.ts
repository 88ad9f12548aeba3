// Byte ranges of postings lists in an index file.

/** Pairs of positions in a growing column: list `i` lies in [starts[i], ends[i]), its checksum included. */
export class PostingsRanges {
  count = 0;
  starts = new Float64Array(16);
  ends = new Float64Array(16);

  push(start: number, end: number): void {
    if (this.count === this.starts.length) {
      const starts = new Float64Array(this.count * 2);
      const ends = new Float64Array(this.count * 2);
      starts.set(this.starts);
      ends.set(this.ends);
      this.starts = starts;
      this.ends = ends;
    }
    this.starts[this.count] = start;
    this.ends[this.count++] = end;
  }

  append(other: PostingsRanges): void {
    for (let i = 0; i < other.count; i++) this.push(other.starts[i]!, other.ends[i]!);
  }

  /** Bytes of all lists. */
  get bytes(): number {
    let sum = 0;
    for (let i = 0; i < this.count; i++) sum += this.ends[i]! - this.starts[i]!;
    return sum;
  }
}
