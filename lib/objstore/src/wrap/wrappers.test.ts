// What wrappers add: settings that change, second requests for slow reads, spans.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { silentLog } from "@deucalion/base";
import type { Bucket } from "../bucket.ts";
import { openBucket, parseBucketConfig } from "../config/bucket-config.ts";
import { credentialFiles, filesStamp } from "../config/credential-files.ts";
import { ObjstoreError } from "../errors.ts";
import { bucketAcceptance } from "../testing/bucket-acceptance.ts";
import { FaultyBucket } from "../testing/faulty-bucket.ts";
import { MemoryBucket } from "../testing/memory-bucket.ts";
import { hedgedBucket, hedgingDefaults } from "./hedged-bucket.ts";
import { ReloadingBucket } from "./reloading-bucket.ts";
import { type BucketSpanName, tracedBucket } from "./traced-bucket.ts";

const { signal } = new AbortController();
const remove = async (): Promise<void> => undefined;
const always = { checkMs: 60_000 };

bucketAcceptance("ReloadingBucket", async () => {
  const open = () => new MemoryBucket();
  return { bucket: new ReloadingBucket({ open, stamp: () => "", log: silentLog }), remove };
});
bucketAcceptance("hedgedBucket", async () => ({
  bucket: hedgedBucket(new MemoryBucket(), hedgingDefaults, () => performance.now()),
  remove,
}));
bucketAcceptance("tracedBucket", async () => ({
  bucket: tracedBucket(new MemoryBucket(), () => () => undefined),
  remove,
}));

/** A bucket whose key can be changed; calls with an old key are refused. */
class KeyedStore {
  readonly objects = new MemoryBucket();
  key = "first";
  closed: string[] = [];

  open(key: string): Bucket {
    const bucket = new FaultyBucket(this.objects, () =>
      key === this.key ? undefined : { error: new ObjstoreError("OBJSTORE_IO", "403") },
    );
    bucket.close = async () => void this.closed.push(key);
    return bucket;
  }
}

test("ReloadingBucket: keys can be rotated under load without an error", async () => {
  const store = new KeyedStore();
  let configured = "first";
  const changes: boolean[] = [];
  const bucket = new ReloadingBucket(
    {
      open: () => store.open(configured),
      stamp: () => configured,
      log: silentLog,
      reloaded: (ok) => changes.push(ok),
    },
    always,
  );
  await bucket.upload("o", Buffer.from("data"), {}, signal);
  let done = false;
  let calls = 0;
  const load = async (): Promise<void> => {
    while (!done) {
      assert.equal(Buffer.from(await bucket.get("o", signal)).toString(), "data");
      for await (const { name } of bucket.iter("", {}, signal)) assert.equal(name, "o");
      assert.equal(await bucket.exists("none", signal), false);
      calls += 3;
      await pause(0);
    }
  };
  const running = [load(), load(), load()];
  const keys = ["first"];
  for (let i = 0; i < 20; i++) {
    // The old key is refused at once; nobody has looked at the configuration yet.
    configured = store.key = `key ${i}`;
    keys.push(configured);
    await pause(2);
  }
  done = true;
  await Promise.all(running);
  await bucket.close();
  assert.ok(calls > 60);
  assert.deepEqual(store.closed, keys);
  assert.ok(changes.every((ok) => ok));
});

test("ReloadingBucket: settings that are wrong leave the old ones in force", async () => {
  const objects = new MemoryBucket();
  await objects.upload("o", Buffer.from("data"), {}, signal);
  let stamp = "1";
  const other = new FaultyBucket(objects);
  Object.defineProperty(other, "name", { value: "other" });
  const opens: (() => Bucket)[] = [
    () => new FaultyBucket(objects),
    () => {
      throw new Error("not YAML");
    },
    () => other,
  ];
  const told: boolean[] = [];
  const open = (): Bucket => opens.shift()!();
  const reloaded = (ok: boolean): void => void told.push(ok);
  const bucket = new ReloadingBucket(
    { open, stamp: () => stamp, log: silentLog, reloaded },
    always,
  );
  for (stamp of ["2", "3"]) assert.equal(bucket.check(), false);
  assert.deepEqual(told, [false, false]);
  assert.equal((await bucket.get("o", signal)).length, 4);
  await bucket.close();
});

test("a shared credentials file of S3 that changes is read again", async () => {
  const folder = await mkdtemp(join(tmpdir(), "objstore-keys-"));
  const file = join(folder, "credentials");
  const write = (id: string) =>
    writeFile(file, `[default]\naws_access_key_id=${id}\naws_secret_access_key=secret-${id}\n`);
  let accepted = "KEYONE";
  const server = createServer((request, response) => {
    const id = /Credential=([^/]+)\//.exec(request.headers.authorization ?? "")?.[1];
    const ok = id === accepted;
    const body = ok ? accepted : "";
    response.writeHead(ok ? 200 : 403, { "content-length": body.length }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const before = { ...process.env };
  process.env.AWS_SHARED_CREDENTIALS_FILE = file;
  process.env.AWS_CONFIG_FILE = join(folder, "config");
  delete process.env.AWS_ACCESS_KEY_ID;
  delete process.env.AWS_SECRET_ACCESS_KEY;
  const { port } = server.address() as AddressInfo;
  const config = parseBucketConfig({
    type: "S3",
    config: { bucket: "b", endpoint: `127.0.0.1:${port}`, insecure: true, region: "r" },
  });
  try {
    await write("KEYONE");
    const bucket = new ReloadingBucket(
      {
        open: () => openBucket(config),
        stamp: () => filesStamp(credentialFiles(config)),
        log: silentLog,
      },
      always,
    );
    const get = async () => Buffer.from(await bucket.get("o", signal)).toString();
    assert.equal(await get(), "KEYONE");
    await write("KEYTWO");
    accepted = "KEYTWO";
    assert.equal(await get(), "KEYTWO");
    await bucket.close();
  } finally {
    process.env = before;
    server.close();
    await rm(folder, { recursive: true });
  }
});

test("credentialFiles() names what each type reads keys from", () => {
  const files = (document: unknown, env = {}) =>
    credentialFiles(parseBucketConfig(document), env, "/h");
  assert.deepEqual(files({ type: "FILESYSTEM" }), []);
  assert.deepEqual(files({ type: "S3", config: { access_key: "a" } }), []);
  assert.deepEqual(
    files({ type: "S3", config: { access_key: "a", sse_config: { encryption_key: "/k" } } }),
    ["/k"],
  );
  assert.deepEqual(files({ type: "S3" }, { AWS_CONFIG_FILE: "/c" }), ["/h/.aws/credentials", "/c"]);
  assert.deepEqual(files({ type: "GCS" }, { GOOGLE_APPLICATION_CREDENTIALS: "/g" }), ["/g"]);
  assert.deepEqual(files({ type: "GCS", config: { service_account: "{}" } }), []);
  assert.deepEqual(files({ type: "OCI" }), ["/h/.oci/config"]);
});

test("hedgedBucket() asks again for what is slow, takes the first answer and stops the other", async () => {
  const objects = new MemoryBucket();
  await objects.upload("o", Buffer.alloc(100), {}, signal);
  const slow = new Set<number>();
  let asked = 0;
  let aborted = 0;
  const inner = new FaultyBucket(objects);
  inner.getRange = async (name, offset, length, one) => {
    const number = asked++;
    one.addEventListener("abort", () => aborted++);
    if (slow.has(number)) await pause(5000, undefined, { signal: one });
    return objects.getRange(name, offset, length, one);
  };
  let hedged = 0;
  const bucket = hedgedBucket(
    inner,
    hedgingDefaults,
    () => performance.now(),
    () => hedged++,
  );
  for (let i = 0; i < 20; i++) await bucket.getRange("o", 0, 10, signal);
  hedged = 0;
  aborted = 0;
  slow.add(asked);
  slow.add(asked + 1);
  const begun = performance.now();
  assert.equal((await bucket.getRange("o", 0, 10, signal)).length, 10);
  assert.ok(performance.now() - begun < 2000);
  assert.equal(hedged, 2, "two were slow, the third answered");
  assert.equal(aborted, 3);
});

test("hedgedBucket() does not ask much more of a store that is slow for all", async () => {
  const objects = new MemoryBucket();
  await objects.upload("o", Buffer.alloc(100), {}, signal);
  let delayMs = 0;
  const inner = new FaultyBucket(objects, () => ({ delayMs }));
  let hedged = 0;
  const bucket = hedgedBucket(
    inner,
    { upTo: 3, quantile: 0.5 },
    () => performance.now(),
    () => {
      hedged++;
    },
  );
  const reads = (n: number) =>
    Promise.all(Array.from({ length: n }, () => bucket.getRange("o", 0, 10, signal)));
  await reads(20);
  delayMs = 30;
  await reads(100);
  assert.ok(hedged <= 20 + 120 * 0.2, `${hedged} second requests`);
});

test("hedgedBucket() fails when all requests did, and when its caller gives up", async () => {
  const objects = new MemoryBucket();
  const inner = new FaultyBucket(objects, () => ({ error: new Error("broken") }));
  const bucket = hedgedBucket(inner, hedgingDefaults, () => performance.now());
  await assert.rejects(bucket.get("o", signal), /broken/);
  inner.choose = () => ({ delayMs: 60_000 });
  await assert.rejects(bucket.get("o", AbortSignal.timeout(5)), { name: "TimeoutError" });
});

test("hedging_config is read, and off by default", () => {
  const read = (hedging_config?: unknown) =>
    parseBucketConfig({ type: "FILESYSTEM", hedging_config }).hedging;
  assert.equal(read(), undefined);
  assert.equal(read({ up_to: 2 }), undefined);
  assert.deepEqual(read({ enabled: true }), { upTo: 3, quantile: 0.9 });
  assert.deepEqual(read({ enabled: true, up_to: 2, quantile: 0.99 }), { upTo: 2, quantile: 0.99 });
  assert.throws(() => read({ enabled: true, quantile: 1 }), /quantile/);
  assert.throws(() => read({ on: true }), /on is not a known field/);
});

test("tracedBucket() tells each call and how it ended", async () => {
  const spans: [BucketSpanName, object, string][] = [];
  const bucket = tracedBucket(new MemoryBucket(), (name, tags) => (error) => {
    spans.push([name, tags, error instanceof ObjstoreError ? error.code : String(error)]);
  });
  await bucket.upload("f/o", Buffer.from("data"), {}, signal);
  await bucket.getRange("f/o", 1, 2, signal);
  for await (const _ of bucket.stream("f/o", signal)) break;
  for await (const _ of bucket.iter("f", {}, signal)) void _;
  await assert.rejects(bucket.attributes("none", signal));
  await bucket.delete("f/o", signal);
  assert.deepEqual(spans, [
    ["bucket_upload", { name: "f/o" }, "undefined"],
    ["bucket_getrange", { name: "f/o", offset: 1, length: 2 }, "undefined"],
    ["bucket_get", { name: "f/o" }, "undefined"],
    ["bucket_iter", { dir: "f" }, "undefined"],
    ["bucket_attributes", { name: "none" }, "OBJSTORE_NOT_FOUND"],
    ["bucket_delete", { name: "f/o" }, "undefined"],
  ]);
});
