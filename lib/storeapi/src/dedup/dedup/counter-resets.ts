// Counters over downsampled chunks: resets are taken out, and the doubled last sample of a chunk carries the true end.
import type { SampleColumns } from "@deucalion/model";

/**
 * Makes one counter that never falls out of the chunks of a series, which come one after the other. Within a chunk a
 * sample with the time of the one before it replaces the last value without being emitted; NaNs are left out;
 * histograms pass through.
 */
export class CounterResets {
  #seen = false;
  #total = 0;
  #lastValue = 0;
  #lastTime = Number.NEGATIVE_INFINITY;

  /** Forgets the series before. */
  reset(): void {
    this.#seen = false;
    this.#total = 0;
    this.#lastValue = 0;
    this.#lastTime = Number.NEGATIVE_INFINITY;
  }

  /** Appends what the next chunk of the series, decoded into `part`, adds. */
  take(part: SampleColumns, out: SampleColumns): void {
    if (part.histograms === null && out.histograms === null && out.startTimes === null) {
      this.#takeFloats(part, out);
      return;
    }
    for (let i = 0; i < part.count; i++) {
      const time = part.times[i]!;
      if (part.histograms?.[i] !== undefined) {
        if (time > this.#lastTime) out.pushFrom(part, i);
        this.#lastTime = Math.max(this.#lastTime, time);
        continue;
      }
      const value = part.values[i]!;
      if (Number.isNaN(value) || time < this.#lastTime) continue;
      if (!(time === this.#lastTime && this.#seen)) {
        const rise = value >= this.#lastValue ? value - this.#lastValue : value;
        this.#total = this.#seen ? this.#total + rise : value;
        this.#seen = true;
        this.#lastTime = time;
        out.pushFloat(time, this.#total);
      }
      this.#lastValue = value;
    }
  }

  /** The hot loop: floats only. */
  #takeFloats(part: SampleColumns, out: SampleColumns): void {
    const { count, times, values } = part;
    out.reserve(count);
    const outTimes = out.times;
    const outValues = out.values;
    let to = out.count;
    let seen = this.#seen;
    let total = this.#total;
    let lastValue = this.#lastValue;
    let lastTime = this.#lastTime;
    for (let i = 0; i < count; i++) {
      const time = times[i]!;
      const value = values[i]!;
      if (Number.isNaN(value) || time < lastTime) continue;
      if (!(time === lastTime && seen)) {
        if (!seen) total = value;
        else total += value >= lastValue ? value - lastValue : value;
        seen = true;
        lastTime = time;
        outTimes[to] = time;
        outValues[to++] = total;
      }
      lastValue = value;
    }
    out.count = to;
    this.#seen = seen;
    this.#total = total;
    this.#lastValue = lastValue;
    this.#lastTime = lastTime;
  }
}
