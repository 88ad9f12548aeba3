// AZURE against Azurite.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import type { Bucket } from "../bucket.ts";
import { openBucket, parseBucketConfig } from "../config/bucket-config.ts";
import { bucketAcceptance } from "../testing/bucket-acceptance.ts";
import { type StoreServer, startAzurite } from "../testing/store-servers.ts";
import { azureAuthorize } from "./azure-auth.ts";
import { readAzureConfig } from "./azure-config.ts";

const never = new AbortController().signal;
const account = "devstoreaccount1";
/** The key that Azurite's documentation gives. */
const key =
  "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
let server: StoreServer;
let made = 0;

before(async () => {
  server = await startAzurite();
});
after(() => server.close());

function open(): Bucket {
  const connection = `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${key};BlobEndpoint=${server.url}/${account};`;
  const config = {
    storage_account: account,
    storage_connection_string: connection,
    container: `container-${++made}`,
  };
  return openBucket(parseBucketConfig({ type: "AZURE", config }));
}

bucketAcceptance("AZURE", async () => ({ bucket: open(), remove: async () => undefined }));

test("AZURE sends large objects in blocks", async () => {
  const bucket = open();
  const data = randomBytes((37 << 20) + 11);
  await bucket.upload("large", data, {}, never);
  const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
  assert.equal(digest(await bucket.get("large", never)), digest(data));
  await assert.rejects(bucket.upload("large", data, { ifAbsent: true }, never), {
    code: "OBJSTORE_EXISTS",
  });
  await bucket.close();
});

test("settings of AZURE are checked", () => {
  const good = { storage_account: "a", container: "c" };
  const wrong: [Record<string, unknown>, RegExp][] = [
    [{}, /storage_account_name is required.*no container/],
    [{ ...good, client_id: "x" }, /must be set together/],
    [
      { ...good, user_assigned_id: "x", storage_account_key: "y" },
      /user_assigned_id cannot be set/,
    ],
    [{ ...good, storage_account_key: "x", storage_connection_string: "y" }, /cannot both be set/],
    [{ ...good, storage_connection_string: "AccountName=a" }, /neither AccountKey nor/],
    [{ ...good, colour: 1 }, /colour is not a known field/],
    [{ ...good, pipeline_config: { tries: 1 } }, /tries is not a known field/],
  ];
  for (const [config, message] of wrong)
    assert.throws(() => readAzureConfig(config), { code: "OBJSTORE_CONFIG", message });
  const { endpoint, attemptsMax } = readAzureConfig({ ...good, max_retries: 7 });
  assert.deepEqual([endpoint, attemptsMax], ["https://a.blob.core.windows.net", 7]);
});

test("AZURE asks for tokens with a client's secret, and keeps them", async (t) => {
  const asked: { url: string; body: string }[] = [];
  t.mock.method(globalThis, "fetch", async (url: string, init: RequestInit) => {
    asked.push({ url, body: String(init.body) });
    return Response.json({ access_token: "t0ken", expires_in: 3600 });
  });
  const options = readAzureConfig({
    storage_account: "a",
    container: "c",
    az_tenant_id: "tenant",
    client_id: "client",
    client_secret: "secret",
  });
  const authorize = azureAuthorize(options, {});
  const request = { method: "GET", url: new URL("http://x/c"), signal: never } as const;
  for (let i = 0; i < 2; i++)
    assert.equal((await authorize(request)).authorization, "Bearer t0ken");
  assert.deepEqual(asked, [
    {
      url: "https://login.microsoftonline.com/tenant/oauth2/v2.0/token",
      body: "grant_type=client_credentials&scope=https%3A%2F%2Fstorage.azure.com%2F.default&client_id=client&client_secret=secret",
    },
  ]);
});
