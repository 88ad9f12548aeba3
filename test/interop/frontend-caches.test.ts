// Query frontends that share memcached or redis: what one has asked for, the other does not ask for again.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { deucalion, eventually, freePort, startMemcached, startRedis } from "../support/mod.ts";

/** A multiple of the day, long settled. */
const day = 1_704_153_600;

interface Querier {
  readonly url: string;
  /** Range and label requests that arrived. */
  readonly asked: () => number;
}

/** A querier whose values are their times. */
async function startQuerier(t: TestContext): Promise<Querier> {
  let asked = 0;
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const { pathname, searchParams } = new URL(request.url ?? "/", "http://querier");
      const form = new URLSearchParams(Buffer.concat(parts).toString());
      const value = (name: string) => Number(form.get(name) ?? searchParams.get(name));
      let data: unknown = { store: [{ name: "a:1", labelSets: [{ a: "1" }], minTime: 0 }] };
      if (pathname.endsWith("/query_range")) {
        asked++;
        const values: [number, string][] = [];
        for (let at = value("start"); at <= value("end"); at += value("step")) {
          values.push([at, String(at / 3)]);
        }
        data = {
          resultType: "matrix",
          result: [{ metric: { __name__: "m", long: "é".repeat(99) }, values }],
        };
      } else if (pathname.endsWith("/labels")) {
        asked++;
        data = ["__name__", "long"];
      }
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ status: "success", data }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: () => asked,
  };
}

async function startFrontend(
  t: TestContext,
  querier: Querier,
  config: string,
  more: readonly string[] = [],
): Promise<string> {
  const port = await freePort();
  const frontend = deucalion("query-frontend", [
    "query-frontend",
    `--http-address=127.0.0.1:${port}`,
    `--query-frontend.downstream-url=${querier.url}`,
    `--query-range.response-cache-config=${config}`,
    `--labels.response-cache-config=${config}`,
    "--query-range.split-interval=24h",
    ...more,
  ]);
  t.after(() => frontend.kill());
  const base = `http://127.0.0.1:${port}`;
  await eventually(
    async () => ((await fetch(`${base}/-/ready`)).ok ? true : undefined),
    20_000,
    "the frontend is ready",
  );
  return base;
}

async function text(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(20_000) });
  assert.equal(response.status, 200);
  return response.text();
}

async function operations(base: string): Promise<number> {
  const metrics = await text(`${base}/metrics`);
  let sum = 0;
  for (const [, count] of metrics.matchAll(
    /^thanos_cache_operations_total\{[^}]*operation="set"[^}]*\} (\d+)/gm,
  )) {
    sum += Number(count);
  }
  return sum;
}

const caches: readonly {
  readonly name: string;
  readonly start: () => Promise<string>;
  readonly config: (address: string) => string;
}[] = [
  {
    name: "memcached",
    start: startMemcached,
    config: (address) =>
      `{type: memcached, config: {addresses: ["${address}"], timeout: 5s, expiration: 1h, max_item_size: 1MiB, max_async_concurrency: 0}}`,
  },
  {
    name: "redis",
    start: startRedis,
    config: (address) =>
      `{type: REDIS, config: {addr: "${address}", password: secret, expiration: 1h, cache_size: 1MiB}}`,
  },
];

for (const { name, start, config } of caches) {
  test(`two frontends share answers in ${name}`, async (t) => {
    const querier = await startQuerier(t);
    const yaml = config(await start());
    const first = await startFrontend(t, querier, yaml);
    const second = await startFrontend(t, querier, yaml, ["--cache-compression-type=snappy"]);
    const range = `/api/v1/query_range?query=m&start=${day + 3600}&end=${day + 2 * 86_400 - 60}&step=60`;
    const labels = `/api/v1/labels?start=${day}&end=${day + 86_399}`;
    const cold = await text(first + range);
    const coldLabels = await text(first + labels);
    const asked = querier.asked();
    assert.equal(asked, 3);
    // Two parts of the range and one window of labels are on their way to the server.
    await eventually(
      async () => ((await operations(first)) >= 3 ? true : undefined),
      10_000,
      "all are stored",
    );
    for (const base of [second, first, second]) {
      await eventually(
        async () => {
          const before = querier.asked();
          assert.equal(await text(base + range), cold);
          assert.equal(await text(base + labels), coldLabels);
          return querier.asked() === before ? true : undefined;
        },
        10_000,
        "the answers come from the cache",
      );
    }
    assert.match(
      await text(`${second}/metrics`),
      /querier_cache_gets_total\{cache="query-range"\} [1-9]/,
    );
  });
}

test("a frontend whose cache is gone answers all the same", async (t) => {
  const querier = await startQuerier(t);
  const gone = await freePort();
  const yaml = `{type: MEMCACHED, config: {addresses: ["127.0.0.1:${gone}"], timeout: 200ms}}`;
  const base = await startFrontend(t, querier, yaml);
  const range = `/api/v1/query_range?query=m&start=${day}&end=${day + 3600}&step=60`;
  const cold = await text(base + range);
  assert.equal(await text(base + range), cold);
  assert.equal(querier.asked(), 2);
});
