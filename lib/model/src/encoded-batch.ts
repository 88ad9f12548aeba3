// A batch of series whose samples are still encoded.
import { type ChunkColumns, ChunkEncoding } from "./chunk-columns.ts";
import type { LabelBytes } from "./label-bytes.ts";
import { SampleColumns } from "./sample-columns.ts";
import { Aggregate, type SeriesBatch } from "./series-source.ts";

/** Decodes one chunk: appends the samples of `data[offset, offset + length)` to `out`. Keeps no references. */
export type ChunkDecoder = (
  encoding: number,
  data: Uint8Array,
  offset: number,
  length: number,
  out: SampleColumns,
) => void;

/** Joins encoded chunks with a decoder. Its samples are those of raw chunks; overlaps are merged, first chunk first. */
export class EncodedBatch implements SeriesBatch {
  readonly chunks: ChunkColumns;
  readonly #decode: ChunkDecoder;

  constructor(chunks: ChunkColumns, decode: ChunkDecoder) {
    this.chunks = chunks;
    this.#decode = decode;
  }

  get seriesCount(): number {
    return this.chunks.seriesCount;
  }

  labels(series: number): LabelBytes {
    return this.chunks.labels(series);
  }

  samplesInto(series: number, out: SampleColumns): void {
    const c = this.chunks;
    const from = out.count;
    let sorted = true;
    for (let i = c.first[series]!; i < c.first[series + 1]!; i++) {
      if (c.aggregate[i] !== Aggregate.raw || c.encoding[i] === ChunkEncoding.none) continue;
      const start = out.count;
      this.#decode(c.encoding[i]!, c.buffers[c.buffer[i]!]!, c.offset[i]!, c.length[i]!, out);
      if (start > from && out.count > start && out.times[start]! <= out.times[start - 1]!)
        sorted = false;
    }
    if (!sorted) sortByTime(out, from);
  }
}

/** Puts the samples from index `from` on in order of time and drops later ones of equal time. */
export function sortByTime(out: SampleColumns, from: number): void {
  const order = Array.from({ length: out.count - from }, (_, i) => from + i);
  order.sort((a, b) => out.times[a]! - out.times[b]! || a - b);
  const sorted = new SampleColumns(out.count);
  for (let i = 0; i < from; i++) sorted.pushFrom(out, i);
  for (const index of order) {
    if (sorted.count > from && sorted.times[sorted.count - 1] === out.times[index]) continue;
    sorted.pushFrom(out, index);
  }
  out.count = sorted.count;
  out.times = sorted.times;
  out.values = sorted.values;
  out.valueBits = sorted.valueBits;
  out.histograms = sorted.histograms;
  out.startTimes = sorted.startTimes;
}
