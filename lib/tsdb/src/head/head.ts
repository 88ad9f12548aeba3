// The head of a database as its logs leave it: series with their samples, in order and out of order.
import type { SampleColumns } from "@deucalion/model";
import { type Interval, meetsRange, removeDeleted } from "../block/tombstones.ts";
import { chainSamplesInto } from "./chain-samples.ts";
import { type ClosedChunk, decodeClosed, type HeadSeries } from "./head-series.ts";

/** What replaying gives. */
export class Head {
  readonly series: ReadonlyMap<number, HeadSeries>;
  readonly tombstones: ReadonlyMap<number, readonly Interval[]>;

  constructor(
    series: ReadonlyMap<number, HeadSeries>,
    tombstones: ReadonlyMap<number, readonly Interval[]>,
  ) {
    this.series = series;
    this.tombstones = tombstones;
  }

  /** Appends the samples of a series to `out`, deleted ones left out. */
  samplesInto(series: HeadSeries, out: SampleColumns): void {
    const intervals = this.tombstones.get(series.ref) ?? [];
    const from = out.count;
    for (const group of overlapping(series)) {
      if (group.length === 1) {
        const samples = decodeClosed(group[0]!);
        for (let i = 0; i < samples.count; i++) out.pushFrom(samples, i);
      } else {
        chainSamplesInto(group.map(decodeClosed), out);
      }
    }
    const end = out.count;
    const deleted = end > from && meetsRange(intervals, out.times[from]!, out.times[end - 1]!);
    if (deleted) removeDeleted(out, from, intervals);
  }
}

/** The chunks of a series in order of time; those that overlap are together. */
function overlapping(series: HeadSeries): ClosedChunk[][] {
  const inOrder = series.inOrderChunks();
  if (series.outOfOrder === null) return inOrder.map((chunk) => [chunk]);
  const all = [
    ...inOrder.map((chunk, i) => ({ chunk, rank: i })),
    ...series.outOfOrderChunks().map((chunk, i) => ({ chunk, rank: inOrder.length + i })),
  ].sort((a, b) => a.chunk.minTime - b.chunk.minTime || a.rank - b.rank);
  const groups: ClosedChunk[][] = [];
  let end = Number.NEGATIVE_INFINITY;
  for (const { chunk } of all) {
    if (groups.length > 0 && chunk.minTime <= end) groups.at(-1)!.push(chunk);
    else groups.push([chunk]);
    end = Math.max(end, chunk.maxTime);
  }
  return groups;
}
