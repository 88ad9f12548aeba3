// Samples of one series that came out of order, sorted, before they are encoded.
import { SampleColumns } from "@deucalion/model";
import {
  type EncodedChunk,
  type EncodeSamplesOptions,
  encodeSamples,
} from "../chunk/encode-samples.ts";

const withStartTimes: EncodeSamplesOptions = {
  samplesPerChunk: 65535,
  xor2: true,
  histogramStartTimes: true,
};

/** A few samples in order of time, one for each timestamp: the first that came stays. */
export class OutOfOrderChunk {
  #samples = new SampleColumns(32);

  get count(): number {
    return this.#samples.count;
  }

  get samples(): SampleColumns {
    return this.#samples;
  }

  /** Copies sample `index` of `source` to its place. False if its timestamp is taken. */
  insert(source: SampleColumns, index: number): boolean {
    const samples = this.#samples;
    const time = source.times[index]!;
    let at = samples.count;
    while (at > 0 && samples.times[at - 1]! > time) at--;
    if (at > 0 && samples.times[at - 1] === time) return false;
    if (at === samples.count) {
      samples.pushFrom(source, index);
      return true;
    }
    const sorted = new SampleColumns(samples.capacity);
    for (let i = 0; i < at; i++) sorted.pushFrom(samples, i);
    sorted.pushFrom(source, index);
    for (let i = at; i < samples.count; i++) sorted.pushFrom(samples, i);
    this.#samples = sorted;
    return true;
  }

  /** The samples as chunks: one, or more where histograms demand it. */
  encoded(options: EncodeSamplesOptions = withStartTimes): EncodedChunk[] {
    return encodeSamples(this.#samples, 0, this.#samples.count, options);
  }
}
