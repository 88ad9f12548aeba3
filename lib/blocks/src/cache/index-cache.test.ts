// The index cache: formats, keys, and answers that are the same with it, without it and from it.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { silentLog } from "@deucalion/base";
import { loadXxhash64, SnappyEncoder } from "@deucalion/kernels";
import { decodeLabels, Matcher } from "@deucalion/model";
import { FilesystemBucket } from "@deucalion/objstore";
import { FaultyBucket } from "@deucalion/objstore/testing";
import fc from "fast-check";
import { MetaFetcher } from "../fetch/meta-fetcher.ts";
import { BucketSource } from "../serve/bucket-source.ts";
import { serveDefaults } from "../serve/serve-options.ts";
import { conformance, never } from "../testing/conformance.ts";
import { silentCacheEvents } from "./cache-client.ts";
import {
  type IndexCache,
  type IndexCacheEvents,
  type IndexCacheItem,
  matchersKey,
} from "./index-cache.ts";
import { readIndexCacheConfig } from "./index-cache-config.ts";
import { MemoryCache } from "./memory-cache.ts";
import { MemoryIndexCache } from "./memory-index-cache.ts";
import { compareNaturally, jumpHash } from "./pick-server.ts";
import { decodePostings, encodePostings } from "./postings-codec.ts";
import { expandedKey, postingsKey, RemoteIndexCache } from "./remote-index-cache.ts";

const all = new Set<IndexCacheItem>(["Postings", "Series", "ExpandedPostings"]);
const limits = { bytesMax: 64 << 20, itemBytesMax: 32 << 20 };

function counting(): { events: IndexCacheEvents; hits: Record<string, number> } {
  const hits: Record<string, number> = {};
  const events: IndexCacheEvents = {
    requests: () => undefined,
    hits: (item, count) => {
      hits[item] = (hits[item] ?? 0) + count;
    },
    stored: () => undefined,
    seconds: () => undefined,
  };
  return { events, hits };
}

test("encodePostings() and decodePostings() are inverse", () => {
  const ascending = fc
    .uniqueArray(fc.nat({ max: 0xffff_ffff }), { maxLength: 500 })
    .map((list) => Uint32Array.from(list).sort());
  fc.assert(
    fc.property(ascending, (postings) => {
      assert.deepEqual(decodePostings(encodePostings(postings)), postings);
    }),
  );
});

test("decodePostings() reads older forms, and refuses what is damaged", () => {
  const plain = Uint8Array.of(1, 2, 0xac, 2);
  const block = Uint8Array.from([...Buffer.from("dvs"), ...new SnappyEncoder().encode(plain)]);
  assert.deepEqual(decodePostings(block), Uint32Array.of(1, 3, 303));
  const raw = Uint8Array.of(0, 0, 0, 2, 0, 0, 0, 5, 0, 0, 1, 0);
  assert.deepEqual(decodePostings(raw), Uint32Array.of(5, 256));
  for (const bad of [raw.subarray(0, 7), block.subarray(0, 6), Buffer.from("dssx")])
    assert.throws(() => decodePostings(bad));
});

test("matchersKey() does not depend on the order of matchers", () => {
  const matchers = [
    new Matcher("!~", "b", "x.*"),
    new Matcher("=", "job", "a"),
    new Matcher("=", "__name__", "up"),
  ];
  const key = '__name__="up";job="a";b!~"x.*"';
  assert.equal(matchersKey(matchers), key);
  assert.equal(matchersKey(matchers.reverse()), key);
  assert.match(expandedKey("01H", matchers), /^EP:01H:[A-Za-z0-9_-]{43}:dss$/);
  // BLAKE2b-256 of "job:a", as Thanos has it.
  assert.equal(
    postingsKey("01H", { name: "job", value: "a" }),
    "P:01H:ixBlFEuOiRGQnzRz3mYs7KVAOsm42s5S60UihRIq5-g:dss",
  );
});

test("servers are chosen by jump hash, in natural order", () => {
  assert.deepEqual(["m-10:1", "m-9:1", "m-1:1"].sort(compareNaturally), [
    "m-1:1",
    "m-9:1",
    "m-10:1",
  ]);
  for (const buckets of [1, 5, 57, 666]) assert.equal(jumpHash(0n, buckets), 0);
  // Growing by one server moves keys only to the new one.
  for (let key = 1n; key < 2000n; key += 7n) {
    const scattered = BigInt.asUintN(64, key * 0x9e3779b97f4a7c15n);
    const [before, after] = [jumpHash(scattered, 10), jumpHash(scattered, 11)];
    assert.ok(after === before || after === 10);
  }
});

test("settings of the index cache are checked", () => {
  const wrong: [unknown, RegExp][] = [
    [{ type: "DISK" }, /type DISK is not supported/],
    [{ type: "in-memory", config: { size: 1 } }, /size is not a known field/],
    [{ type: "in-memory", config: { max_size: "1MB", max_item_size: "2MB" } }, /cannot be bigger/],
    [{ type: "memcached", config: {} }, /no memcached addresses/],
    [{ type: "redis", config: {} }, /no redis addr/],
    [{ type: "in-memory", enabled_items: ["Chunks"] }, /unsupported item type Chunks/],
  ];
  for (const [document, message] of wrong)
    assert.throws(() => readIndexCacheConfig(document, 1), { code: "BLOCKS_CACHE", message });
  const { backend, ttlMs } = readIndexCacheConfig(
    { type: "memcached", config: { addresses: ["a:1"] }, ttl: "1h" },
    1,
  );
  assert.equal(ttlMs, 3_600_000);
  assert.equal(backend.type === "MEMCACHED" && backend.options.timeoutMs, 500);
});

interface Answer {
  readonly series: string[];
  readonly reads: string[];
}

/** Asks each selector twice; gives both rounds of answers and the reads of indexes. */
async function askTwice(folder: string, cache: IndexCache | undefined): Promise<Answer[]> {
  const dataDir = await mkdtemp(join(tmpdir(), "index-cache-"));
  const bucket = new FaultyBucket(new FilesystemBucket(folder));
  const source = new BucketSource(serveDefaults, {
    bucket,
    indexCache: cache,
    dataDir,
    xxhash: await loadXxhash64(),
    log: silentLog,
    signal: never,
  });
  const fetcher = new MetaFetcher(
    { strategy: "concurrent", readsMax: 8, cacheDir: undefined },
    { bucket, filters: [], log: silentLog, now: Date.now },
  );
  source.update(await fetcher.fetch(never));
  const selectors = [
    [new Matcher("=~", "__name__", ".+")],
    [new Matcher("=", "job", "a"), new Matcher("!=", "instance", "")],
    [new Matcher("=~", "instance", ".*1.*")],
  ];
  const answers: Answer[] = [];
  for (let round = 0; round < 2; round++) {
    bucket.resetCounts();
    const series: string[] = [];
    for (const matchers of selectors) {
      const request = {
        matchers,
        minTime: Number.MIN_SAFE_INTEGER,
        maxTime: Number.MAX_SAFE_INTEGER,
        skipChunks: true,
      };
      const context = { signal: never, warn: (text: string) => assert.fail(text) };
      for await (const batch of source.series(request, context))
        for (let i = 0; i < batch.seriesCount; i++)
          series.push(JSON.stringify(decodeLabels(batch.labels(i))));
    }
    const reads = bucket.requests
      .filter(({ name }) => name.endsWith("/index"))
      .map(({ name }) => name);
    answers.push({ series, reads });
  }
  source.close();
  await rm(dataDir, { recursive: true });
  return answers;
}

for (const folder of ["floats", "ha/bucket"]) {
  test(`blocks/${folder} gives the same with an index cache, and the second time from it alone`, async () => {
    const path = join(conformance, "blocks", folder);
    const plain = await askTwice(path, undefined);
    const want = plain[0]!.series;
    assert.ok(want.length > 0 && plain[1]!.reads.length > 0);

    const inMemory = counting();
    const memory = await askTwice(path, new MemoryIndexCache(limits, all, inMemory.events));
    assert.deepEqual(
      memory.map(({ series }) => series),
      [want, want],
    );
    assert.deepEqual(memory[1]!.reads, []);

    const remote = counting();
    const client = new MemoryCache(limits, () => 0, silentCacheEvents);
    const cache = new RemoteIndexCache(client, { ttlMs: 1, enabled: all }, remote.events);
    const far = await askTwice(path, cache);
    assert.deepEqual(
      far.map(({ series }) => series),
      [want, want],
    );
    assert.deepEqual(far[1]!.reads, []);

    // Postings of labels alone: selectors that were never asked find theirs.
    const single = counting();
    const labelled = new RemoteIndexCache(
      new MemoryCache(limits, () => 0, silentCacheEvents),
      { ttlMs: 1, enabled: new Set(["Postings", "Series"]) },
      single.events,
    );
    const listed = await askTwice(path, labelled);
    assert.deepEqual(
      listed.map(({ series }) => series),
      [want, want],
    );
    assert.deepEqual(listed[1]!.reads, []);
    assert.ok(single.hits.Postings! > 0);
    assert.ok(remote.hits.Series! > 0 && remote.hits.ExpandedPostings! > 0);
  });
}

test("MemoryIndexCache reads damaged bytes again", async () => {
  const cache = new MemoryIndexCache(limits, all, counting().events);
  const index = Uint8Array.from({ length: 100_000 }, (_, i) => i % 251);
  let damage = true;
  const read = async (from: number, length: number): Promise<Uint8Array> => {
    const data = index.slice(from, from + length);
    if (damage) data[10] = 255;
    return data;
  };
  const ask = () => cache.index("01H", 40_000, 30_000, "Series", read);
  await ask();
  damage = false;
  cache.forget("01H", 40_000, 100);
  assert.deepEqual(await ask(), index.slice(40_000, 70_000));
  assert.deepEqual(await cache.index("01H", 90_000, 50_000, "Series", read), index.slice(90_000));
});
