// The clients of memcached and redis against real servers.
import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { test } from "node:test";
import { silentLog } from "@deucalion/base";
import { type CacheClient, CacheFields, openCache, readCacheBackend } from "@deucalion/blocks";
import { loadXxhash64 } from "@deucalion/kernels";
import { eventually, startMemcached, startRedis } from "../support/mod.ts";

const never = new AbortController().signal;
interface Opened {
  readonly client: CacheClient;
  readonly failures: string[];
}

async function open(type: string, config: Record<string, unknown>): Promise<Opened> {
  const failures: string[] = [];
  const client = openCache(readCacheBackend(type, new CacheFields(config, "config")), {
    xxhash: await loadXxhash64(),
    log: silentLog,
    now: Date.now,
    resolve: async (addresses) => addresses,
    events: {
      operation: () => undefined,
      failure: (kind, reason) => failures.push(`${kind} ${reason}`),
    },
  });
  return { client, failures };
}

async function checkCache({ client, failures }: Opened): Promise<void> {
  const keys = Array.from({ length: 2500 }, (_, i) => `key:${i}`);
  const value = (i: number): Uint8Array =>
    Uint8Array.from({ length: i % 50 === 0 ? 20_000 : i % 7 }, (_, at) => (at * 31 + i) % 256);
  for (const [i, key] of keys.entries()) if (i % 2 === 0) client.store(key, value(i), 60_000);
  const found = await eventually(
    async () => {
      const all = await client.fetch(keys, never);
      return all.size === 1250 ? all : undefined;
    },
    10_000,
    "all values stored",
  );
  for (const [i, key] of keys.entries()) {
    if (i % 2 === 0) assert.deepEqual(found.get(key), value(i), key);
    else assert.equal(found.has(key), false);
  }
  client.store("short", Uint8Array.of(1), 1000);
  await eventually(
    async () => ((await client.fetch(["short"], never)).size === 1 ? true : undefined),
    3000,
    "the short one stored",
  );
  await eventually(
    async () => ((await client.fetch(["short"], never)).size === 0 ? true : undefined),
    5000,
    "the short one forgotten",
  );
  assert.deepEqual(failures, []);
  await client.close();
}

test("memcached keeps values over several servers, for their time", async () => {
  const addresses = [await startMemcached(), await startMemcached(), await startMemcached()];
  await checkCache(await open("MEMCACHED", { addresses, timeout: "3s" }));
});

test("redis keeps values under a prefix, for their time", async () => {
  const addr = await startRedis();
  await checkCache(await open("REDIS", { addr, password: "secret", prefix: "p:" }));
});

test("a cache that does not answer is a cache without values", async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket));
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", () => resolve()));
  const { port } = silent.address() as { port: number };
  const { client, failures } = await open("MEMCACHED", {
    addresses: [`127.0.0.1:${port}`],
    timeout: "100ms",
  });
  const begun = Date.now();
  assert.equal((await client.fetch(["a", "b"], never)).size, 0);
  assert.ok(Date.now() - begun < 2000);
  assert.deepEqual(failures, ["get timeout"]);
  await client.close();
  for (const socket of sockets) socket.destroy();
  silent.close();
  const gone = await open("MEMCACHED", { addresses: [`127.0.0.1:${port}`] });
  assert.equal((await gone.client.fetch(["a"], never)).size, 0);
  assert.deepEqual(gone.failures, ["get connection"]);
  await gone.client.close();
});
