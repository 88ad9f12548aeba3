// A compactor over a folder, and what blocks of a folder hold, for tests.
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "@deucalion/base";
import { ChunkEncoding, SampleColumns } from "@deucalion/model";
import { type Bucket, FilesystemBucket } from "@deucalion/objstore";
import { decodeChunkInto } from "@deucalion/tsdb";
import { type BlockExecutor, inlineExecutor } from "../compact/block-executor.ts";
import { BucketView, type BucketViewOptions } from "../compact/bucket/bucket-view.ts";
import type { Leases } from "../compact/bucket/leases.ts";
import { Compactor } from "../compact/compactor.ts";
import { silentEvents } from "../compact/compactor-events.ts";
import type { CompactorOptions } from "../compact/compactor-options.ts";
import { SourceBlock } from "../compact/merge/source-block.ts";
import type { SourceChunk } from "../compact/merge/source-chunk.ts";
import { type BlockMeta, parseBlockMeta } from "../meta/block-meta.ts";
import { compactionRangesMs } from "../plan/compaction-ranges.ts";
import { never } from "./conformance.ts";

const hourMs = 3_600_000;

export const testCompactorOptions: Omit<CompactorOptions, "workDir"> = {
  rangesMs: compactionRangesMs,
  dedup: "",
  vertical: true,
  haltOnError: false,
  acceptMalformedIndex: false,
  skipOutOfOrderChunks: false,
  indexBytesMax: 64 * 2 ** 30,
  groupsAtOnce: 1,
  plansAtOnce: 2,
  downsampling: false,
  downsamplesAtOnce: 1,
  retention: { rawMs: 0, fiveMinutesMs: 0, oneHourMs: 0 },
  deleteDelayMs: 48 * hourMs,
  upload: { hash: false, filesAtOnce: 2 },
};

/** A compactor and how to remove what it leaves on disk. */
export interface TestCompactor {
  readonly compactor: Compactor;
  readonly close: () => Promise<void>;
}

/** A compactor over `bucket` that works in this thread. */
export async function makeCompactor(
  bucket: Bucket,
  options: Partial<CompactorOptions> = {},
  view: Partial<BucketViewOptions> = {},
  parts: {
    readonly executor?: BlockExecutor;
    readonly leases?: Leases;
    readonly now?: () => number;
  } = {},
): Promise<TestCompactor> {
  const workDir = await mkdtemp(join(tmpdir(), "compactor-"));
  const now = parts.now ?? Date.now;
  const compactor = new Compactor(
    { ...testCompactorOptions, workDir, ...options },
    {
      bucket,
      view: new BucketView(
        {
          strategy: "concurrent",
          readsMax: 8,
          cacheDir: undefined,
          consistencyDelayMs: 0,
          deleteDelayMs: options.deleteDelayMs ?? testCompactorOptions.deleteDelayMs,
          replicaLabels: [],
          ...view,
        },
        { bucket, firstFilters: [], log: silentLog, now },
      ),
      executor: parts.executor ?? inlineExecutor(bucket),
      leases: parts.leases ?? null,
      events: silentEvents,
      log: silentLog,
      now,
    },
  );
  return { compactor, close: () => rm(workDir, { recursive: true, force: true }) };
}

/** A block folder of a bucket: its meta, and which marks (that are JSON) it has. */
export interface FolderBlock {
  readonly id: string;
  readonly meta: BlockMeta | null;
  readonly marks: readonly string[];
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** All blocks below a folder, in order of ids. */
export async function folderBlocks(folder: string): Promise<FolderBlock[]> {
  const found: FolderBlock[] = [];
  for (const id of (await readdir(folder)).sort()) {
    if (!/^[0-9A-Z]{26}$/.test(id) || !(await stat(join(folder, id))).isDirectory()) continue;
    const names = await readdir(join(folder, id));
    const marks: string[] = [];
    for (const name of names.filter((other) => other.endsWith("-mark.json"))) {
      if (isJson(await readFile(join(folder, id, name), "utf8"))) marks.push(name);
    }
    let meta: BlockMeta | null = null;
    try {
      meta = parseBlockMeta(await readFile(join(folder, id, "meta.json"), "utf8"));
    } catch {
      // A damaged block of a test.
    }
    found.push({ id, meta, marks });
  }
  return found;
}

/** Raw samples of blocks by series: `time -> value bits or histogram`, in the order of series. */
export type RawSamples = Map<string, Map<number, string>>;

/** Adds the samples of a raw block to `into`; the labels `without` do not tell series apart. A timestamp that is there already counts in the result. */
export async function addRawSamples(
  folder: string,
  meta: BlockMeta,
  into: RawSamples,
  without: readonly string[] = [],
): Promise<number> {
  const bucket = new FilesystemBucket(folder);
  let repeated = 0;
  const labels = Object.entries(meta.thanos.labels).filter(([name]) => !without.includes(name));
  const options = { acceptMalformedIndex: false, windowBytes: 1 << 16 };
  const block = await SourceBlock.open(bucket, meta, options, never);
  const { symbols } = block;
  block.useSymbols(Uint32Array.from({ length: symbols.count }, (_, i) => i));
  while (await block.next()) {
    const texts = Array.from(block.labels.subarray(0, 2 * block.labelCount), (n) =>
      symbols.text(n),
    );
    const key = [JSON.stringify(labels), ...texts].join("\u0000");
    let series = into.get(key);
    if (series === undefined) {
      series = new Map();
      into.set(key, series);
    }
    const chunks: SourceChunk[] = [];
    await block.chunksInto(chunks);
    for (const chunk of chunks) {
      if (chunk.encoding === ChunkEncoding.aggregated) continue;
      repeated += addChunk(chunk, series);
    }
  }
  await bucket.close();
  return repeated;
}

function addChunk(chunk: SourceChunk, series: Map<number, string>): number {
  const samples = new SampleColumns();
  let repeated = 0;
  decodeChunkInto(chunk.encoding, chunk.data, chunk.offset, chunk.length, samples);
  for (let i = 0; i < samples.count; i++) {
    const time = samples.times[i]!;
    const h = samples.histograms?.[i];
    const value =
      h === undefined
        ? `${samples.valueBits[2 * i + 1]}:${samples.valueBits[2 * i]}`
        : `h${h.count}:${h.sum}:${h.schema}:${h.positiveBuckets.join()}`;
    if (series.has(time)) repeated++;
    else series.set(time, value);
  }
  return repeated;
}

/** Samples of the raw blocks of a folder that are not marked for deletion, and how many times some are repeated. */
export async function liveSamples(
  folder: string,
  skip: (block: FolderBlock) => boolean = () => false,
  without: readonly string[] = [],
): Promise<{ samples: RawSamples; repeated: number }> {
  const samples: RawSamples = new Map();
  let repeated = 0;
  for (const block of await folderBlocks(folder)) {
    const { meta, marks } = block;
    if (meta === null || meta.thanos.downsample.resolution !== 0 || skip(block)) continue;
    if (marks.includes("deletion-mark.json")) continue;
    repeated += await addRawSamples(folder, { ...meta, ulid: block.id }, samples, without);
  }
  return { samples, repeated };
}
