// meta.json as Go programs print it: their order of fields, and the fields that they never leave out.
import { type BlockMeta as FileMeta, formatBlockMeta } from "@deucalion/tsdb";
import type { BlockMeta } from "./block-meta.ts";

type Json = Record<string, unknown>;

/** Fields of `source` in the given order, left out where Go would leave them out (`omitempty`). */
function present(source: object, names: readonly string[]): Json {
  const out: Json = {};
  for (const name of names) {
    const value = (source as Json)[name];
    const empty =
      value === undefined ||
      value === null ||
      value === 0 ||
      value === "" ||
      value === false ||
      (Array.isArray(value) && value.length === 0);
    if (!empty) out[name] = value;
  }
  return out;
}

const statsFields = [
  "numSamples",
  "numFloatSamples",
  "numHistogramSamples",
  "numSeries",
  "numChunks",
  "numTombstones",
];

/** The fields of a file whose JSON equals what Thanos prints for the block. */
export function goMeta(meta: BlockMeta): FileMeta {
  const { thanos, compaction } = meta;
  const { labels } = thanos;
  const names = Object.keys(labels).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return {
    ulid: meta.ulid,
    minTime: meta.minTime,
    maxTime: meta.maxTime,
    stats: present(meta.stats, statsFields),
    compaction: {
      level: compaction.level,
      ...present(compaction, ["sources", "deletable", "parents", "failed", "hints"]),
    },
    version: meta.version,
    thanos: {
      ...present(thanos, ["version"]),
      labels: names.length === 0 ? null : Object.fromEntries(names.map((n) => [n, labels[n]!])),
      downsample: { resolution: thanos.downsample.resolution },
      source: thanos.source,
      ...present(thanos, ["segment_files", "files", "rewrites"]),
      index_stats: present(thanos.index_stats, ["series_max_size", "chunk_max_size"]),
      ...present(thanos, ["extensions"]),
      upload_time: thanos.upload_time ?? "0001-01-01T00:00:00Z",
    },
  };
}

/** The JSON text, indented by tabs, with the characters escaped that Go escapes. */
export function formatGoMeta(meta: BlockMeta): string {
  return formatBlockMeta(goMeta(meta));
}
