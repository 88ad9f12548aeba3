// A checksum over what an index says, built while a block is written and again while it is read back.

/** Sums up series (by their symbols' places), chunks, their times and where they lie. */
export class ContentDigest {
  #a = 0x9e3779b9;
  #b = 0x85ebca6b;
  series = 0;
  chunks = 0;

  /** Begins the next series; `labels` are numbers of symbols. */
  addSeries(labels: ArrayLike<number>, count: number): void {
    this.series++;
    for (let i = 0; i < 2 * count; i++) this.#mix(labels[i]!);
    this.#mix(count);
  }

  /** `ref` is where the chunk lies: segment × 2^32 + offset. */
  addChunk(minTime: number, maxTime: number, ref: number): void {
    this.chunks++;
    this.#mix(minTime % 4294967296);
    this.#mix(maxTime % 4294967296);
    this.#mix(ref % 4294967296);
    this.#mix(Math.floor(ref / 4294967296));
  }

  #mix(word: number): void {
    this.#a = Math.imul(this.#a ^ word, 0x01000193) | 0;
    this.#b = (Math.imul(this.#b, 31) + (word | 0)) | 0;
  }

  /** Text that is equal for equal content. */
  get text(): string {
    const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, "0");
    return `${this.series}/${this.chunks}/${hex(this.#a)}${hex(this.#b)}`;
  }
}
