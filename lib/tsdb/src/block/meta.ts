// meta.json of a block.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "@deucalion/base";
import { TsdbError } from "../errors.ts";
import { writeFileDurably } from "./durable-files.ts";

export interface BlockStats {
  readonly numSamples?: number;
  readonly numFloatSamples?: number;
  readonly numHistogramSamples?: number;
  readonly numSeries?: number;
  readonly numChunks?: number;
  readonly numTombstones?: number;
}

export interface BlockParent {
  readonly ulid: string;
  readonly minTime: number;
  readonly maxTime: number;
}

export interface BlockCompaction {
  readonly level: number;
  readonly sources?: readonly string[];
  readonly deletable?: boolean;
  readonly parents?: readonly BlockParent[];
  readonly failed?: boolean;
  /** `from-out-of-order`, `from-stale-series`. */
  readonly hints?: readonly string[];
}

/** What Thanos adds. */
export interface ThanosMeta {
  readonly version?: number;
  readonly labels: Readonly<Record<string, string>> | null;
  readonly downsample: { readonly resolution: number };
  readonly source: string;
  readonly segment_files?: readonly string[];
  readonly files?: readonly {
    readonly rel_path: string;
    readonly size_bytes?: number;
    readonly hash?: { readonly hashFunc: string; readonly value: string };
  }[];
  readonly rewrites?: readonly unknown[];
  readonly index_stats: { readonly series_max_size?: number; readonly chunk_max_size?: number };
  readonly extensions?: unknown;
  readonly upload_time?: string;
}

/** A block's meta.json. Fields in the order in which they are written. */
export interface BlockMeta {
  readonly ulid: string;
  /** Milliseconds; samples lie in [minTime, maxTime). */
  readonly minTime: number;
  readonly maxTime: number;
  readonly stats?: BlockStats;
  readonly compaction: BlockCompaction;
  readonly version: number;
  readonly thanos?: ThanosMeta;
}

export const metaFileName = "meta.json";

/** Parses and checks meta.json; fields that are not known are kept. Throws TSDB_META. */
export function parseBlockMeta(text: string): BlockMeta {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    throw new TsdbError("TSDB_META", `meta.json: ${messageOf(thrown)}`, {}, { cause: thrown });
  }
  if (typeof value !== "object" || value === null) {
    throw new TsdbError("TSDB_META", "meta.json is not an object");
  }
  const meta = value as Partial<BlockMeta>;
  if (meta.version !== 1) {
    throw new TsdbError("TSDB_META", `unexpected meta file version ${String(meta.version)}`);
  }
  const version = meta.thanos?.version ?? 0;
  if (version !== 0 && version !== 1) {
    throw new TsdbError("TSDB_META", `unexpected meta file Thanos section version ${version}`);
  }
  const sound =
    typeof meta.ulid === "string" &&
    Number.isFinite(meta.minTime) &&
    Number.isFinite(meta.maxTime) &&
    typeof meta.compaction === "object" &&
    meta.compaction !== null;
  if (!sound) throw new TsdbError("TSDB_META", "meta.json lacks fields", { ulid: meta.ulid });
  return meta as BlockMeta;
}

/** meta.json as Go writes it: tabs, and `<`, `>`, `&` escaped. No line end. */
export function formatBlockMeta(meta: BlockMeta): string {
  return JSON.stringify(meta, null, "\t").replace(
    /[<>&\u2028\u2029]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

export async function readBlockMeta(dir: string): Promise<BlockMeta> {
  return parseBlockMeta(await readFile(join(dir, metaFileName), "utf8"));
}

/** Writes meta.json so that it is complete or absent. */
export async function writeBlockMeta(dir: string, meta: BlockMeta): Promise<void> {
  await writeFileDurably(join(dir, metaFileName), new TextEncoder().encode(formatBlockMeta(meta)));
}
