// Merges the streams of stores by labels into batches of series that occur once.
import {
  type ChunkColumns,
  type ChunkDecoder,
  compareLabelBytes,
  EncodedBatch,
  equalLabelBytes,
  type LabelBytes,
  type SampleColumns,
  type SeriesBatch,
  sortByTime,
} from "@deucalion/model";
import { ColumnsBuilder } from "./columns-builder.ts";
import { chunksInOrder, joinChunks, type SeriesPart } from "./join-chunks.ts";
import { LoserTree } from "./loser-tree.ts";
import type { StoreStream } from "./store-stream.ts";

export interface MergeOptions {
  /** Series in one batch. */
  readonly batchSeries: number;
  /** Series in all; 0 is no limit. */
  readonly limit: number;
  /** False hands equal series on one by one, as receivers do among their tenants. */
  readonly joinEqual: boolean;
}

interface Head {
  readonly batch: SeriesBatch;
  readonly index: number;
}

/** Series that have no encoded form: samples of all parts, in order of time. */
class SampleBatch implements SeriesBatch {
  readonly chunks = null;
  readonly #series: readonly { labels: LabelBytes; heads: readonly Head[] }[];

  constructor(series: readonly { labels: LabelBytes; heads: readonly Head[] }[]) {
    this.#series = series;
  }

  get seriesCount(): number {
    return this.#series.length;
  }

  labels(series: number): LabelBytes {
    return this.#series[series]!.labels;
  }

  samplesInto(series: number, out: SampleColumns): void {
    const from = out.count;
    const { heads } = this.#series[series]!;
    for (const { batch, index } of heads) batch.samplesInto(index, out);
    if (heads.length > 1) sortByTime(out, from);
  }
}

/** Collects whole series; batches are of one kind, encoded or not. */
class BatchMaker {
  readonly #decode: ChunkDecoder;
  readonly #builder = new ColumnsBuilder();
  #plain: { labels: LabelBytes; heads: readonly Head[] }[] = [];

  constructor(decode: ChunkDecoder) {
    this.#decode = decode;
  }

  get seriesCount(): number {
    return this.#builder.seriesCount + this.#plain.length;
  }

  get full(): boolean {
    return this.#builder.full;
  }

  /** True if the series fits to what has been collected. */
  accepts(heads: readonly Head[]): boolean {
    const encoded = heads.every((head) => head.batch.chunks !== null);
    return encoded ? this.#plain.length === 0 : this.#builder.seriesCount === 0;
  }

  add(labels: LabelBytes, heads: readonly Head[]): void {
    const parts: SeriesPart[] = [];
    for (const { batch, index } of heads) {
      const columns: ChunkColumns | null = batch.chunks;
      if (columns !== null) parts.push({ columns, series: index });
    }
    if (parts.length < heads.length) {
      this.#plain.push({ labels, heads: [...heads] });
      return;
    }
    this.#builder.addSeries(labels);
    joinChunks(parts, this.#builder);
  }

  take(): SeriesBatch {
    if (this.#plain.length > 0) {
      const plain = this.#plain;
      this.#plain = [];
      return new SampleBatch(plain);
    }
    return new EncodedBatch(this.#builder.take(), this.#decode);
  }
}

/**
 * True if the stream is at the start of a batch that needs no merging: no other stream has anything left, no two
 * series have equal labels, all chunks are in order.
 */
function passesWhole(
  streams: readonly StoreStream[],
  stream: StoreStream,
  before: LabelBytes | null,
): boolean {
  const chunks = stream.batch?.chunks ?? null;
  if (stream.index !== 0 || chunks === null || chunks.seriesCount < 2) return false;
  for (const other of streams) if (other !== stream && !other.done) return false;
  if (before !== null && equalLabelBytes(before, chunks.labels(0))) return false;
  for (let series = 0; series < chunks.seriesCount; series++) {
    if (series > 0 && repeatsLabels(chunks, series)) return false;
    if (!chunksInOrder(chunks, series)) return false;
  }
  return true;
}

/** True if the series has the labels of the one before. */
function repeatsLabels(columns: ChunkColumns, series: number): boolean {
  const { labelStart, labelEnd, labelBuffer, buffers } = columns;
  const start = labelStart[series]!;
  const end = labelEnd[series]!;
  const endBefore = labelEnd[series - 1]!;
  if (end - start !== endBefore - labelStart[series - 1]!) return false;
  const data = buffers[labelBuffer[series]!]!;
  const before = buffers[labelBuffer[series - 1]!]!;
  const shift = endBefore - end;
  // Neighbours in order of labels differ towards the end.
  for (let i = end - 1; i >= start; i--) if (data[i] !== before[i + shift]) return false;
  return true;
}

/** Streams must be sorted. Yields what there is before it waits for a slow stream. */
export async function* mergeStreams(
  streams: readonly StoreStream[],
  decode: ChunkDecoder,
  options: MergeOptions,
): AsyncGenerator<SeriesBatch> {
  await Promise.all(streams.map((stream) => stream.advance()));
  const less = (a: number, b: number): boolean => {
    const x = streams[a]!;
    const y = streams[b]!;
    if (x.done) return false;
    return y.done || compareLabelBytes(x, y) < 0;
  };
  const tree = new LoserTree(streams.length, less);
  const maker = new BatchMaker(decode);
  let left = options.limit > 0 ? options.limit : Number.POSITIVE_INFINITY;
  let labels: LabelBytes | null = null;
  let heads: Head[] = [];
  while (streams.length > 0) {
    const stream = streams[tree.winner]!;
    const ended = stream.done;
    if (!ended && left === Number.POSITIVE_INFINITY && passesWhole(streams, stream, labels)) {
      if (labels !== null) {
        if (maker.seriesCount > 0 && !maker.accepts(heads)) yield maker.take();
        maker.add(labels, heads);
        labels = null;
        heads = [];
      }
      if (maker.seriesCount > 0) yield maker.take();
      // The last series may go on in the next batch.
      const last = stream.batch!.seriesCount - 1;
      yield new EncodedBatch(stream.batch!.chunks!.part(0, last), decode);
      stream.skipTo(last);
    }
    if (
      labels !== null &&
      (ended || !options.joinEqual || compareLabelBytes(labels, stream) !== 0)
    ) {
      if (maker.seriesCount > 0 && !maker.accepts(heads)) yield maker.take();
      maker.add(labels, heads);
      labels = null;
      heads = [];
      if (--left <= 0) break;
      if (maker.seriesCount >= options.batchSeries || maker.full) yield maker.take();
    }
    if (ended) break;
    labels ??= { data: stream.data, start: stream.start, end: stream.end };
    heads.push({ batch: stream.batch!, index: stream.index });
    const wait = stream.advance();
    if (wait !== undefined) {
      if (maker.seriesCount > 0) yield maker.take();
      await wait;
    }
    tree.replay();
  }
  if (maker.seriesCount > 0) yield maker.take();
}
