// SWIFT before a stand-in that answers as its documentation says; no real server can be had from a registry.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { bucketAcceptance } from "../testing/bucket-acceptance.ts";
import { StandInObjects, startStandIn } from "../testing/stand-in-store.ts";
import { SwiftBucket } from "./swift-bucket.ts";
import { readSwiftConfig } from "./swift-config.ts";

const never = new AbortController().signal;
const containers = new Map<string, StandInObjects>();
let standIn: { url: string; close: () => void };
let made = 0;
let tokens = 0;
const logins: unknown[] = [];

before(async () => {
  standIn = await startStandIn((request, url, body, response) => {
    if (url.pathname === "/v3/auth/tokens") {
      logins.push(JSON.parse(body.toString()));
      const endpoints = [
        { interface: "internal", region: "one", url: "http://nowhere" },
        { interface: "public", region: "two", url: `${standIn.url}/v1/account` },
      ];
      response.writeHead(201, { "x-subject-token": `token-${++tokens}` });
      return response.end(
        JSON.stringify({ token: { catalog: [{ type: "object-store", endpoints }] } }),
      );
    }
    if (url.pathname === "/auth/v1.0") {
      const ok =
        request.headers["x-auth-user"] === "me" && request.headers["x-auth-key"] === "secret";
      if (!ok) return response.writeHead(401).end();
      const headers = {
        "x-auth-token": `token-${++tokens}`,
        "x-storage-url": `${standIn.url}/v1/account`,
      };
      return response.writeHead(200, headers).end();
    }
    if (request.headers["x-auth-token"] !== `token-${tokens}`) return response.writeHead(401).end();
    const [, , , container, ...rest] = url.pathname.split("/").map(decodeURIComponent);
    const name = rest.join("/");
    const objects = containers.get(container!) ?? new StandInObjects();
    containers.set(container!, objects);
    const params = url.searchParams;
    if (name === "") {
      const entries = objects.list(
        params.get("prefix") ?? "",
        params.get("delimiter") ?? "",
        params.get("marker") ?? "",
      );
      const json = entries.map((entry) =>
        "folder" in entry
          ? { subdir: entry.folder }
          : {
              name: entry.name,
              bytes: entry.object.data.length,
              last_modified: entry.object.modified.toISOString().replace("Z", ""),
            },
      );
      return response.end(JSON.stringify(json));
    }
    if (request.method === "PUT") {
      if (params.get("multipart-manifest") === "put") {
        const list = JSON.parse(body.toString()) as {
          path: string;
          etag: string;
          size_bytes: number;
        }[];
        const parts = list.map(({ path, etag, size_bytes: size }) => {
          const [, from, ...segment] = path.split("/");
          const part = containers.get(from!)!.all.get(segment.join("/"))!;
          assert.deepEqual([part.etag, part.data.length], [etag, size]);
          return part.data;
        });
        const about = { "x-static-large-object": "True" };
        objects.put(name, Buffer.concat(parts), about);
        return response.writeHead(201).end();
      }
      const etag = createHash("md5").update(body).digest("hex");
      if ((request.headers.etag ?? etag) !== etag) return response.writeHead(422).end();
      objects.put(name, body);
      return response.writeHead(201, { etag }).end();
    }
    if (request.method === "DELETE") {
      const there = objects.all.delete(name);
      if (params.get("multipart-manifest") === "delete")
        for (const segment of [...objects.all.keys()])
          if (segment.startsWith(`segments/${name}/`)) objects.all.delete(segment);
      return response.writeHead(there ? 204 : 404).end();
    }
    return objects.serve(name, request, response);
  });
});
after(() => standIn.close());

function open(settings: Record<string, unknown> = {}): SwiftBucket {
  const config = {
    auth_url: `${standIn.url}/v3`,
    username: "me",
    password: "secret",
    user_domain_name: "Default",
    project_name: "metrics",
    project_domain_name: "Default",
    region_name: "two",
    container_name: `container-${++made}`,
    ...settings,
  };
  return new SwiftBucket(readSwiftConfig(config));
}

bucketAcceptance("SWIFT", async () => ({ bucket: open(), remove: async () => undefined }));

test("SWIFT logs in with a user of a project, and again when the token has ended", async () => {
  logins.length = 0;
  const bucket = open();
  await bucket.upload("o", new Uint8Array(1), {}, never);
  const Default = { name: "Default" };
  assert.deepEqual(logins, [
    {
      auth: {
        identity: {
          methods: ["password"],
          password: { user: { name: "me", domain: Default, password: "secret" } },
        },
        scope: { project: { name: "metrics", domain: Default } },
      },
    },
  ]);
  tokens++;
  assert.equal(await bucket.exists("o", never), true);
  assert.equal(logins.length, 2);
  await bucket.close();
});

test("SWIFT logs in by its first version too", async () => {
  const bucket = open({ auth_url: `${standIn.url}/auth/v1.0` });
  await bucket.upload("o", new Uint8Array(7), {}, never);
  assert.equal((await bucket.attributes("o", never)).size, 7);
  await bucket.close();
});

test("SWIFT sends large objects in segments, which nobody sees, and deletes them together", async () => {
  const bucket = open({ large_object_chunk_size: 1 << 20 });
  const data = randomBytes((3 << 20) + 5);
  await bucket.upload("large", data, {}, never);
  assert.ok(Buffer.from(await bucket.get("large", never)).equals(data));
  const names: string[] = [];
  for await (const { name } of bucket.iter("", { recursive: true }, never)) names.push(name);
  assert.deepEqual(names, ["large"]);
  assert.equal(containers.get(bucket.name)!.all.size, 5);
  await bucket.delete("large", never);
  assert.equal(containers.get(bucket.name)!.all.size, 0);
  const broken = async function* () {
    yield data.subarray(0, 2 << 20);
    throw new Error("source failed");
  };
  await assert.rejects(bucket.upload("broken", broken(), {}, never));
  assert.equal(containers.get(bucket.name)!.all.size, 0);
  await bucket.close();
});
