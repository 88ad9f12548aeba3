// The caching bucket: what it asks for, what it keeps, and under which keys.
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadXxhash64 } from "@deucalion/kernels";
import { isNotFound } from "@deucalion/objstore";
import { bucketAcceptance, FaultyBucket, MemoryBucket } from "@deucalion/objstore/testing";
import fc from "fast-check";
import { type CacheClient, silentCacheEvents } from "./cache-client.ts";
import { CachingBucket, type CachingBucketEvents, joinRuns } from "./caching-bucket.ts";
import { readCachingBucketConfig } from "./caching-bucket-config.ts";
import { MemoryCache } from "./memory-cache.ts";

const never = new AbortController().signal;
const quiet: CachingBucketEvents = {
  request: () => undefined,
  hit: () => undefined,
  requestedBytes: () => undefined,
  fetchedBytes: () => undefined,
};

async function cached(settings: Record<string, unknown> = {}) {
  const document = { type: "IN-MEMORY", ...settings };
  const text = JSON.stringify(document);
  const { options } = readCachingBucketConfig(document, { text, path: "" }, await loadXxhash64());
  const clock = { now: 0 };
  const now = () => clock.now;
  const memory = new MemoryCache(
    { bytesMax: 8 << 20, itemBytesMax: 8 << 20 },
    now,
    silentCacheEvents,
  );
  const stored = new Map<string, string>();
  const cache: CacheClient = {
    fetch: (keys) => memory.fetch(keys),
    store: (key, value, ttlMs) => {
      stored.set(key, new TextDecoder().decode(value));
      memory.store(key, value, ttlMs);
    },
    close: () => memory.close(),
  };
  const inner = new FaultyBucket(new MemoryBucket(() => 1_700_000_000_000));
  const bucket = new CachingBucket(inner, options, { cache, events: quiet, now });
  return { bucket, inner, stored, clock, options };
}

bucketAcceptance("CachingBucket", async () => ({
  bucket: (await cached()).bucket,
  remove: async () => undefined,
}));

test("CachingBucket reads chunks in subranges and only what is missing", async () => {
  const { bucket, inner, stored } = await cached({ chunk_subrange_size: 10 });
  const data = Uint8Array.from({ length: 95 }, (_, i) => i);
  await inner.upload("01H/chunks/000001", data, {}, never);
  assert.deepEqual(
    await bucket.getRange("01H/chunks/000001", 12, 20, never),
    data.subarray(12, 32),
  );
  assert.deepEqual(await bucket.getRange("01H/chunks/000001", 5, 200, never), data.subarray(5));
  assert.deepEqual(
    inner.requests.map(({ offset, length }) => [offset, length]),
    [
      [10, 30],
      [0, 10],
      [40, 55],
    ],
  );
  assert.ok(stored.has("subrange:01H/chunks/000001:90:95"));
  assert.equal(
    stored.get("attrs:01H/chunks/000001"),
    '{"size":95,"last_modified":"2023-11-14T22:13:20.000Z"}',
  );
});

test("CachingBucket gives any range as the bucket does", async () => {
  const data = Uint8Array.from({ length: 1003 }, (_, i) => i % 251);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat({ max: 1100 }), fc.nat({ max: 1100 })), { maxLength: 12 }),
      fc.integer({ min: 1, max: 400 }),
      async (ranges, size) => {
        const { bucket, inner } = await cached({ chunk_subrange_size: size });
        await inner.upload("b/chunks/000001", data, {}, never);
        for (const [offset, length] of ranges)
          assert.deepEqual(
            await bucket.getRange("b/chunks/000001", offset, length, never),
            data.slice(offset, offset + length),
          );
      },
    ),
    { numRuns: 60 },
  );
});

test("CachingBucket keeps meta files, and that they are missing, for their time", async () => {
  const { bucket, inner, stored, clock } = await cached();
  await inner.upload("01H/meta.json", new TextEncoder().encode("{}"), {}, never);
  await assert.rejects(bucket.get("01H/deletion-mark.json", never), isNotFound);
  assert.equal((await bucket.get("01H/meta.json", never)).length, 2);
  assert.deepEqual(Object.fromEntries(stored), {
    "exists:01H/deletion-mark.json": "false",
    "exists:01H/meta.json": "true",
    "content:01H/meta.json": "{}",
  });
  inner.choose = () => ({ error: new Error("must not be asked") });
  await assert.rejects(bucket.get("01H/deletion-mark.json", never), isNotFound);
  await bucket.get("01H/meta.json", never);
  assert.equal(await bucket.exists("01H/meta.json", never), true);
  inner.choose = () => undefined;
  await inner.upload("01H/deletion-mark.json", new TextEncoder().encode("{}"), {}, never);
  clock.now = 15 * 60_000;
  assert.equal((await bucket.get("01H/deletion-mark.json", never)).length, 2);
});

test("CachingBucket keeps the list of blocks", async () => {
  const { bucket, inner, stored, clock, options } = await cached();
  const names = async (): Promise<string[]> => {
    const found: string[] = [];
    for await (const { name } of bucket.iter("", {}, never)) found.push(name);
    return found;
  };
  await inner.upload("01A/meta.json", new Uint8Array(1), {}, never);
  assert.deepEqual(await names(), ["01A/"]);
  await inner.upload("01B/meta.json", new Uint8Array(1), {}, never);
  assert.deepEqual(await names(), ["01A/"]);
  assert.equal(stored.get(`iter::${options.configHash}`), '["01A/"]');
  clock.now = 5 * 60_000;
  assert.deepEqual(await names(), ["01A/", "01B/"]);
});

test("joinRuns() joins neighbours, and more where there are too many", () => {
  const runs = [0, 1, 4, 9, 10].map((from) => ({ from, to: from + 1 }));
  assert.deepEqual(joinRuns(runs, 3), [
    { from: 0, to: 2 },
    { from: 4, to: 5 },
    { from: 9, to: 11 },
  ]);
  assert.deepEqual(joinRuns(runs, 2), [
    { from: 0, to: 5 },
    { from: 9, to: 11 },
  ]);
});
