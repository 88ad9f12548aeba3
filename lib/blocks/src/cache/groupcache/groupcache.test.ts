// A ring of gateways that share their caches: who is asked, how, and what happens when one is away.
import assert from "node:assert/strict";
import { createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { silentLog } from "@deucalion/base";
import { loadXxhash64 } from "@deucalion/kernels";
import { MemoryBucket } from "@deucalion/objstore/testing";
import { silentCacheEvents } from "../cache-client.ts";
import { CacheFields } from "../cache-config.ts";
import { CachingBucket, type CachingBucketEvents } from "../caching-bucket.ts";
import { readCachingBucketConfig } from "../caching-bucket-config.ts";
import { CachePeer, expireHeader } from "./cache-peer.ts";
import { Groupcache } from "./groupcache.ts";
import { readGroupcache } from "./groupcache-config.ts";
import { PeerRing } from "./peer-ring.ts";

const never = new AbortController().signal;
const quiet: CachingBucketEvents = {
  request: () => undefined,
  hit: () => undefined,
  requestedBytes: () => undefined,
  fetchedBytes: () => undefined,
};

test("PeerRing gives keys to peers as Thanos does", () => {
  const [a, b, c] = [1, 2, 3].map((n) => `http://10.0.0.${n}:10902`) as [string, string, string];
  const block = "01M837A8T8B6659D2080AG3F5E";
  const ring = new PeerRing([a, b, c]);
  const keys = [
    "iter::1",
    `content:${block}/meta.json`,
    `exists:${block}/deletion-mark.json`,
    `attrs:${block}/chunks/000001`,
    `subrange:${block}/chunks/000001:0:16000`,
    `subrange:${block}/chunks/000001:16000:32000`,
  ];
  assert.deepEqual(
    keys.map((key) => ring.owner(key)),
    [b, b, a, a, b, a],
  );
  assert.equal(new PeerRing([]).owner("x"), undefined);
});

/** A bucket that notes what is read from it. */
class Noted extends MemoryBucket {
  readonly asked: string[] = [];

  override async get(name: string, signal: AbortSignal): Promise<Uint8Array> {
    this.asked.push(`get ${name}`);
    return super.get(name, signal);
  }
  override async getRange(
    name: string,
    offset: number,
    length: number,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    this.asked.push(`getRange ${name} ${offset} ${length}`);
    return super.getRange(name, offset, length, signal);
  }
}

interface Gateway {
  readonly url: string;
  readonly server: Http2Server;
  readonly sessions: Set<ServerHttp2Session>;
  readonly paths: string[];
  cache: Groupcache | undefined;
}

async function listen(): Promise<Gateway> {
  const server = createServer();
  const paths: string[] = [];
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => sessions.add(session));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const gateway: Gateway = { url, server, sessions, paths, cache: undefined };
  server.on("stream", (stream, headers) => {
    const path = String(headers[":path"]);
    paths.push(path);
    const key = decodeURIComponent(path.split("/").at(-1)!);
    gateway.cache!.answer(key).then(
      ({ value, untilMs }) => {
        stream.respond({ ":status": 200, [expireHeader]: String(untilMs) });
        stream.end(value);
      },
      () => {
        stream.respond({ ":status": 500 });
        stream.end();
      },
    );
  });
  return gateway;
}

function stop({ server, sessions }: Gateway): Promise<void> {
  for (const session of sessions) session.destroy();
  return new Promise((resolve) => server.close(() => resolve()));
}

/** Gateways in one ring before one bucket. */
async function ring(count: number, bucket: Noted) {
  const gateways = await Promise.all(Array.from({ length: count }, listen));
  const peers = gateways.map(({ url }) => url);
  const hash = await loadXxhash64();
  const buckets = gateways.map((gateway) => {
    const document = {
      type: "GROUPCACHE",
      // The test fails by its own limit, not by this one, on a machine that is busy.
      config: { self_url: gateway.url, peers, groupcache_group: "a b", timeout: "60s" },
      chunk_subrange_size: 10,
    };
    const { backend, options } = readCachingBucketConfig(document, { text: "", path: "" }, hash);
    assert.equal(backend.type, "GROUPCACHE");
    const cache = new Groupcache(backend.options as Groupcache["options"], {
      bucket,
      caching: options,
      log: silentLog,
      events: silentCacheEvents,
      now: Date.now,
      resolve: async (addresses) => addresses,
    });
    gateway.cache = cache;
    return new CachingBucket(bucket, options, { cache, events: quiet, now: Date.now });
  });
  const close = async (): Promise<void> => {
    for (const { cache } of gateways) await cache?.close();
    await Promise.all(gateways.map(stop));
  };
  return { gateways, buckets, close };
}

test("gateways of a ring read each object once, and do without those that are away", async () => {
  const bucket = new Noted(() => 1_700_000_000_000);
  const names = Array.from({ length: 60 }, (_, i) => `01H${i}/meta.json`);
  for (const name of names) await bucket.upload(name, Buffer.from(`{"of":"${name}"}`), {}, never);
  const chunk = Uint8Array.from({ length: 95 }, (_, i) => i);
  await bucket.upload("01H/chunks/000001", chunk, {}, never);
  const { gateways, buckets, close } = await ring(3, bucket);
  const [first, second, third] = buckets as [CachingBucket, CachingBucket, CachingBucket];
  try {
    for (const one of [first, second, third])
      for (const name of names)
        assert.equal(Buffer.from(await one.get(name, never)).toString(), `{"of":"${name}"}`);
    const reads = bucket.asked.filter((call) => call.startsWith("get "));
    assert.deepEqual(reads.sort(), names.map((name) => `get ${name}`).sort());
    const asked = gateways.flatMap(({ paths }) => paths);
    assert.ok(asked.some((path) => path === "/_galaxycache/a%20b/content:01H7%2Fmeta.json"));
    bucket.asked.length = 0;
    for (const one of [first, second, third]) {
      const part = await one.getRange("01H/chunks/000001", 5, 80, never);
      assert.deepEqual([...part], [...chunk.subarray(5, 85)]);
    }
    // Nine parts of ten bytes, each read once, some of them together.
    const bytes = bucket.asked.map((call) => Number(call.split(" ").at(-1)));
    assert.equal(
      bytes.reduce((sum, one) => sum + one, 0),
      90,
    );
    // What is not there is told without a peer's help.
    await assert.rejects(first.get("01H/meta.json", never), { code: "OBJSTORE_NOT_FOUND" });
    await stop(gateways[1]!);
    for (let i = 0; i < 60; i++)
      await bucket.upload(`02H${i}/meta.json`, Buffer.from(String(i)), {}, never);
    for (let i = 0; i < 60; i++)
      assert.equal(Buffer.from(await first.get(`02H${i}/meta.json`, never)).toString(), String(i));
    assert.ok(gateways[0]!.cache!.stats.peerLoadErrors > 0);
  } finally {
    await close();
  }
});

test("Groupcache.answer() reads nothing but what a caching bucket asks for", async () => {
  const bucket = new Noted(() => 1_700_000_000_000);
  await bucket.upload("01H/meta.json", Buffer.from("{}"), {}, never);
  await bucket.upload("01H/index", Buffer.from("index"), {}, never);
  await bucket.upload("01H/chunks/000001", Buffer.from("chunk"), {}, never);
  const { gateways, close } = await ring(1, bucket);
  const cache = gateways[0]!.cache!;
  const answer = async (key: string): Promise<string> =>
    Buffer.from((await cache.answer(key)).value).toString();
  try {
    assert.equal(await answer("content:01H/meta.json"), "{}");
    assert.equal(await answer("exists:01H/meta.json"), "true");
    assert.equal(await answer("exists:01H/deletion-mark.json"), "false");
    assert.equal(await answer("subrange:01H/chunks/000001:1:4"), "hun");
    assert.equal(await answer("iter::77"), '["01H/"]');
    assert.deepEqual(JSON.parse(await answer("attrs:01H/chunks/000001")), {
      size: 5,
      last_modified: "2023-11-14T22:13:20.000Z",
    });
    for (const key of [
      "",
      "content",
      "content:01H/index",
      "content:01H/meta.json:1",
      "exists:01H/index",
      "attrs:01H/index",
      "subrange:01H/index:0:2",
      "subrange:01H/chunks/000001:2:2",
      "subrange:01H/chunks/000001:0:99999999999",
      "subrange:01H/chunks/000001:-1:2",
      "subrange:01H/chunks/000001:0:9",
      "iter:01H:7",
      "eat:01H/meta.json",
    ])
      await assert.rejects(answer(key), { code: "BLOCKS_CACHE" }, key);
    const missing = answer("content:01H/deletion-mark.json");
    await assert.rejects(missing, { code: "OBJSTORE_NOT_FOUND" });
    const self = new CachePeer(gateways[0]!.url);
    const got = await self.fetch("g", "subrange:01H/chunks/000001:1:4", never);
    assert.equal(Buffer.from(got.value).toString(), "hun");
    assert.ok(got.untilMs > Date.now());
    await assert.rejects(self.fetch("g", "nonsense", never), /the peer answered 500/);
    self.close();
  } finally {
    await close();
  }
});

test("readGroupcache() has Thanos' keys and defaults", () => {
  const read = (fields: Record<string, unknown>) =>
    readGroupcache(new CacheFields(fields, "config"));
  const base = { self_url: "http://a:1", groupcache_group: "g" };
  assert.deepEqual(read(base), {
    peers: ["http://a:1"],
    selfUrl: "http://a:1",
    group: "g",
    bytesMax: 250 << 20,
    dnsIntervalMs: 60_000,
    timeoutMs: 2000,
  });
  const refused = (fields: Record<string, unknown>, message: RegExp) =>
    assert.throws(() => read(fields), { code: "BLOCKS_CACHE", message });
  refused({ ...base, peers: ["http://b:1/"] }, /peer 0 must not have a trailing slash/);
  refused(
    { ...base, self_url: "http://a:1/", peers: ["http://b:1"] },
    /self URL .* trailing slash/,
  );
  refused({ groupcache_group: "g" }, /self_url must be set/);
  refused({ ...base, extra: 1 }, /extra is not a known field/);
});
