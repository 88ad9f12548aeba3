// Buckets that fail at random, and processes that end at random: no sample is lost or doubled, nothing is left over.
// DEUCALION_FAULT_RUNS sets how many (12 by default).
import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { silentLog } from "@deucalion/base";
import { FilesystemBucket, ObjstoreError } from "@deucalion/objstore";
import { FaultyBucket } from "@deucalion/objstore/testing";
import { folderBlocks, liveSamples, makeCompactor } from "../testing/compaction.ts";
import { never } from "../testing/conformance.ts";
import {
  hourMs,
  type RandomStream,
  seededRandom,
  writeRandomBucket,
} from "../testing/random-bucket.ts";
import { Leases } from "./bucket/leases.ts";

const runs = Number(process.env.DEUCALION_FAULT_RUNS ?? "12");
const scratch = await mkdtemp(join(tmpdir(), "faults-"));
after(() => rm(scratch, { recursive: true }));

const streams: readonly RandomStream[] = [
  // Becomes one block of two days, which is downsampled.
  { labels: { s: "long" }, hours: [8, 8, 8, 8, 8, 8, 8], series: 4, stepMs: 60_000 },
  { labels: { s: "short" }, hours: [2, 2, 2, 2, 2], series: 6, stepMs: 30_000, overlapping: true },
  // Replicas become one.
  {
    labels: { s: "ha", replica: "a" },
    hours: [2, 2, 2, 2, 2],
    series: 3,
    stepMs: 60_000,
    values: 7,
  },
  {
    labels: { s: "ha", replica: "b" },
    hours: [2, 2, 2, 2, 2],
    series: 3,
    stepMs: 60_000,
    values: 7,
  },
];
const options = { downsampling: true };
const replicas = ["replica"];
const view = { replicaLabels: replicas };
/** Faults and crashes that were injected in all. */
const injected = { faults: 0, crashes: 0 };

function live(folder: string): ReturnType<typeof liveSamples> {
  return liveSamples(folder, () => false, replicas);
}

function ioError(name: string): ObjstoreError {
  return new ObjstoreError("OBJSTORE_IO", `injected fault at ${name}`, { name });
}

/** Rounds over a sound bucket until nothing is left to do. */
async function settle(folder: string, now: () => number = Date.now): Promise<void> {
  for (let round = 0; round < 6; round++) {
    const bucket = new FilesystemBucket(folder);
    const { compactor, close } = await makeCompactor(bucket, options, view, { now });
    const result = await compactor.round(never);
    await close();
    await bucket.close();
    assert.deepEqual(result.failures, []);
    assert.deepEqual(result.setAside, []);
    if (result.compactions + result.downsamplings === 0) return;
  }
  assert.fail("work never ends");
}

/** Everything that must hold once a bucket is settled. */
async function check(folder: string, want: Awaited<ReturnType<typeof liveSamples>>): Promise<void> {
  const got = await live(folder);
  assert.equal(got.repeated, 0, "no sample is there twice");
  assert.deepEqual(got.samples, want.samples);
  const kept = (await folderBlocks(folder)).filter(
    ({ meta, marks }) => meta !== null && !marks.includes("deletion-mark.json"),
  );
  const fiveMinutes = kept.filter(({ meta }) => meta!.thanos.downsample.resolution === 300_000);
  const raw = kept.filter(
    ({ meta }) =>
      meta!.thanos.downsample.resolution === 0 && meta!.maxTime - meta!.minTime >= 40 * hourMs,
  );
  assert.equal(raw.length, 1);
  assert.deepEqual(
    fiveMinutes.map(({ meta }) => meta!.compaction.sources),
    raw.map(({ meta }) => meta!.compaction.sources),
  );
  // A week later nothing is left but what is live.
  const later = (): number => Date.now() + 168 * hourMs;
  await settle(folder, later);
  const names = (await readdir(folder)).filter((name) => /^[0-9A-Z]{26}$/.test(name)).sort();
  assert.deepEqual(
    names,
    kept.map(({ id }) => id),
  );
  assert.deepEqual((await live(folder)).samples, want.samples);
}

for (let seed = 1; seed <= runs; seed++) {
  test(`faults and crashes, seed ${seed}`, async () => {
    const random = seededRandom(seed);
    const folder = join(scratch, String(seed));
    await writeRandomBucket(folder, streams, random);
    const want = await live(folder);
    for (let life = 0; life < 4; life++) {
      const bucket = new FaultyBucket(new FilesystemBucket(folder));
      const crashAfter = random() < 0.5 ? Math.floor(random() * 400) : Number.POSITIVE_INFINITY;
      const rate = random() * 0.04;
      let calls = 0;
      bucket.choose = (operation, name) => {
        calls++;
        const crashed = calls > crashAfter;
        if (!crashed && random() >= rate) return undefined;
        if (!crashed) injected.faults++;
        else if (calls === crashAfter + 1) injected.crashes++;
        return { error: ioError(`${operation} ${name}`) };
      };
      // Every other life splits its merges.
      const split = { partsMax: 1 + 2 * (life % 2), chunksMin: 1, seriesMax: 1000 };
      const { compactor, close } = await makeCompactor(bucket, { ...options, split }, view);
      await compactor.round(never).catch(() => undefined);
      await close();
      await bucket.close();
    }
    await settle(folder);
    await check(folder, want);
    await rm(folder, { recursive: true });
  });
}

test("faults were injected", (t) => {
  t.diagnostic(`${runs} buckets, ${injected.faults} faults, ${injected.crashes} crashes`);
  assert.ok(injected.faults >= 5 * runs && injected.crashes > 0);
});

test("five instances at once make each block once", async () => {
  const random = seededRandom(99);
  const folder = join(scratch, "five");
  await writeRandomBucket(folder, streams, random);
  const want = await live(folder);
  const results = await Promise.all(
    Array.from({ length: 5 }, async (_, n) => {
      const bucket = new FilesystemBucket(folder);
      const leases = new Leases(
        { owner: `instance ${n}`, ttlMs: 60_000 },
        { bucket, now: Date.now, log: silentLog },
      );
      const { compactor, close } = await makeCompactor(bucket, options, view, { leases });
      const made: number[] = [];
      for (let round = 0; round < 4; round++) {
        const result = await compactor.round(never);
        assert.deepEqual(result.failures, []);
        made.push(result.compactions + result.downsamplings);
      }
      await close();
      await bucket.close();
      return made.reduce((sum, count) => sum + count, 0);
    }),
  );
  // Nothing was made twice: as many results as one instance alone makes.
  const blocks = await folderBlocks(folder);
  const keys = blocks
    .filter(({ meta }) => meta!.thanos.source === "compactor")
    .map(({ meta }) => `${meta!.thanos.downsample.resolution} ${meta!.compaction.sources.join()}`);
  assert.equal(new Set(keys).size, keys.length);
  assert.equal(
    results.reduce((sum, count) => sum + count, 0),
    keys.length,
  );
  await settle(folder);
  await check(folder, want);
});

test("a lease that fell silent is taken over, and its owner steps back", async () => {
  const folder = join(scratch, "leases");
  const bucket = new FilesystemBucket(folder);
  let nowMs = 1_000_000;
  const make = (owner: string): Leases =>
    new Leases({ owner, ttlMs: 5000 }, { bucket, now: () => nowMs, log: silentLog });
  const first = await make("first").tryAcquire("g", never);
  assert.ok(first !== undefined);
  assert.equal(await make("second").tryAcquire("g", never), undefined);
  nowMs += 100_000;
  const second = await make("second").tryAcquire("g", never);
  assert.ok(second !== undefined);
  await assert.rejects(first.check(never), /lease of g is lost/);
  await make("third").sweep(never);
  await second.check(never);
  await second.release();
  await first.release();
  assert.deepEqual(await readdir(folder), []);
  await bucket.close();
});
