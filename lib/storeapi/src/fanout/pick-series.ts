// Some series of a batch as a batch.
import {
  type ChunkDecoder,
  EncodedBatch,
  type LabelBytes,
  type SampleColumns,
  type SeriesBatch,
} from "@deucalion/model";
import { ColumnsBuilder } from "./columns-builder.ts";

class PickedBatch implements SeriesBatch {
  readonly chunks = null;
  readonly #batch: SeriesBatch;
  readonly #kept: readonly number[];

  constructor(batch: SeriesBatch, kept: readonly number[]) {
    this.#batch = batch;
    this.#kept = kept;
  }

  get seriesCount(): number {
    return this.#kept.length;
  }
  labels(series: number): LabelBytes {
    return this.#batch.labels(this.#kept[series]!);
  }
  samplesInto(series: number, out: SampleColumns): void {
    this.#batch.samplesInto(this.#kept[series]!, out);
  }
}

/** The series at the indices `kept`, which ascend. */
export function pickSeries(
  batch: SeriesBatch,
  kept: readonly number[],
  decode: ChunkDecoder,
): SeriesBatch {
  const columns = batch.chunks;
  if (columns === null) return new PickedBatch(batch, kept);
  const builder = new ColumnsBuilder();
  for (const series of kept) {
    builder.addSeries(columns.labels(series));
    for (let i = columns.first[series]!; i < columns.first[series + 1]!; i++)
      builder.addRow(columns, i);
  }
  return new EncodedBatch(builder.take(), decode);
}
