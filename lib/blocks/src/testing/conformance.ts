// Conformance data for tests of this package: folders, recorded calls, and a source over a bucket folder.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { silentLog } from "@deucalion/base";
import { BytePool, loadXxhash64 } from "@deucalion/kernels";
import {
  type Aggregate,
  type ChunkColumns,
  type LabelRequest,
  Matcher,
  type MatchType,
  type SeriesRequest,
} from "@deucalion/model";
import { type Bucket, FilesystemBucket } from "@deucalion/objstore";
import { FaultyBucket } from "@deucalion/objstore/testing";
import { DeletionMarkFilter } from "../fetch/deletion-mark-filter.ts";
import { MetaFetcher } from "../fetch/meta-fetcher.ts";
import type { MetaFilter } from "../fetch/meta-filter.ts";
import { BucketSource, type BucketSourceDeps } from "../serve/bucket-source.ts";
import type { CallBudget } from "../serve/call-budget.ts";
import { type ServeOptions, serveDefaults } from "../serve/serve-options.ts";

/** The folder of recorded data, beside the repository. */
export const conformance: string = fileURLToPath(
  new URL("../../../../../../shared/conformance/", import.meta.url),
);

export const never: AbortSignal = new AbortController().signal;

/** A source over a folder laid out as a bucket, and what it asked the bucket for. */
export interface OpenedBucket {
  readonly source: BucketSource;
  readonly bucket: FaultyBucket;
  readonly warnings: string[];
  readonly budgets: CallBudget[];
  readonly queried: string[];
  readonly fetch: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Opens `folder` with fresh index-headers. */
export async function openFolder(
  folder: string,
  options: Partial<ServeOptions> = {},
  filters: (bucket: Bucket) => MetaFilter[] = (bucket) => [
    new DeletionMarkFilter(
      { delayMs: 0, readsMax: 4 },
      { bucket, now: Date.now, warn: () => undefined },
    ),
  ],
  deps: Partial<BucketSourceDeps> = {},
): Promise<OpenedBucket> {
  const dataDir = await mkdtemp(join(tmpdir(), "blocks-"));
  const bucket = new FaultyBucket(new FilesystemBucket(folder));
  const warnings: string[] = [];
  const budgets: CallBudget[] = [];
  // Small, so that some reads find no room in it.
  const bytePool = new BytePool(2 << 20);
  const source = new BucketSource(
    { ...serveDefaults, ...options },
    {
      bucket,
      dataDir,
      xxhash: bytePool.hasher(await loadXxhash64()),
      bytePool,
      log: silentLog,
      signal: never,
      observe: (budget) => budgets.push(budget),
      ...deps,
    },
  );
  const fetcher = new MetaFetcher(
    { strategy: "concurrent", readsMax: 8, cacheDir: undefined },
    { bucket, filters: filters(bucket), log: silentLog, now: Date.now },
  );
  const fetch = async (): Promise<void> => source.update(await fetcher.fetch(never));
  await fetch();
  return {
    source,
    bucket,
    warnings,
    budgets,
    queried: [],
    fetch,
    close: async () => {
      source.close();
      await rm(dataDir, { recursive: true });
    },
  };
}

/** A call of a `calls.json`. */
export interface RecordedCall {
  readonly name: string;
  readonly method: string;
  readonly grpc_code: number;
  readonly request: string;
}

export async function recordedCalls(folder: string): Promise<RecordedCall[]> {
  return JSON.parse(
    await readFile(join(conformance, "wire", folder, "calls.json"), "utf8"),
  ) as RecordedCall[];
}

/** Decoded answer of a recorded call: an array of messages. */
export async function recordedAnswer(folder: string, name: string): Promise<unknown[]> {
  const file = join(conformance, "wire", folder, `${name}.decoded.json.gz`);
  return (JSON.parse(gunzipSync(await readFile(file)).toString()) ?? []) as unknown[];
}

type TextFields = Map<string, (string | TextFields)[]>;

/** Reads the text form of a protobuf message. */
export function parseTextMessage(text: string): TextFields {
  const token = /\s*(?:([a-z_]+):|("(?:[^"\\]|\\.)*")|([<>])|([A-Za-z0-9_.-]+))/gy;
  const read = (): TextFields => {
    const fields: TextFields = new Map();
    let key = "";
    for (;;) {
      const found = token.exec(text);
      if (found === null || found[3] === ">") return fields;
      if (found[1] !== undefined) {
        key = found[1];
        continue;
      }
      let value: string | TextFields;
      if (found[3] === "<") value = read();
      else
        value = found[2] === undefined ? found[4]! : (JSON.parse(jsonEscapes(found[2])) as string);
      const list = fields.get(key);
      if (list === undefined) fields.set(key, [value]);
      else list.push(value);
    }
  };
  return read();
}

/** Octal escapes of the text form as JSON has them. */
function jsonEscapes(quoted: string): string {
  return quoted.replace(
    /\\(\d{3})/g,
    (_, octal: string) => `\\u${Number.parseInt(octal, 8).toString(16).padStart(4, "0")}`,
  );
}

const matchTypes: Readonly<Record<string, MatchType>> = { EQ: "=", NEQ: "!=", RE: "=~", NRE: "!~" };
const aggregates: Readonly<Record<string, Aggregate>> = {
  RAW: 0,
  COUNT: 1,
  SUM: 2,
  MIN: 3,
  MAX: 4,
  COUNTER: 5,
};

function text(fields: TextFields, name: string): string {
  const value = fields.get(name)?.[0];
  return typeof value === "string" ? value : "";
}

function texts(fields: TextFields, name: string): string[] {
  return (fields.get(name) ?? []).filter((value) => typeof value === "string");
}

function matchersOf(fields: TextFields): Matcher[] {
  return (fields.get("matchers") ?? []).map((value) => {
    const matcher = value as TextFields;
    const type = matchTypes[text(matcher, "type") || "EQ"]!;
    return new Matcher(type, text(matcher, "name"), text(matcher, "value"));
  });
}

/** The SeriesRequest that a recorded request stands for. Hints are not read. */
export function seriesRequest(recorded: string): SeriesRequest {
  const fields = parseTextMessage(recorded);
  const shard = fields.get("shard_info")?.[0] as TextFields | undefined;
  return {
    minTime: Number(text(fields, "min_time")),
    maxTime: Number(text(fields, "max_time")),
    matchers: matchersOf(fields),
    maxResolutionMs: Number(text(fields, "max_resolution_window")),
    aggregates: texts(fields, "aggregates").map((name) => aggregates[name]!),
    skipChunks: text(fields, "skip_chunks") === "true",
    limit: Number(text(fields, "limit")),
    withoutReplicaLabels: texts(fields, "without_replica_labels"),
    ...(shard === undefined
      ? {}
      : {
          shard: {
            index: Number(text(shard, "shard_index")),
            total: Number(text(shard, "total_shards")),
            by: text(shard, "by") === "true",
            labels: texts(shard, "labels"),
          },
        }),
  };
}

export function labelRequest(recorded: string): LabelRequest {
  const fields = parseTextMessage(recorded);
  return {
    minTime: Number(text(fields, "start")),
    maxTime: Number(text(fields, "end")),
    matchers: matchersOf(fields),
    limit: Number(text(fields, "limit")),
    withoutReplicaLabels: texts(fields, "without_replica_labels"),
  };
}

/** The label that a recorded LabelValues request asks for. */
export function requestedLabel(recorded: string): string {
  return text(parseTextMessage(recorded), "label");
}

const aggregateNames = ["raw", "count", "sum", "min_aggr", "max_aggr", "counter"];
const encodingNames = ["", "XOR", "HISTOGRAM", "FLOAT_HISTOGRAM"];

/** A chunk as the recorded answers show it, without its hash. */
export type DecodedChunk = Record<string, unknown>;

/** Chunks of one series in the form of the recorded answers. */
export function decodedChunks(columns: ChunkColumns, series: number): DecodedChunk[] {
  const chunks: DecodedChunk[] = [];
  let lastAggregate = 99;
  for (let i = columns.first[series]!; i < columns.first[series + 1]!; i++) {
    const aggregate = columns.aggregate[i]!;
    if (aggregate <= lastAggregate || columns.minTime[i] !== chunks.at(-1)?.min)
      chunks.push({ min: columns.minTime[i]!, max: columns.maxTime[i]! });
    lastAggregate = aggregate === 0 ? 99 : aggregate;
    if (columns.encoding[i] === 0) continue;
    const data = columns.buffers[columns.buffer[i]!]!;
    const start = columns.offset[i]!;
    chunks.at(-1)![aggregateNames[aggregate]!] = {
      type: encodingNames[columns.encoding[i]!],
      data_b64: Buffer.from(data.subarray(start, start + columns.length[i]!)).toString("base64"),
    };
  }
  return chunks;
}
