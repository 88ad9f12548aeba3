// A checksum over the series and chunks of a block, built while it is written and again while it is read back.

/** Sums up what a block holds. Two blocks with the same series (by place) and chunks give the same digest. */
export class ContentDigest {
  #a = 0x9e3779b9;
  #b = 0x85ebca6b;
  series = 0;
  chunks = 0;
  samples = 0;

  /** Begins the next series; `labels` are numbers of symbols. */
  addSeries(labels: ArrayLike<number>, count: number): void {
    this.series++;
    for (let i = 0; i < 2 * count; i++) this.#mix(labels[i]!);
    this.#mix(count);
  }

  /** `checksum` is the frame's CRC-32C, which covers encoding and data. */
  addChunk(minTime: number, maxTime: number, checksum: number, samples: number): void {
    this.chunks++;
    this.samples += samples;
    this.#mix(minTime % 4294967296);
    this.#mix(maxTime % 4294967296);
    this.#mix(checksum);
  }

  #mix(word: number): void {
    this.#a = Math.imul(this.#a ^ word, 0x01000193) | 0;
    this.#b = (Math.imul(this.#b, 31) + (word | 0)) | 0;
  }

  /** Text that is equal for equal content. */
  get text(): string {
    const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, "0");
    return `${this.series}/${this.chunks}/${this.samples}/${hex(this.#a)}${hex(this.#b)}`;
  }
}
