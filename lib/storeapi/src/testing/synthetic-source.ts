// A source of made-up series with encoded chunks, for measurements and tests.
import {
  ChunkColumns,
  type ChunkDecoder,
  EncodedBatch,
  encodeLabels,
  Labels,
  type SeriesBatch,
  type SeriesSource,
} from "@deucalion/model";

export interface SyntheticOptions {
  readonly seriesCount: number;
  readonly chunksPerSeries: number;
  readonly chunkBytes: number;
  /** Labels that every series has besides its name, instance and job. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** Series in order of labels; chunk bytes are noise. Everything is made once. */
export function syntheticSource(options: SyntheticOptions, decode: ChunkDecoder): SeriesSource {
  const batches: SeriesBatch[] = [];
  const payload = new Uint8Array(options.chunkBytes * 64);
  let state = 1;
  for (let i = 0; i < payload.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    payload[i] = state >>> 24;
  }
  let columns = new ChunkColumns();
  for (let i = 0; i < options.seriesCount; i++) {
    const number = String(i).padStart(8, "0");
    const encoded = encodeLabels(
      Labels.from({
        __name__: "http_requests_total",
        instance: `host-${number}:9100`,
        job: "web",
        method: "GET",
        status: "200",
        ...options.labels,
      }),
    );
    columns.addSeries(columns.addBuffer(encoded.data), encoded.start, encoded.end);
    const buffer = columns.addBuffer(payload);
    for (let k = 0; k < options.chunksPerSeries; k++) {
      const from = 1_700_000_000_000 + k * 1_800_000;
      const offset = ((i + k) % 63) * options.chunkBytes;
      columns.addChunk(from, from + 1_785_000, 1, 0, buffer, offset, options.chunkBytes);
    }
    if (columns.seriesCount === 256) {
      batches.push(new EncodedBatch(columns, decode));
      columns = new ChunkColumns();
    }
  }
  if (columns.seriesCount > 0) batches.push(new EncodedBatch(columns, decode));
  return {
    async *series() {
      yield* batches;
    },
    labelNames: async () => ["__name__", "instance", "job", "method", "status"],
    labelValues: async (name) => (name === "job" ? ["web"] : []),
    info: () => ({ labelSets: [], minTime: 0, maxTime: 2 ** 63 }),
  };
}
