// The store as a process: ready, announced, viewed, stopped.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Channel } from "@deucalion/rpc";
import { InfoRequestMessage, type InfoResponse, InfoResponseMessage } from "@deucalion/storeapi";
import { recordedCalls } from "@deucalion/storeapi/testing";

const conformance = fileURLToPath(new URL("../../../../../shared/conformance/", import.meta.url));
const main = fileURLToPath(new URL("../main.js", import.meta.url));

/** A store that does not listen after this long is given up. */
const startMsMax = 60_000;

/** A running store: where it listens, and how it ended. */
interface Running {
  readonly child: ChildProcess;
  readonly http: string;
  readonly grpc: string;
  readonly ended: Promise<number | null>;
  readonly log: () => string;
}

function start(args: string[]): Promise<Running> {
  const child = spawn(
    process.execPath,
    [main, "store", "--http-address=127.0.0.1:0", "--grpc-address=127.0.0.1:0", ...args],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let log = "";
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  return new Promise((resolve, reject) => {
    // One that neither listens nor ends would hold the test for ever.
    const timer = setTimeout(() => child.kill("SIGKILL"), startMsMax);
    child.stderr.on("data", (data: Buffer) => {
      log += data.toString();
      const http = /requests and metrics" address=(\S+)/.exec(log)?.[1];
      const grpc = /serving gRPC" address=(\S+)/.exec(log)?.[1];
      if (http === undefined || grpc === undefined) return;
      clearTimeout(timer);
      resolve({ child, http: `http://${http}`, grpc, ended, log: () => log });
    });
    void ended.then((code) => {
      clearTimeout(timer);
      reject(new Error(`ended with ${code}: ${log}`));
    });
  });
}

async function info(address: string, knowsAnyOf = false): Promise<InfoResponse> {
  const channel = new Channel(address);
  try {
    const request = InfoRequestMessage.encode({ knowsAnyOf });
    return InfoResponseMessage.decode(
      await channel.unary("/thanos.info.Info/Info", request, { timeoutMs: 5000 }),
    );
  } finally {
    channel.close();
  }
}

const skip = existsSync(join(conformance, "blocks/ha/bucket")) ? false : "fixtures are missing";

test("store serves a bucket, shows and marks its blocks, and stops on SIGTERM", {
  skip,
}, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "store-run-"));
  t.after(() => rm(folder, { recursive: true }));
  const bucket = join(folder, "bucket");
  const data = join(folder, "data");
  await cp(join(conformance, "blocks/ha/bucket"), bucket, { recursive: true });
  const config = `{type: FILESYSTEM, config: {directory: ${bucket}}}`;
  const store = await start([`--objstore.config=${config}`, `--data-dir=${data}`]);
  try {
    assert.equal((await fetch(`${store.http}/-/ready`)).status, 200);
    const recorded = recordedCalls("grpc-store").find(({ name }) => name === "info")!;
    const want = InfoResponseMessage.decode(recorded.responses[0]!);
    const got = await info(store.grpc);
    assert.deepEqual(got.labelSets, want.labelSets);
    const byLabels = (response: InfoResponse): InfoResponse => {
      const tsdbInfos = [...response.store!.tsdbInfos].sort((a, b) =>
        a.labels.key < b.labels.key ? -1 : 1,
      );
      return { ...response, store: { ...response.store!, tsdbInfos } };
    };
    assert.deepEqual(byLabels(got), byLabels(want));
    const known = await info(store.grpc, true);
    assert.equal(known.store!.supportsAnyOf, true);
    known.store!.supportsAnyOf = false;
    assert.deepEqual(byLabels(known), byLabels(want));
    const shown = (await (await fetch(`${store.http}/api/v1/blocks?view=loaded`)).json()) as {
      data: { blocks: { ulid: string }[]; err: null };
    };
    const ids = (await readdir(bucket)).sort();
    assert.deepEqual(
      shown.data.blocks.map(({ ulid }) => ulid),
      ids,
    );
    const mark = (id: string, action: string): Promise<Response> =>
      fetch(`${store.http}/api/v1/blocks/mark`, {
        method: "POST",
        body: new URLSearchParams({ id, action, detail: "by hand" }),
      });
    assert.equal((await mark(ids[0]!, "NO_COMPACTION")).status, 204);
    assert.ok((await readdir(join(bucket, ids[0]!))).includes("no-compact-mark.json"));
    for (const [id, action] of [
      ["", "DELETION"],
      ["nope", "DELETION"],
      [ids[0]!, ""],
      [ids[0]!, "EAT"],
    ] as const)
      assert.equal((await mark(id, action)).status, 400);
    const metrics = await (await fetch(`${store.http}/metrics`)).text();
    assert.match(metrics, /^thanos_bucket_store_blocks_loaded 4$/m);
    assert.match(metrics, /^thanos_objstore_bucket_operations_total\{.*operation="get_range"\} /m);
    store.child.kill("SIGTERM");
    assert.equal(await store.ended, 0);
  } finally {
    store.child.kill("SIGKILL");
    await store.ended;
  }
});

test("store answers other gateways of its groupcache, by HTTP/1 and HTTP/2", {
  skip,
}, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "store-peers-"));
  t.after(() => rm(folder, { recursive: true }));
  const bucket = join(conformance, "blocks/ha/bucket");
  const config = `{type: FILESYSTEM, config: {directory: ${bucket}}}`;
  const cache = "{type: GROUPCACHE, config: {self_url: 'http://self:1', groupcache_group: g}}";
  const store = await start([
    `--objstore.config=${config}`,
    `--data-dir=${folder}`,
    `--store.caching-bucket.config=${cache}`,
  ]);
  const session = connect(store.http);
  session.on("error", () => undefined);
  try {
    const meta = `${(await readdir(bucket)).sort()[0]}/meta.json`;
    const want = await readFile(join(bucket, meta), "utf8");
    const path = `/_galaxycache/g/${encodeURIComponent(`content:${meta}`)}`;
    const plain = await fetch(`${store.http}${path}`);
    assert.equal(await plain.text(), want);
    assert.ok(Number(plain.headers.get("x-galaxycache-expire")) > Date.now());
    const stream = session.request({ ":path": path });
    let text = "";
    for await (const part of stream as AsyncIterable<Buffer>) text += part.toString();
    assert.equal(text, want);
    const statuses: number[] = [];
    for (const rest of ["other/x", "g", "g/content:x", "g/content:x%2Fmeta.json"])
      statuses.push((await fetch(`${store.http}/_galaxycache/${rest}`)).status);
    assert.deepEqual(statuses, [404, 400, 500, 404]);
    const metrics = await (await fetch(`${store.http}/metrics`)).text();
    assert.match(metrics, /^thanos_cache_groupcache_items\{cache="MainCache"\} [1-9]/m);
    store.child.kill("SIGTERM");
    assert.equal(await store.ended, 0);
  } finally {
    session.destroy();
    store.child.kill("SIGKILL");
    await store.ended;
  }
});

test("store says what is wrong with its configuration and exits 1", async () => {
  const cases: [string, RegExp][] = [
    ["{type: FLOPPY}", /bucket with type FLOPPY is not supported/],
    ["{type: FILESYSTEM}", /missing directory/],
    ["{type: FILESYSTEM, config: {directory: x}, extra: 1}", /unknown field.*extra/],
    ["}", /create bucket client/],
  ];
  for (const [config, message] of cases)
    await assert.rejects(start([`--objstore.config=${config}`]), (error) => {
      assert.ok(error instanceof Error);
      assert.match(error.message, /ended with 1/);
      assert.match(error.message, message);
      return true;
    });
});
