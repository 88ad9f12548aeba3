// Listing, reading and filtering of block metas.
import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { silentLog } from "@deucalion/base";
import { Labels } from "@deucalion/model";
import type { Bucket } from "@deucalion/objstore";
import { FaultyBucket, MemoryBucket } from "@deucalion/objstore/testing";
import fc from "fast-check";
import { type BlockMeta, parseBlockMeta } from "../meta/block-meta.ts";
import { chooseBlocks, groupBlocks } from "../meta/block-set.ts";
import { markForDeletion, markNoCompact, readDeletionMark } from "../meta/markers.ts";
import { never } from "../testing/conformance.ts";
import type { DiscoveryStrategy } from "./block-lister.ts";
import { consistencyDelayFilter } from "./consistency-delay-filter.ts";
import { DeletionMarkFilter } from "./deletion-mark-filter.ts";
import { duplicateFilter } from "./duplicate-filter.ts";
import { MetaFetcher, type MetaView } from "./meta-fetcher.ts";
import type { MetaFilter } from "./meta-filter.ts";
import { labelShardFilter, parseSelectorRelabel, relabelSelected } from "./selector-relabel.ts";
import { timePartitionFilter } from "./time-partition-filter.ts";

const a = "01HK0000000000000000000001";
const b = "01HK0000000000000000000002";
const c = "01HK0000000000000000000003";
const hour = 3_600_000;

interface Sketch {
  readonly minTime?: number;
  readonly maxTime?: number;
  readonly labels?: Record<string, string>;
  readonly resolution?: number;
  readonly source?: string;
  readonly upload_time?: string;
  readonly sources?: string[];
}

function metaText(id: string, sketch: Sketch = {}): string {
  const { minTime = 0, maxTime = 2 * hour, labels = {}, resolution = 0, sources = [id] } = sketch;
  const { source = "sidecar", upload_time } = sketch;
  const thanos = { labels, downsample: { resolution }, source, upload_time };
  const compaction = { level: 1, sources };
  return JSON.stringify({ ulid: id, minTime, maxTime, version: 1, compaction, thanos });
}

function meta(id: string, sketch: Sketch = {}): BlockMeta {
  return parseBlockMeta(metaText(id, sketch));
}

const put = (bucket: Bucket, name: string, text: string): Promise<void> =>
  bucket.upload(name, new TextEncoder().encode(text), {}, never);

async function view(
  bucket: Bucket,
  filters: MetaFilter[] = [],
  strategy: DiscoveryStrategy = "concurrent",
): Promise<MetaView> {
  const options = { strategy, readsMax: 4, cacheDir: undefined };
  const deps = { bucket, filters, log: silentLog, now: () => 0 };
  return new MetaFetcher(options, deps).fetch(never);
}

for (const strategy of ["concurrent", "recursive", "frugal"] as const) {
  test(`MetaFetcher with ${strategy} discovery tells good, partial and bad blocks apart`, async () => {
    const bucket = new MemoryBucket();
    await put(bucket, `${a}/meta.json`, metaText(a));
    await put(bucket, `${a}/index`, "");
    await put(bucket, `${b}/index`, "");
    await put(bucket, `${c}/meta.json`, "{");
    await put(bucket, "not-a-block/meta.json", metaText(a));
    await put(bucket, "debug/metas/x.json", "");
    const version = "01HK0000000000000000000004";
    await put(bucket, `${version}/meta.json`, '{"version":2}');
    const other = "01HK0000000000000000000005";
    await put(bucket, `${other}/meta.json`, metaText(a));
    const found = await view(bucket, [], strategy);
    assert.deepEqual([...found.metas.keys()], [a]);
    assert.deepEqual([...found.partial.keys()].sort(), [b, c, other]);
    assert.deepEqual([...found.unreadable.keys()].sort(), [c, version, other]);
    assert.equal(found.incomplete, false);
    assert.deepEqual(
      ["loaded", "no-meta-json", "corrupted-meta-json", "failed"].map((state) =>
        found.states.get(state as "loaded"),
      ),
      [1, 1, 2, 1],
    );
  });
}

test("MetaFetcher: a read that fails leaves the view incomplete, not empty", async () => {
  const bucket = new FaultyBucket(new MemoryBucket());
  await put(bucket, `${a}/meta.json`, metaText(a));
  await put(bucket, `${b}/meta.json`, metaText(b));
  bucket.choose = (operation, name) =>
    operation === "get" && name.startsWith(b) ? { error: new Error("timeout") } : undefined;
  const found = await view(bucket);
  assert.deepEqual([...found.metas.keys()], [a]);
  assert.equal(found.incomplete, true);
  assert.equal(found.unreadable.get(b), "timeout");
});

test("MetaFetcher reads each meta once, also over restarts, and forgets what is gone", async () => {
  const folder = await mkdtemp(join(tmpdir(), "metas-"));
  try {
    const bucket = new FaultyBucket(new MemoryBucket());
    await put(bucket, `${a}/meta.json`, metaText(a));
    await put(bucket, `${b}/meta.json`, metaText(b));
    const fetcher = (): MetaFetcher =>
      new MetaFetcher(
        { strategy: "concurrent", readsMax: 4, cacheDir: folder },
        { bucket, filters: [], log: silentLog, now: () => 0 },
      );
    const first = fetcher();
    await first.fetch(never);
    await Promise.all([first.fetch(never), first.fetch(never)]);
    assert.equal(bucket.reads, 2);
    await first.written();
    await fetcher().fetch(never);
    assert.equal(bucket.reads, 2);
    await bucket.delete(`${b}/meta.json`, never);
    assert.equal((await first.fetch(never)).metas.size, 1);
    assert.deepEqual(await readdir(folder), [a]);
    await writeFile(join(folder, a, "meta.json"), "damaged");
    const last = fetcher();
    assert.equal((await last.fetch(never)).metas.size, 1);
    assert.equal(bucket.reads, 3);
    await last.written();
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("MetaFetcher with recursive discovery reads a replaced meta again", async () => {
  let now = 1000;
  const bucket = new MemoryBucket(() => now);
  await put(bucket, `${a}/meta.json`, metaText(a));
  const fetcher = new MetaFetcher(
    { strategy: "recursive", readsMax: 4, cacheDir: undefined },
    { bucket, filters: [], log: silentLog, now: () => 0 },
  );
  await fetcher.fetch(never);
  now = 2000;
  await put(bucket, `${a}/meta.json`, metaText(a, { maxTime: 7 }));
  assert.equal((await fetcher.fetch(never)).metas.get(a)!.maxTime, 7);
});

/** Counts every request. */
function counting(inner: Bucket): FaultyBucket & { calls: string[] } {
  const calls: string[] = [];
  const bucket = new FaultyBucket(inner, (operation, name) => {
    calls.push(`${operation} ${name}`);
    return undefined;
  });
  return Object.assign(bucket, { calls });
}

test("frugal discovery asks for nothing but a listing while nothing changes", async () => {
  let time = 1000;
  const bucket = counting(new MemoryBucket(() => time));
  for (const id of [a, b, c]) await put(bucket, `${id}/meta.json`, metaText(id));
  const warn = (): void => undefined;
  const marks = new DeletionMarkFilter(
    { delayMs: hour, readsMax: 2 },
    { bucket, now: () => 0, warn },
  );
  const fetcher = new MetaFetcher(
    { strategy: "frugal", readsMax: 4, cacheDir: undefined },
    { bucket, filters: [marks], log: silentLog, now: () => 0 },
  );
  const asked = async (): Promise<string[]> => {
    bucket.calls.length = 0;
    await fetcher.fetch(never);
    return bucket.calls.sort();
  };
  const metas = [a, b, c].map((id) => `get ${id}/meta.json`);
  assert.deepEqual(await asked(), [...metas, "iter "]);
  assert.deepEqual(await asked(), ["iter "]);
  await markForDeletion(bucket, b, "old", 5000, never);
  assert.deepEqual(await asked(), [`get ${b}/deletion-mark.json`, "iter "]);
  assert.deepEqual([...marks.marks.keys()], [b]);
  assert.deepEqual(await asked(), ["iter "]);
  assert.deepEqual([...marks.marks.keys()], [b]);
  time = 2000;
  await bucket.delete(`${b}/deletion-mark.json`, never);
  await markForDeletion(bucket, b, "again", 6000, never);
  assert.deepEqual(await asked(), [`get ${b}/deletion-mark.json`, "iter "]);
  assert.equal(marks.marks.get(b)?.deletion_time, 6);
  await bucket.delete(`${b}/deletion-mark.json`, never);
  assert.deepEqual(await asked(), ["iter "]);
  assert.deepEqual([...marks.marks.keys()], []);
});

test("metas are read while the bucket is still listed; when the listing fails no more are", async () => {
  class SlowListing extends MemoryBucket {
    readonly reads: string[] = [];
    fails = false;
    override async *iter(...args: Parameters<Bucket["iter"]>) {
      let entries = 0;
      for await (const entry of super.iter(...args)) {
        yield entry;
        // Not before the first meta was read.
        while (entries === 0 && this.reads.length === 0) await setImmediate();
        entries++;
      }
      if (!this.fails) return;
      this.fails = false;
      throw new Error("listing broke off");
    }
    override async get(...args: Parameters<Bucket["get"]>): Promise<Uint8Array> {
      this.reads.push(args[0]);
      // Those that were begun end after the listing failed.
      while (this.fails) await setImmediate();
      return super.get(...args);
    }
  }
  const bucket = new SlowListing();
  const ids = Array.from({ length: 50 }, (_, i) => `01HK00000000000000000001${i + 10}`);
  for (const id of ids) await put(bucket, `${id}/meta.json`, metaText(id));
  assert.deepEqual([...(await view(bucket, [], "recursive")).metas.keys()], ids);
  assert.deepEqual(
    bucket.reads.sort(),
    ids.map((id) => `${id}/meta.json`),
  );
  bucket.reads.length = 0;
  bucket.fails = true;
  await assert.rejects(view(bucket, [], "recursive"), { code: "BLOCKS_LIST" });
  assert.equal(bucket.reads.length, 4, "those that were begun");
});

test("frugal discovery asks block by block where the bucket holds much else", async () => {
  const bucket = counting(new MemoryBucket());
  await put(bucket, `${a}/meta.json`, metaText(a));
  await Promise.all(Array.from({ length: 20_001 }, (_, i) => put(bucket, `logs/${i}`, "")));
  bucket.calls.length = 0;
  assert.deepEqual([...(await view(bucket, [], "frugal")).metas.keys()], [a]);
  // The meta may be read at once, while the first listing goes on; it is read once.
  const calls = [`exists ${a}/meta.json`, `get ${a}/meta.json`, "iter ", "iter "];
  assert.deepEqual(bucket.calls.sort(), calls);
});

test("timePartitionFilter() keeps what overlaps", async () => {
  const metas = new Map([
    [a, meta(a, { minTime: 0, maxTime: 10 })],
    [b, meta(b, { minTime: 10, maxTime: 20 })],
    [c, meta(c, { minTime: 21, maxTime: 30 })],
  ]);
  await timePartitionFilter(
    () => 11,
    () => 20,
  ).filter(metas, () => undefined, never);
  assert.deepEqual([...metas.keys()], [b]);
});

test("labelShardFilter() keeps, drops and shards by hash", async () => {
  const run = async (document: unknown): Promise<string[]> => {
    const metas = new Map([
      [a, meta(a, { labels: { cluster: "eu" } })],
      [b, meta(b, { labels: { cluster: "us" } })],
      [c, meta(c)],
    ]);
    await labelShardFilter(parseSelectorRelabel(document)).filter(metas, () => undefined, never);
    return [...metas.keys()];
  };
  assert.deepEqual(await run(null), [a, b, c]);
  assert.deepEqual(await run([{ action: "keep", source_labels: ["cluster"], regex: "e." }]), [a]);
  assert.deepEqual(await run([{ action: "drop", source_labels: ["cluster"], regex: "e." }]), [
    b,
    c,
  ]);
  assert.deepEqual(await run([{ action: "keep", source_labels: ["__block_id"], regex: b }]), [b]);
  const shard = [
    { action: "hashmod", source_labels: ["__block_id"], target_label: "shard", modulus: 2 },
    { action: "keep", source_labels: ["shard"], regex: "0" },
  ];
  const other = [shard[0], { ...shard[1], regex: "1" }];
  assert.deepEqual([...(await run(shard)), ...(await run(other))].sort(), [a, b, c]);
  const code = { code: "BLOCKS_RELABEL" };
  assert.throws(() => parseSelectorRelabel([{ action: "replace" }]), code);
  assert.throws(() => parseSelectorRelabel([{ action: "keep", sourcelabels: [] }]), code);
  assert.throws(() => parseSelectorRelabel([{ action: "hashmod", target_label: "x" }]), code);
  const labels = Labels.from({ x: "1" });
  assert.equal(relabelSelected(labels, []), labels);
});

test("consistencyDelayFilter() leaves fresh blocks out but those of the compactor", async () => {
  const fresh = { upload_time: "2024-01-02T00:00:00Z" };
  const metas = new Map([
    [a, meta(a, fresh)],
    [b, meta(b, { ...fresh, source: "compactor" })],
    [c, meta(c, { upload_time: "0001-01-01T00:00:00Z" })],
  ]);
  const now = Date.parse("2024-01-02T00:10:00Z");
  await consistencyDelayFilter(30 * 60_000, () => now).filter(metas, () => undefined, never);
  assert.deepEqual([...metas.keys()], [b, c]);
});

test("DeletionMarkFilter leaves out what was marked long enough ago", async () => {
  const bucket = new MemoryBucket();
  const warnings: string[] = [];
  await markForDeletion(bucket, a, "old", 1_000_000, never);
  await markForDeletion(bucket, b, "new", 9_000_000, never);
  await put(bucket, `${c}/deletion-mark.json`, '{"id":');
  const filter = new DeletionMarkFilter(
    { delayMs: hour, readsMax: 2 },
    { bucket, now: () => 10_000_000, warn: (text) => warnings.push(text) },
  );
  const metas = new Map([a, b, c].map((id) => [id, meta(id)]));
  await filter.filter(metas, () => undefined, never);
  assert.deepEqual([...metas.keys()], [b, c]);
  assert.deepEqual([...filter.marks.keys()].sort(), [a, b]);
  assert.match(warnings[0]!, /is not JSON/);
  await put(bucket, `${c}/deletion-mark.json`, '{"version":9,"deletion_time":1}');
  await assert.rejects(
    readDeletionMark(bucket, c, () => undefined, never),
    { code: "BLOCKS_MARK" },
  );
});

test("a mark is written once", async () => {
  const bucket = new MemoryBucket();
  assert.equal(await markNoCompact(bucket, a, "manual", "why", 5000, never), true);
  assert.equal(await markNoCompact(bucket, a, "manual", "again", 6000, never), false);
  const text = new TextDecoder().decode(await bucket.get(`${a}/no-compact-mark.json`, never));
  assert.deepEqual(JSON.parse(text), {
    id: a,
    version: 1,
    details: "why",
    no_compact_time: 5,
    reason: "manual",
  });
});

test("duplicateFilter() leaves out what another block of the stream covers", async () => {
  const metas = new Map([
    [a, meta(a, { sources: ["x"] })],
    [b, meta(b, { sources: ["x", "y"] })],
    [c, meta(c, { sources: ["x"], resolution: 300_000 })],
  ]);
  await duplicateFilter().filter(metas, () => undefined, never);
  assert.deepEqual([...metas.keys()], [b, c]);
});

test("duplicateFilter() equals the comparison of all pairs", () => {
  const sources = fc.uniqueArray(fc.integer({ min: 0, max: 5 }).map(String));
  fc.assert(
    fc.property(fc.array(sources, { maxLength: 12 }), (lists) => {
      const ids = lists.map((_, i) => `01HK00000000000000000000${String(i).padStart(2, "0")}`);
      const metas = new Map(ids.map((id, i) => [id, meta(id, { sources: lists[i]! })]));
      const order = ids
        .map((id, i) => ({ id, list: lists[i]! }))
        .sort((x, y) => y.list.length - x.list.length || (x.id < y.id ? -1 : 1));
      const kept: typeof order = [];
      for (const item of order)
        if (!kept.some((other) => item.list.every((s) => other.list.includes(s)))) kept.push(item);
      void duplicateFilter().filter(metas, () => undefined, never);
      assert.deepEqual([...metas.keys()], kept.map(({ id }) => id).sort());
    }),
  );
});

test("chooseBlocks() takes the coarsest resolution allowed and fills holes from finer ones", () => {
  const block = (id: string, minTime: number, maxTime: number, resolution: number) => ({
    meta: meta(id, { minTime, maxTime, resolution }),
  });
  const [set] = groupBlocks([
    block("raw1", 0, 100, 0),
    block("raw2", 100, 200, 0),
    block("raw3", 200, 300, 0),
    block("5m1", 100, 200, 300_000),
    block("1h1", 0, 100, 3_600_000),
  ]);
  const ids = (max: number, from = 0, to = 299): string[] =>
    chooseBlocks(set!, from, to, max).map(({ meta: { ulid } }) => ulid);
  assert.deepEqual(ids(0), ["raw1", "raw2", "raw3"]);
  assert.deepEqual(ids(300_000), ["raw1", "5m1", "raw3"]);
  assert.deepEqual(ids(3_600_000), ["1h1", "5m1", "raw3"]);
  assert.deepEqual(ids(3_600_000, 150, 220), ["5m1", "raw3"]);
  assert.deepEqual(ids(3_600_000, 100, 100), ["5m1"]);
  assert.deepEqual(ids(0, 300, 400), []);
  assert.deepEqual(ids(0, 50, 40), []);
});
