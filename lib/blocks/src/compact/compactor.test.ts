// Whole rounds over recorded buckets: the same plans and results as real Thanos, and no halt over damaged blocks.
import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { FilesystemBucket } from "@deucalion/objstore";
import type { BlockMeta } from "../meta/block-meta.ts";
import { goMeta } from "../meta/go-meta.ts";
import {
  type FolderBlock,
  folderBlocks,
  liveSamples,
  makeCompactor,
} from "../testing/compaction.ts";
import { conformance, never } from "../testing/conformance.ts";
import type { RoundResult } from "./compactor.ts";

const blocks = join(conformance, "blocks");
const scratch = await mkdtemp(join(tmpdir(), "compactor-test-"));
after(() => rm(scratch, { recursive: true }));

type Options = Parameters<typeof makeCompactor>[1];

/** Runs one round over a copy of `input`. */
async function roundOver(
  name: string,
  input: string,
  options: Options = {},
  replicaLabels: readonly string[] = [],
): Promise<{ folder: string; result: RoundResult; after: FolderBlock[] }> {
  const folder = join(scratch, name);
  await cp(input, folder, { recursive: true });
  const bucket = new FilesystemBucket(folder);
  const { compactor, close } = await makeCompactor(bucket, options, { replicaLabels });
  const result = await compactor.round(never);
  await close();
  await bucket.close();
  return { folder, result, after: await folderBlocks(folder) };
}

interface GoMeta extends Record<string, unknown> {
  readonly ulid: string;
  readonly thanos: Record<string, unknown>;
  readonly compaction: { readonly parents?: readonly { readonly ulid: string }[] };
}

/** A meta without what differs from run to run. */
function comparable(meta: BlockMeta): object {
  const { ulid, thanos, ...rest } = goMeta(meta) as unknown as GoMeta;
  assert.equal(typeof ulid, "string");
  const { upload_time: uploaded, version: _, ...section } = thanos;
  assert.match(String(uploaded), /^20/);
  const { compaction } = rest;
  const parents = [...(compaction.parents ?? [])].sort((a, b) => (a.ulid < b.ulid ? -1 : 1));
  return { ...rest, compaction: { ...compaction, parents }, thanos: section };
}

interface Recorded {
  readonly input?: string;
  readonly output?: string;
  readonly marked_for_deletion: boolean;
}

/** Compares the blocks after a round with what real Thanos left. */
async function checkAgainst(folder: string, left: readonly FolderBlock[]): Promise<void> {
  const recorded = JSON.parse(await readFile(join(folder, "result.json"), "utf8")) as Recorded[];
  const want = await folderBlocks(join(folder, "output"));
  const inputs = new Map(recorded.flatMap((one) => (one.input ? [[one.input, one]] : [])));
  const made = left.filter(({ id }) => !inputs.has(id));
  const byTime = (a: object, b: object): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
  const isMade = new Set(recorded.flatMap((one) => (one.output ? [one.output] : [])));
  assert.deepEqual(
    made.map(({ meta }) => comparable(meta!)).sort(byTime),
    want
      .filter(({ id }) => isMade.has(id))
      .map(({ meta }) => comparable(meta!))
      .sort(byTime),
  );
  for (const { id, marks } of left) {
    const marked = marks.includes("deletion-mark.json");
    const one = inputs.get(id);
    if (one !== undefined) assert.equal(marked, one.marked_for_deletion, id);
    else assert.equal(marked, false, id);
  }
}

test("a round over consecutive blocks makes the blocks that Thanos makes", async () => {
  const folder = join(blocks, "compaction");
  const { result, after: left } = await roundOver("compaction", join(folder, "input"));
  assert.deepEqual(result.failures, []);
  await checkAgainst(folder, left);
});

test("a round over overlapping blocks merges them", async () => {
  const folder = join(blocks, "vertical", "ooo-overlap");
  const { after: left } = await roundOver("overlap", join(folder, "input"));
  await checkAgainst(folder, left);
});

for (const dedup of ["", "penalty"] as const) {
  test(`a round over replicas with "${dedup}" makes the blocks that Thanos makes`, async () => {
    const folder = join(blocks, "vertical", dedup === "" ? "replica-none" : "replica-penalty");
    const input = join(blocks, "ha", "bucket");
    const { after: left } = await roundOver(`ha-${dedup}`, input, { dedup }, ["replica"]);
    await checkAgainst(folder, left);
  });
}

test("a round with fill keeps more than penalty and less than both replicas", async () => {
  const input = join(blocks, "ha", "bucket");
  const counts: number[] = [];
  for (const dedup of ["", "penalty", "fill"] as const) {
    const { after: left } = await roundOver(`fill-${dedup}`, input, { dedup }, ["replica"]);
    const live = left.filter(({ marks }) => marks.length === 0);
    counts.push(live.reduce((sum, { meta }) => sum + (meta!.stats.numSamples ?? 0), 0));
  }
  const [all, penalty, fill] = counts as [number, number, number];
  assert.ok(penalty < fill && fill < all, counts.join());
});

test("a round downsamples twice, and a second round finds nothing to do", async () => {
  const input = join(blocks, "downsampled", "bucket");
  const folder = join(scratch, "downsampled");
  for (const { id, meta } of await folderBlocks(input)) {
    if (meta!.thanos.downsample.resolution !== 0) continue;
    await cp(join(input, id), join(folder, id), { recursive: true });
  }
  const bucket = new FilesystemBucket(folder);
  const { compactor, close } = await makeCompactor(bucket, { downsampling: true });
  assert.equal((await compactor.round(never)).downsamplings, 2);
  assert.equal((await compactor.round(never)).downsamplings, 0);
  await close();
  await bucket.close();
  const sorted = (all: FolderBlock[]): object[] =>
    all
      .filter(({ meta }) => meta!.thanos.downsample.resolution !== 0)
      .sort((a, b) => a.meta!.thanos.downsample.resolution - b.meta!.thanos.downsample.resolution)
      .map(({ meta }) => comparable(meta!));
  assert.deepEqual(sorted(await folderBlocks(folder)), sorted(await folderBlocks(input)));
});

interface DamagedCase {
  readonly case: string;
  readonly block: string;
  readonly bucket: string[];
}

/** What becomes of the damaged block, and how many sources the new block has. Docs: docs/damaged-blocks.md. */
const outcomes: Record<string, { readonly setAside: boolean; readonly sources: number }> = {
  baseline: { setAside: false, sources: 4 },
  "index-truncated": { setAside: true, sources: 2 },
  "index-missing": { setAside: true, sources: 2 },
  "index-bad-magic": { setAside: true, sources: 2 },
  "index-bad-toc-crc": { setAside: true, sources: 2 },
  "index-bad-symbol-byte": { setAside: true, sources: 2 },
  "index-bad-series-byte": { setAside: true, sources: 2 },
  "chunk-bad-crc": { setAside: true, sources: 2 },
  "chunk-file-missing": { setAside: true, sources: 2 },
  "chunk-file-truncated": { setAside: true, sources: 2 },
  "chunk-bad-magic": { setAside: true, sources: 2 },
  "meta-not-json": { setAside: false, sources: 3 },
  "meta-empty": { setAside: false, sources: 3 },
  "meta-version-2": { setAside: false, sources: 3 },
  "meta-other-ulid": { setAside: false, sources: 3 },
  "meta-no-thanos": { setAside: false, sources: 3 },
  "meta-missing": { setAside: false, sources: 3 },
  "deletion-mark": { setAside: false, sources: 3 },
  "no-compact-mark": { setAside: false, sources: 2 },
  "no-downsample-mark": { setAside: false, sources: 4 },
  "deletion-mark-bad-json": { setAside: false, sources: 4 },
};

const damaged = JSON.parse(
  await readFile(join(blocks, "damaged", "behaviour.json"), "utf8"),
) as DamagedCase[];

/** Lays a case out: good blocks, and the damaged one in place of its good self. */
async function layOut({ case: name, block, bucket }: DamagedCase, to: string): Promise<void> {
  for (const id of bucket) {
    const bad = id === block && name !== "baseline";
    const from = join(blocks, bad ? `damaged/${name}` : "compaction/input", id);
    await cp(from, join(to, id), { recursive: true });
  }
}

for (const one of damaged) {
  test(`damaged: ${one.case} does not stop the rest`, async () => {
    const want = outcomes[one.case];
    assert.ok(want !== undefined, "every case has an outcome");
    const input = join(scratch, `in-${one.case}`);
    await layOut(one, input);
    const { folder, result, after: left } = await roundOver(`out-${one.case}`, input);
    assert.deepEqual(result.failures, []);
    assert.equal(result.compactions, 1);
    const made = left.find(({ id }) => !one.bucket.includes(id));
    assert.equal(made?.meta?.compaction.sources.length, want.sources);
    const victim = left.find(({ id }) => id === one.block);
    assert.deepEqual(result.setAside, want.setAside ? [one.block] : []);
    if (want.setAside) assert.ok(victim?.marks.includes("no-compact-mark.json"));
    // What was readable before is there after, each sample once.
    const skip = ({ id }: FolderBlock): boolean => id === one.block && want.sources !== 4;
    const before = await liveSamples(input, skip);
    const now = await liveSamples(folder, skip);
    assert.equal(now.repeated, 0);
    assert.deepEqual(now.samples, before.samples);
  });
}

test("all damages at once: each sound group is compacted", async () => {
  // The folder name is the block's id, so cases of one block take turns in groups of their own.
  const input = join(scratch, "all");
  await cp(join(blocks, "ha", "bucket"), input, { recursive: true });
  const [first] = damaged;
  for (const id of first!.bucket) {
    await cp(join(blocks, "compaction/input", id), join(input, id), { recursive: true });
  }
  await rm(join(input, first!.bucket[0]!, "index"));
  await rm(join(input, first!.bucket[1]!, "chunks"), { recursive: true });
  await rm(join(input, first!.bucket[2]!, "meta.json"));
  const { result, after: left } = await roundOver("all-out", input, {}, ["replica"]);
  assert.deepEqual([...result.setAside].sort(), first!.bucket.slice(0, 2));
  const made = left.filter(({ meta }) => (meta?.compaction.level ?? 0) > 1);
  assert.deepEqual(
    new Set(made.map(({ meta }) => meta!.thanos.labels.cluster)),
    new Set(["eu", "us"]),
  );
});
