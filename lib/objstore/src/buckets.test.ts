// The acceptance suite over every bucket and wrapper of this package, and the wrappers' own behaviour.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openBucket, parseBucketConfig } from "./config/bucket-config.ts";
import { ObjstoreError } from "./errors.ts";
import { FilesystemBucket } from "./filesystem/filesystem-bucket.ts";
import { bucketAcceptance } from "./testing/bucket-acceptance.ts";
import { FaultyBucket } from "./testing/faulty-bucket.ts";
import { MemoryBucket } from "./testing/memory-bucket.ts";
import { type BucketMetrics, meteredBucket } from "./wrap/metered-bucket.ts";
import { prefixedBucket } from "./wrap/prefixed-bucket.ts";

const never = new AbortController().signal;
const quiet: BucketMetrics = {
  operation: () => undefined,
  failure: () => undefined,
  transferred: () => undefined,
  duration: () => undefined,
  uploaded: () => undefined,
};

async function inFolder(): Promise<{ bucket: FilesystemBucket; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "objstore-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  return { bucket: new FilesystemBucket(join(folder, "bucket")), remove };
}
const inMemory = async () => ({ bucket: new MemoryBucket(), remove: async () => undefined });

bucketAcceptance("FilesystemBucket", inFolder);
bucketAcceptance("MemoryBucket", inMemory);
bucketAcceptance("prefixedBucket", async () => {
  const { bucket, remove } = await inFolder();
  return { bucket: prefixedBucket(bucket, "/some/prefix/"), remove };
});
bucketAcceptance("meteredBucket", async () => {
  const { bucket, remove } = await inMemory();
  return { bucket: meteredBucket(bucket, quiet, Date.now), remove };
});
bucketAcceptance("FaultyBucket", async () => {
  const { bucket, remove } = await inMemory();
  return { bucket: new FaultyBucket(bucket), remove };
});

test("meteredBucket() counts operations, failures and bytes, but not missing objects", async () => {
  const seen: string[] = [];
  const inner = new FaultyBucket(new MemoryBucket(), (_, name) =>
    name === "bad" ? { error: new Error("broken") } : undefined,
  );
  const bucket = meteredBucket(
    inner,
    {
      operation: (op) => seen.push(op),
      failure: (op) => seen.push(`${op} failed`),
      transferred: (op, n) => seen.push(`${op} ${n} B`),
      duration: () => undefined,
      uploaded: () => seen.push("uploaded"),
    },
    () => 0,
  );
  await bucket.upload("o", new Uint8Array(10), {}, never);
  await bucket.getRange("o", 0, 4, never);
  await assert.rejects(bucket.get("none", never));
  await assert.rejects(bucket.get("bad", never));
  assert.deepEqual(seen, [
    "upload",
    "upload 10 B",
    "uploaded",
    "get_range",
    "get_range 4 B",
    "get",
    "get",
    "get failed",
  ]);
});

test("FaultyBucket delays, cuts and corrupts", async () => {
  const bucket = new FaultyBucket(new MemoryBucket());
  await bucket.upload("o", new Uint8Array(10), {}, never);
  bucket.choose = () => ({ truncateAt: 3 });
  await assert.rejects(bucket.get("o", never), { code: "OBJSTORE_TRUNCATED" });
  bucket.choose = () => ({ corrupt: (data) => data.fill(7) });
  assert.equal((await bucket.getRange("o", 0, 2, never))[0], 7);
  bucket.choose = () => ({ delayMs: 60_000 });
  await assert.rejects(bucket.get("o", AbortSignal.timeout(5)), { name: "TimeoutError" });
});

test("FaultyBucket fails, cuts and hides in listings and streams", async () => {
  const bucket = new FaultyBucket(new MemoryBucket());
  for (const name of ["a", "b"]) await bucket.upload(name, new Uint8Array(10), {}, never);
  const listed = async (): Promise<string[]> => {
    const names: string[] = [];
    for await (const { name } of bucket.iter("", {}, never)) names.push(name);
    return names;
  };
  bucket.choose = (operation) => (operation === "iter" ? { hides: (n) => n === "a" } : undefined);
  assert.deepEqual(await listed(), ["b"]);
  bucket.choose = () => ({ truncateAt: 3 });
  let got = 0;
  const read = async (): Promise<void> => {
    for await (const piece of bucket.stream("a", never)) got += piece.length;
  };
  await assert.rejects(read(), { code: "OBJSTORE_TRUNCATED" });
  assert.equal(got, 3);
  bucket.choose = () => ({ error: new Error("broken") });
  await assert.rejects(listed(), /broken/);
  await assert.rejects(bucket.attributes("a", never), /broken/);
  await assert.rejects(bucket.delete("a", never), /broken/);
});

test("parseBucketConfig() is strict and knows all types", () => {
  const parse = (document: unknown) => () => parseBucketConfig(document);
  const code = { code: "OBJSTORE_CONFIG" };
  assert.throws(parse(null), code);
  assert.throws(parse({}), code);
  assert.throws(parse({ type: "FILESYSTEM", directory: "x" }), { ...code, message: /directory/ });
  assert.throws(parse({ type: "FLOPPY" }), { message: "bucket with type FLOPPY is not supported" });
  assert.throws(parse({ type: "filesystem", config: [] }), code);
  assert.throws(() => openBucket(parseBucketConfig({ type: "filesystem" })), code);
  assert.throws(() => openBucket(parseBucketConfig({ type: "s3", config: {} })), code);
  const bucket = openBucket(
    parseBucketConfig({ type: "filesystem", config: { directory: "x" }, prefix: "//" }),
  );
  assert.match(bucket.name, /^fs: /);
  assert.ok(new ObjstoreError("OBJSTORE_IO", "x") instanceof Error);
});
