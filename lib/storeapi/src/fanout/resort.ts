// For stores that cannot leave labels out themselves: everything is read, stripped and put in order again.
import {
  type ChunkColumns,
  type ChunkDecoder,
  compareLabelBytes,
  EncodedBatch,
  type LabelBytes,
  type SeriesBatch,
} from "@deucalion/model";
import { LabelStripper } from "../dedup/strip-labels.ts";
import { StoreApiError } from "../errors.ts";
import { ColumnsBuilder } from "./columns-builder.ts";

const batchSeries = 1024;

/** The series of `batches` without the named labels, in order. Needs all of them in memory. */
export async function* withoutLabels(
  batches: AsyncIterable<SeriesBatch>,
  names: readonly string[],
  decode: ChunkDecoder,
): AsyncGenerator<SeriesBatch> {
  const stripper = new LabelStripper(names);
  const all: { labels: LabelBytes; columns: ChunkColumns; series: number }[] = [];
  for await (const batch of batches) {
    const columns = batch.chunks;
    if (columns === null) {
      throw new StoreApiError(
        "STOREAPI_FETCH",
        "series without encoded chunks cannot be put in order",
      );
    }
    for (let i = 0; i < columns.seriesCount; i++) {
      all.push({ labels: stripper.strip(columns.labels(i)).labels, columns, series: i });
    }
  }
  all.sort((a, b) => compareLabelBytes(a.labels, b.labels));
  const builder = new ColumnsBuilder();
  for (const { labels, columns, series } of all) {
    builder.addSeries(labels);
    for (let i = columns.first[series]!; i < columns.first[series + 1]!; i++)
      builder.addRow(columns, i);
    if (builder.seriesCount >= batchSeries || builder.full)
      yield new EncodedBatch(builder.take(), decode);
  }
  if (builder.seriesCount > 0) yield new EncodedBatch(builder.take(), decode);
}
