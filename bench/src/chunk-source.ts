// A source of series whose chunks lie in memory, as in the head of a TSDB: what the engine is measured with.
import { Buffer } from "node:buffer";
import {
  Aggregate,
  ChunkColumns,
  EncodedBatch,
  encodeLabels,
  Labels,
  type Matcher,
  SampleColumns,
  type SeriesBatch,
  type SeriesRequest,
  type SeriesSource,
  type SourceInfo,
} from "@deucalion/model";
import { decodeChunkInto, encodeSamples } from "@deucalion/tsdb";

/** What series to make: `fill` writes the samples of series `i`; `labels` come without the name. */
export interface SeriesSpec {
  readonly name: string;
  readonly count: number;
  readonly labels: (i: number) => Record<string, string>;
  readonly fill: (i: number, out: SampleColumns) => void;
}

const seriesPerBatch = 250;

/** The batches of one metric, in order of labels. */
function batchesOf(spec: SeriesSpec): EncodedBatch[] {
  const series = Array.from({ length: spec.count }, (_, i) => ({
    i,
    labels: Labels.from({ __name__: spec.name, ...spec.labels(i) }),
  }));
  series.sort((a, b) => (a.labels.key < b.labels.key ? -1 : 1));
  const batches: EncodedBatch[] = [];
  const samples = new SampleColumns();
  for (let from = 0; from < series.length; from += seriesPerBatch) {
    const columns = new ChunkColumns();
    const parts: Uint8Array[] = [];
    let used = 0;
    const put = (bytes: Uint8Array): number => {
      parts.push(bytes.slice());
      used += bytes.length;
      return used - bytes.length;
    };
    for (const { i, labels } of series.slice(from, from + seriesPerBatch)) {
      const encoded = encodeLabels(labels);
      const length = encoded.end - encoded.start;
      const start = put(encoded.data.subarray(encoded.start, encoded.end));
      columns.addSeries(0, start, start + length);
      samples.reset();
      spec.fill(i, samples);
      for (const chunk of encodeSamples(samples, 0, samples.count)) {
        const { minTime, maxTime, encoding, data } = chunk;
        columns.addChunk(minTime, maxTime, encoding, Aggregate.raw, 0, put(data), data.length);
      }
    }
    // Decoders look a little further than a chunk.
    columns.addBuffer(Buffer.concat([...parts, new Uint8Array(64)]));
    batches.push(new EncodedBatch(columns, decodeChunkInto));
  }
  return batches;
}

/** Serves whole metrics by their name, whatever the times. */
export class ChunkSource implements SeriesSource {
  readonly #metrics = new Map<string, readonly EncodedBatch[]>();

  constructor(specs: readonly SeriesSpec[]) {
    for (const spec of specs) this.#metrics.set(spec.name, batchesOf(spec));
  }

  async *series({ matchers }: SeriesRequest): AsyncGenerator<SeriesBatch> {
    const named = (matcher: Matcher): boolean => matcher.name === "__name__";
    yield* this.#metrics.get(matchers.find(named)?.value ?? "") ?? [];
  }

  async labelNames(): Promise<string[]> {
    return [];
  }

  async labelValues(): Promise<string[]> {
    return [];
  }

  info(): SourceInfo {
    return { labelSets: [], minTime: 0, maxTime: Number.MAX_SAFE_INTEGER };
  }
}
