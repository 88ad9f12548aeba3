// Five instances at once on one bucket of a store that speaks S3, and which stores can be shared.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { silentLog } from "@deucalion/base";
import { type Bucket, openBucket, parseBucketConfig } from "@deucalion/objstore";
import { startGcsEmulator, startMoto } from "@deucalion/objstore/testing";
import { folderBlocks, liveSamples, makeCompactor } from "../testing/compaction.ts";
import { never } from "../testing/conformance.ts";
import { type RandomStream, seededRandom, writeRandomBucket } from "../testing/random-bucket.ts";
import { createsConditionally } from "./bucket/creates-conditionally.ts";
import { Leases } from "./bucket/leases.ts";

const instances = 5;
const streams: readonly RandomStream[] = [
  { labels: { s: "a" }, hours: [2, 2, 2, 2, 2], series: 2, stepMs: 60_000, overlapping: true },
  { labels: { s: "b" }, hours: [2, 2, 2, 2, 2], series: 2, stepMs: 60_000 },
];

async function uploadFolder(bucket: Bucket, folder: string): Promise<void> {
  for (const name of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!name.isFile()) continue;
    const path = join(name.parentPath, name.name);
    await bucket.upload(path.slice(folder.length + 1), { path }, {}, never);
  }
}

async function downloadFolder(bucket: Bucket, folder: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of bucket.iter("", { recursive: true }, never)) {
    names.push(name);
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), await bucket.get(name, never));
  }
  return names;
}

/** Rounds of one instance until a round in which there was nothing to do for anybody. */
async function work(bucket: Bucket, owner: string): Promise<number> {
  const leases = new Leases({ owner, ttlMs: 60_000 }, { bucket, now: Date.now, log: silentLog });
  const { compactor, close } = await makeCompactor(bucket, {}, {}, { leases });
  let made = 0;
  for (let round = 0, idle = false; !idle && round < 20; round++) {
    const result = await compactor.round(never);
    assert.deepEqual(result.failures, []);
    assert.deepEqual(result.setAside, []);
    const count = result.compactions + result.downsamplings;
    made += count;
    idle = count === 0 && result.leased.length === 0;
  }
  await close();
  return made;
}

async function sharedBucket(open: () => Bucket): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), "shared-"));
  const buckets = Array.from({ length: instances }, open);
  try {
    const before = join(scratch, "before");
    const after = join(scratch, "after");
    await mkdir(before);
    await mkdir(after);
    await writeRandomBucket(before, streams, seededRandom(5));
    assert.equal(await createsConditionally(buckets[0]!, silentLog, never), true);
    await uploadFolder(buckets[0]!, before);
    const made = await Promise.all(buckets.map((bucket, n) => work(bucket, `instance ${n}`)));
    const names = await downloadFolder(buckets[0]!, after);
    assert.deepEqual(
      names.filter((name) => name.startsWith("deucalion")),
      [],
      "no lease is left",
    );
    const results = (await folderBlocks(after)).flatMap(({ meta }) =>
      meta?.thanos.source === "compactor" ? [meta] : [],
    );
    const keys = results.map(
      ({ thanos, compaction }) => `${thanos.downsample.resolution} ${compaction.sources.join()}`,
    );
    assert.equal(new Set(keys).size, keys.length, "no block is made twice");
    assert.ok(keys.length >= 2);
    assert.equal(
      made.reduce((sum, count) => sum + count, 0),
      keys.length,
    );
    const got = await liveSamples(after);
    assert.equal(got.repeated, 0, "no sample is there twice");
    assert.deepEqual(got.samples, (await liveSamples(before)).samples);
  } finally {
    for (const bucket of buckets) await bucket.close();
    await rm(scratch, { recursive: true });
  }
}

test("five instances on one S3 bucket make each block once", async () => {
  const server = await startMoto();
  try {
    const proof = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request";
    const made = await fetch(`${server.url}/shared`, {
      method: "PUT",
      headers: { authorization: proof },
    });
    assert.equal(made.status, 200);
    const config = {
      bucket: "shared",
      endpoint: server.url.replace("http://", ""),
      insecure: true,
      access_key: "test",
      secret_key: "test",
      region: "us-east-1",
    };
    await sharedBucket(() => openBucket(parseBucketConfig({ type: "S3", config })));
  } finally {
    await server.close();
  }
});

test("createsConditionally() sees through an emulator that takes the condition and does not keep it", async () => {
  const server = await startGcsEmulator("shared");
  process.env.STORAGE_EMULATOR_HOST = server.url;
  const bucket = openBucket(parseBucketConfig({ type: "GCS", config: { bucket: "shared" } }));
  try {
    assert.equal(await createsConditionally(bucket, silentLog, never), false);
    for await (const { name } of bucket.iter("", { recursive: true }, never)) assert.fail(name);
  } finally {
    delete process.env.STORAGE_EMULATOR_HOST;
    await bucket.close();
    await server.close();
  }
});
