// meta.json of a block, with the section that Thanos adds.
import { messageOf } from "@deucalion/base";
import { Labels } from "@deucalion/model";
import { BlocksError } from "../errors.ts";

export interface BlockStats {
  readonly numSamples?: number;
  readonly numFloatSamples?: number;
  readonly numHistogramSamples?: number;
  readonly numSeries?: number;
  readonly numChunks?: number;
  readonly numTombstones?: number;
}

export interface BlockFile {
  readonly rel_path: string;
  readonly size_bytes?: number;
  readonly hash?: { readonly hashFunc: string; readonly value: string };
}

export interface ThanosSection {
  readonly version?: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly downsample: { readonly resolution: number };
  readonly source: string;
  readonly segment_files?: readonly string[];
  readonly files?: readonly BlockFile[];
  readonly index_stats: {
    readonly series_max_size?: number;
    readonly chunk_max_size?: number;
  };
  readonly upload_time?: string;
  readonly rewrites?: unknown;
  readonly extensions?: unknown;
}

/** A block's meta.json. Fields that are not read here stay in `document`. */
export interface BlockMeta {
  readonly ulid: string;
  /** Milliseconds; samples lie in [minTime, maxTime). */
  readonly minTime: number;
  readonly maxTime: number;
  readonly stats: BlockStats;
  readonly compaction: {
    readonly level: number;
    readonly sources: readonly string[];
    readonly failed?: boolean;
    readonly deletable?: boolean;
    readonly parents?: readonly unknown[];
    readonly hints?: readonly string[];
  };
  readonly version: number;
  readonly thanos: ThanosSection;
}

type Json = Readonly<Record<string, unknown>>;

function isRecord(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function bad(field: string, want: string): BlocksError {
  return new BlocksError("BLOCKS_META", `meta.json: ${field} is not ${want}`, { field });
}

function numberOf(json: Json, field: string, path: string): number {
  const value = json[field] ?? 0;
  if (typeof value !== "number" || !Number.isFinite(value)) throw bad(path + field, "a number");
  return value;
}

function stringsOf(json: Json, field: string, path: string): readonly string[] {
  const value = json[field] ?? [];
  if (!Array.isArray(value) || value.some((item) => typeof item !== "string"))
    throw bad(path + field, "a list of strings");
  return value as readonly string[];
}

function sectionOf(json: Json, field: string, path: string): Json {
  const value = json[field] ?? {};
  if (!isRecord(value)) throw bad(path + field, "an object");
  return value;
}

function filesOf(thanos: Json): readonly BlockFile[] {
  const files = thanos.files ?? [];
  if (!Array.isArray(files)) throw bad("thanos.files", "a list");
  for (const file of files as unknown[]) {
    if (!isRecord(file) || typeof file.rel_path !== "string")
      throw bad("thanos.files", "a list of files");
  }
  return files as readonly BlockFile[];
}

function thanosOf(json: Json): ThanosSection {
  const thanos = sectionOf(json, "thanos", "");
  const version = numberOf(thanos, "version", "thanos.");
  if (version !== 0 && version !== 1) {
    throw new BlocksError("BLOCKS_META_VERSION", `thanos section has version ${version}`, {
      version,
    });
  }
  const labels = sectionOf(thanos, "labels", "thanos.");
  for (const [name, value] of Object.entries(labels))
    if (typeof value !== "string") throw bad(`thanos.labels.${name}`, "a string");
  const source = thanos.source ?? "";
  if (typeof source !== "string") throw bad("thanos.source", "a string");
  const downsample = sectionOf(thanos, "downsample", "thanos.");
  filesOf(thanos);
  stringsOf(thanos, "segment_files", "thanos.");
  return {
    ...thanos,
    labels: labels as Readonly<Record<string, string>>,
    downsample: { resolution: numberOf(downsample, "resolution", "thanos.downsample.") },
    source,
    index_stats: sectionOf(thanos, "index_stats", "thanos."),
  };
}

/** Reads meta.json. Throws BLOCKS_META or BLOCKS_META_VERSION. Keys keep their order for writing it again. */
export function parseBlockMeta(text: string): BlockMeta {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new BlocksError("BLOCKS_META", `meta.json: ${messageOf(cause)}`, {}, { cause });
  }
  if (!isRecord(json)) throw bad("document", "an object");
  const version = numberOf(json, "version", "");
  if (version !== 1) {
    throw new BlocksError("BLOCKS_META_VERSION", `unexpected meta file version: ${version}`, {
      version,
    });
  }
  if (typeof json.ulid !== "string") throw bad("ulid", "a string");
  const compaction = sectionOf(json, "compaction", "");
  return {
    ...json,
    ulid: json.ulid,
    minTime: numberOf(json, "minTime", ""),
    maxTime: numberOf(json, "maxTime", ""),
    stats: sectionOf(json, "stats", ""),
    compaction: {
      ...compaction,
      level: numberOf(compaction, "level", "compaction."),
      sources: stringsOf(compaction, "sources", "compaction."),
    },
    version,
    thanos: thanosOf(json),
  };
}

/** External labels of a block. */
export function externalLabels(meta: BlockMeta): Labels {
  return Labels.from(meta.thanos.labels);
}

/** Blocks of one group hold the same stream at one resolution. */
export function groupKey(meta: BlockMeta): string {
  return `${meta.thanos.downsample.resolution}@${externalLabels(meta).key}`;
}

/** When the block was uploaded, in ms, or 0 where meta.json does not say. */
export function uploadTimeMs(meta: BlockMeta): number {
  const ms = Date.parse(meta.thanos.upload_time ?? "");
  return Number.isFinite(ms) && ms > 0 ? ms : 0;
}
