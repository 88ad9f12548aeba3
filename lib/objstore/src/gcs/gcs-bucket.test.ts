// GCS against an emulator.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { bucketAcceptance } from "../testing/bucket-acceptance.ts";
import { type StoreServer, startGcsEmulator } from "../testing/store-servers.ts";
import { prefixedBucket } from "../wrap/prefixed-bucket.ts";
import { GcsBucket } from "./gcs-bucket.ts";
import { readGcsConfig } from "./gcs-config.ts";

const never = new AbortController().signal;
let server: StoreServer;
let made = 0;

before(async () => {
  server = await startGcsEmulator("metrics");
});
after(() => server.close());

function open(settings: Record<string, unknown> = {}): GcsBucket {
  const env = { STORAGE_EMULATOR_HOST: server.url };
  return new GcsBucket(readGcsConfig({ bucket: "metrics", ...settings }, env));
}

bucketAcceptance("GCS", async () => ({
  bucket: prefixedBucket(open(), `folder-${++made}`),
  remove: async () => undefined,
}));

test("GCS sends large objects in chunks", async () => {
  const bucket = open({ chunk_size_bytes: 1 << 20 });
  const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
  for (const bytes of [1 << 20, (3 << 20) + 11, 4 << 20]) {
    const data = randomBytes(bytes);
    await bucket.upload("large", data, {}, never);
    assert.equal(digest(await bucket.get("large", never)), digest(data), `${bytes} bytes`);
  }
  await bucket.close();
});

test("settings of GCS are checked", () => {
  assert.throws(() => readGcsConfig({}, {}), {
    code: "OBJSTORE_CONFIG",
    message: /bucket is required/,
  });
  assert.throws(() => readGcsConfig({ bucket: "b", colour: 1 }, {}), /colour is not a known field/);
  assert.throws(() => new GcsBucket(readGcsConfig({ bucket: "b", service_account: "{" }, {})), {
    code: "OBJSTORE_CONFIG",
    message: "service_account is not JSON",
  });
  const { endpoint, chunkBytes } = readGcsConfig({ bucket: "b", chunk_size_bytes: 300_000 }, {});
  assert.deepEqual([endpoint, chunkBytes], ["https://storage.googleapis.com", 512 << 10]);
});
