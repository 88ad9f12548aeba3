// Which stale markers of replicas hold for the merged series.
import type { SampleColumns } from "../sample-columns.ts";
import { localInterval } from "./interval.ts";
import type { Merged } from "./merged-samples.ts";

/** Times of all stale markers, ascending. */
export function staleTimesOf(replicas: readonly SampleColumns[]): Float64Array {
  const found: number[] = [];
  for (const replica of replicas) {
    for (let i = 0; i < replica.count; i++) if (replica.isStale(i)) found.push(replica.times[i]!);
  }
  return Float64Array.from(found).sort();
}

/** Merged samples at most so many intervals apart have no empty slot between them, whoever they come from. */
const slotFilled = 1.6;

/** Decides which stale markers hold: those in whose slot no replica has a sample. */
export class StaleMarkers {
  readonly #replicas: readonly SampleColumns[];
  readonly #order: { readonly replica: number; readonly index: number; readonly time: number }[] =
    [];
  #at = 0;

  constructor(replicas: readonly SampleColumns[]) {
    this.#replicas = replicas;
    for (let r = 0; r < replicas.length; r++) {
      const samples = replicas[r]!;
      for (let i = 0; i < samples.count; i++) {
        if (samples.isStale(i)) this.#order.push({ replica: r, index: i, time: samples.times[i]! });
      }
    }
    this.#order.sort((a, b) => a.time - b.time || a.replica - b.replica);
  }

  /** Writes the marker that ends the run of merged samples before position `next`, if one does. */
  writeBefore(merged: Merged, next: number, out: SampleColumns): void {
    const until = next < merged.count ? merged.times[next]! : Number.POSITIVE_INFINITY;
    // Only the first marker after a sample counts; where no sample precedes, there is nothing to end.
    let written = false;
    for (; this.#at < this.#order.length && this.#order[this.#at]!.time < until; this.#at++) {
      const marker = this.#order[this.#at]!;
      const previous = next > 0 ? merged.times[next - 1]! : Number.NEGATIVE_INFINITY;
      if (next === 0 || written || marker.time <= previous) continue;
      const interval = localInterval(
        merged.times,
        merged.replica,
        merged.count,
        next - 1,
        merged.times,
        0,
        0,
      );
      written = true;
      if (until - previous <= slotFilled * interval) continue;
      out.pushFrom(this.#replicas[marker.replica]!, marker.index);
    }
    // A marker at the very time of a sample says nothing.
    while (this.#at < this.#order.length && this.#order[this.#at]!.time === until) this.#at++;
  }
}
