// OCI before a stand-in that checks its signatures; no real server can be had from a registry.
import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, randomBytes, verify } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { after, before, test } from "node:test";
import { bucketAcceptance } from "../testing/bucket-acceptance.ts";
import { StandInObjects, startStandIn } from "../testing/stand-in-store.ts";
import { OciBucket } from "./oci-bucket.ts";
import { readOciConfig } from "./oci-config.ts";

const never = new AbortController().signal;
const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const buckets = new Map<string, StandInObjects>();
const uploads = new Map<string, Map<number, Buffer>>();
let standIn: { url: string; close: () => void };
let made = 0;

/** Checks the signature as the service does. */
function isSigned(request: IncomingMessage, body: Buffer): boolean {
  const fields = Object.fromEntries(
    [...(request.headers.authorization ?? "").matchAll(/(\w+)="([^"]*)"/g)].map(([, k, v]) => [
      k!,
      v!,
    ]),
  );
  const { headers = "", signature = "", keyId } = fields as Record<string, string>;
  const target = `${request.method!.toLowerCase()} ${request.url}`;
  const text = headers
    .split(" ")
    .map((name) => `${name}: ${name === "(request-target)" ? target : request.headers[name]}`)
    .join("\n");
  const hash = request.headers["x-content-sha256"];
  if (hash !== undefined && hash !== createHash("sha256").update(body).digest("base64"))
    return false;
  return (
    keyId === "tenancy/user/aa:bb" &&
    headers.startsWith("date (request-target) host") &&
    verify("sha256", Buffer.from(text), publicKey, Buffer.from(signature, "base64"))
  );
}

before(async () => {
  standIn = await startStandIn((request, url, body, response) => {
    if (!isSigned(request, body)) return response.writeHead(401).end("NotAuthenticated");
    const [, , namespace, , bucket, kind, ...rest] = url.pathname
      .split("/")
      .map(decodeURIComponent);
    if (namespace === "") return response.end(JSON.stringify("space"));
    const objects = buckets.get(bucket!) ?? new StandInObjects();
    buckets.set(bucket!, objects);
    const name = rest.join("/");
    const params = url.searchParams;
    const uploadId = params.get("uploadId") ?? "";
    const exists = request.headers["if-none-match"] === "*" && objects.all.has(name);
    if (kind === "u") {
      if (request.method === "POST" && uploadId === "") {
        const id = `upload-${uploads.size}`;
        uploads.set(id, new Map());
        return response.end(JSON.stringify({ uploadId: id }));
      }
      const parts = uploads.get(uploadId)!;
      if (request.method === "PUT") {
        const part = Number(params.get("uploadPartNum"));
        parts.set(part, body);
        return response.writeHead(200, { etag: `part-${part}` }).end();
      }
      if (request.method === "DELETE") {
        uploads.delete(uploadId);
        return response.writeHead(204).end();
      }
      if (exists) return response.writeHead(412).end();
      const { partsToCommit } = JSON.parse(body.toString()) as {
        partsToCommit: { partNum: number; etag: string }[];
      };
      objects.put(name, Buffer.concat(partsToCommit.map(({ partNum }) => parts.get(partNum)!)));
      uploads.delete(uploadId);
      return response.writeHead(200).end();
    }
    if (name === "") {
      const entries = objects
        .list(params.get("prefix") ?? "", params.get("delimiter") ?? "", "")
        .filter(
          (entry) => ("folder" in entry ? entry.folder : entry.name) >= (params.get("start") ?? ""),
        );
      const page = entries.slice(0, 3);
      const next = entries[3];
      return response.end(
        JSON.stringify({
          objects: page.flatMap((entry) =>
            "folder" in entry
              ? []
              : [
                  {
                    name: entry.name,
                    size: entry.object.data.length,
                    timeModified: entry.object.modified,
                  },
                ],
          ),
          prefixes: page.flatMap((entry) => ("folder" in entry ? [entry.folder] : [])),
          ...(next === undefined
            ? {}
            : { nextStartWith: "folder" in next ? next.folder : next.name }),
        }),
      );
    }
    if (request.method === "PUT") {
      if (exists) return response.writeHead(412).end();
      const { etag } = objects.put(name, body);
      return response.writeHead(200, { etag }).end();
    }
    if (request.method === "DELETE")
      return response.writeHead(objects.all.delete(name) ? 204 : 404).end();
    return objects.serve(name, request, response);
  });
});
after(() => standIn.close());

const raw = {
  provider: "raw",
  compartment_ocid: "compartment",
  tenancy_ocid: "tenancy",
  user_ocid: "user",
  region: "eu-frankfurt-1",
  fingerprint: "aa:bb",
  privatekey: pem,
};

function open(settings: Record<string, unknown> = {}): OciBucket {
  const config = { ...raw, bucket: `bucket-${++made}`, ...settings };
  return new OciBucket(readOciConfig(config, { OCI_OBJECTSTORAGE_ENDPOINT: standIn.url }));
}

bucketAcceptance("OCI", async () => ({ bucket: open(), remove: async () => undefined }));

test("OCI sends large objects in parts, and nothing stays of those that fail", async () => {
  const bucket = open({ part_size: 1 << 20 });
  const data = randomBytes((3 << 20) + 5);
  await bucket.upload("large", data, {}, never);
  assert.ok(Buffer.from(await bucket.get("large", never)).equals(data));
  const broken = async function* () {
    yield data.subarray(0, 2 << 20);
    throw new Error("source failed");
  };
  await assert.rejects(bucket.upload("broken", broken(), {}, never));
  assert.equal(uploads.size, 0);
  assert.equal(await bucket.exists("broken", never), false);
  await bucket.close();
});

test("settings of OCI are checked", () => {
  const code = { code: "OBJSTORE_CONFIG" };
  assert.throws(() => readOciConfig({ ...raw, bucket: "b", fingerprint: "" }), code);
  assert.throws(() => readOciConfig({ ...raw, bucket: "b", provider: "magic" }), code);
  assert.throws(() => new OciBucket(readOciConfig({ ...raw, bucket: "b", privatekey: "x" })), code);
  const { endpoint } = readOciConfig({ ...raw, bucket: "b" }, {});
  assert.equal(endpoint, "https://objectstorage.eu-frankfurt-1.oraclecloud.com");
});
