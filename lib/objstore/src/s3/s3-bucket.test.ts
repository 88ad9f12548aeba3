// S3 and its relatives against a real S3 server.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Bucket } from "../bucket.ts";
import { openBucket, parseBucketConfig } from "../config/bucket-config.ts";
import { bucketAcceptance } from "../testing/bucket-acceptance.ts";
import { type StoreServer, startMoto } from "../testing/store-servers.ts";

const never = new AbortController().signal;
let server: StoreServer;
let made = 0;

before(async () => {
  server = await startMoto();
});
after(() => server.close());

/** moto takes any credentials, but wants to see some. */
const proof = {
  authorization: "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request",
};

async function newBucket(): Promise<string> {
  const bucket = `bucket-${++made}`;
  const answer = await fetch(`${server.url}/${bucket}`, { method: "PUT", headers: proof });
  assert.equal(answer.status, 200);
  return bucket;
}

const host = (): string => server.url.replace("http://", "");

async function open(settings: Record<string, unknown> = {}): Promise<Bucket> {
  const bucket = await newBucket();
  const config = {
    bucket,
    endpoint: host(),
    insecure: true,
    access_key: "test",
    secret_key: "test",
    region: "us-east-1",
    ...settings,
  };
  return openBucket(parseBucketConfig({ type: "S3", config }));
}

const opened =
  (settings: Record<string, unknown> = {}) =>
  async () => ({
    bucket: await open(settings),
    remove: async () => undefined,
  });

bucketAcceptance("S3", opened());
bucketAcceptance("S3, listings of version 1", opened({ list_objects_version: "v1" }));
bucketAcceptance("S3, signature version 2", opened({ signature_version2: true }));

/** Names of the others' settings. */
const others: Record<string, (bucket: string) => Record<string, unknown>> = {
  COS: (bucket) => ({ endpoint: `${server.url}/${bucket}`, secret_id: "a", secret_key: "b" }),
  ALIYUNOSS: (bucket) => ({
    endpoint: server.url,
    bucket,
    access_key_id: "a",
    access_key_secret: "b",
  }),
  BOS: (bucket) => ({ endpoint: server.url, bucket, access_key: "a", secret_key: "b" }),
  OBS: (bucket) => ({ endpoint: server.url, bucket, access_key: "a", secret_key: "b" }),
};
for (const [type, settings] of Object.entries(others)) {
  bucketAcceptance(type, async () => {
    const config = settings(await newBucket());
    return {
      bucket: openBucket(parseBucketConfig({ type, config })),
      remove: async () => undefined,
    };
  });
}

test("S3 sends large objects in parts, and nothing stays of those that fail", async () => {
  const bucket = await open({ part_size: 5 << 20 });
  const folder = await mkdtemp(join(tmpdir(), "s3-parts-"));
  try {
    const data = randomBytes((13 << 20) + 7);
    await writeFile(join(folder, "file"), data);
    await bucket.upload("from/file", { path: join(folder, "file") }, {}, never);
    await bucket.upload("from/bytes", data, {}, never);
    const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
    assert.equal(digest(await bucket.get("from/file", never)), digest(data));
    assert.equal(digest(await bucket.get("from/bytes", never)), digest(data));
    const tail = await bucket.getRange("from/file", 10 << 20, 64 << 20, never);
    assert.equal(digest(tail), digest(data.subarray(10 << 20)));
    const broken = async function* () {
      yield data.subarray(0, 6 << 20);
      throw new Error("source failed");
    };
    await assert.rejects(bucket.upload("broken", broken(), {}, never));
    assert.equal(await bucket.exists("broken", never), false);
    const uploads = await fetch(`${server.url}/${bucket.name}?uploads`, { headers: proof });
    assert.doesNotMatch(await uploads.text(), /<UploadId>/);
  } finally {
    await rm(folder, { recursive: true });
    await bucket.close();
  }
});

test("S3 gives objects their metadata, storage class and encryption", async () => {
  const bucket = await open({
    put_user_metadata: { "X-Amz-Storage-Class": "STANDARD_IA", owner: "metrics" },
    sse_config: { type: "SSE-S3" },
  });
  await bucket.upload("o", new Uint8Array(3), {}, never);
  const answer = await fetch(`${server.url}/${bucket.name}/o`, { method: "HEAD", headers: proof });
  assert.deepEqual(
    ["x-amz-storage-class", "x-amz-meta-owner", "x-amz-server-side-encryption"].map((name) =>
      answer.headers.get(name),
    ),
    ["STANDARD_IA", "metrics", "AES256"],
  );
  await bucket.close();
});

test("S3 lists more than one page, in order", async () => {
  const bucket = await open();
  const names = Array.from({ length: 1203 }, (_, i) => `n/${String(i).padStart(5, "0")}`);
  for (let at = 0; at < names.length; at += 50)
    await Promise.all(
      names.slice(at, at + 50).map((name) => bucket.upload(name, new Uint8Array(1), {}, never)),
    );
  const found: string[] = [];
  for await (const entry of bucket.iter("n", {}, never)) found.push(entry.name);
  assert.deepEqual(found, names);
  await bucket.close();
});

test("settings of S3 are checked", () => {
  const parse = (config: Record<string, unknown>) => () =>
    openBucket(parseBucketConfig({ type: "S3", config }));
  const good = { bucket: "b", endpoint: "localhost:1" };
  const wrong: [Record<string, unknown>, RegExp][] = [
    [{ bucket: "b" }, /no s3 endpoint/],
    [{ ...good, colour: "red" }, /colour is not a known field/],
    [{ ...good, access_key: "a" }, /no s3 secret_key specified while access_key/],
    [{ ...good, secret_key: "a" }, /no s3 access_key specified while secret_key/],
    [{ ...good, aws_sdk_auth: true, access_key: "a", secret_key: "b" }, /mutually exclusive/],
    [{ ...good, list_objects_version: "v3" }, /v3 is not supported/],
    [{ ...good, sse_config: { type: "SSE-KMS" } }, /kms_key_id must be set/],
    [{ ...good, sse_config: { type: "SSE-C" } }, /encryption_key must be set/],
    [{ ...good, sse_config: { type: "X" } }, /X is not supported/],
    [{ ...good, bucket_lookup_type: "dns" }, /dns is not supported/],
    [{ ...good, http_config: { idle_timeout: "1s" } }, /idle_timeout is not a known field/],
    [{ ...good, http_config: { idle_conn_timeout: "soon" } }, /not a duration/],
  ];
  for (const [config, message] of wrong)
    assert.throws(parse(config), { code: "OBJSTORE_CONFIG", message });
});
