// Queries that are meant to hurt, asked of a store and a querier with 1 GiB of memory each, beside a dashboard that goes on.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Labels, SampleColumns } from "@deucalion/model";
import { encodeSamples, writeBlock } from "@deucalion/tsdb";
import { dataLengthMs, dataStartMs, makeDataset, writeDataset } from "../fuzz/promql/dataset.ts";
import { Random } from "../fuzz/promql/random.ts";
import { eventually, freePort, sleep } from "../support/mod.ts";
import { type Hostile, hostileQueries } from "./hostile-list.ts";
import { Confined } from "./hostile-memory.ts";

const memoryBytes = 2 ** 30;
/** The long run takes a million (HOSTILE_SERIES=1000000). */
const { HOSTILE_SERIES = "60000" } = process.env;
const seriesCount = Number(HOSTILE_SERIES);
const timeoutSeconds = 60;
const start = dataStartMs / 1000;
const folder = mkdtempSync(join(tmpdir(), "deucalion-hostile-"));
let store: Confined;
let querier: Confined;
let url = "";

/** Many series of one sample each, in order of labels. */
function* manySeries(count: number) {
  for (let i = 0; i < count; i++) {
    const id = i.toString(16).padStart(8, "0");
    const samples = new SampleColumns(2);
    samples.pushFloat(dataStartMs + dataLengthMs / 2 - 10_000, i);
    const labels = Labels.from({ __name__: "m", id, mod: String(i % 97), part: String(i % 7) });
    yield { labels, chunks: encodeSamples(samples, 0, 1) };
  }
}

before(
  async () => {
    const bucket = join(folder, "bucket");
    await writeDataset(bucket, makeDataset(new Random(3), "2.42"), 3);
    await writeBlock(
      bucket,
      {
        ulid: "01HK0000000000000000000077",
        minTime: dataStartMs,
        maxTime: dataStartMs + dataLengthMs,
      },
      manySeries(seriesCount),
    );
    const [storeHttp, storeGrpc, http, grpc] = await Promise.all(
      [0, 1, 2, 3].map(() => freePort()),
    );
    store = new Confined(
      "store",
      [
        "store",
        `--objstore.config={type: FILESYSTEM, config: {directory: ${JSON.stringify(bucket)}}}`,
        `--data-dir=${join(folder, "store")}`,
        `--http-address=127.0.0.1:${storeHttp}`,
        `--grpc-address=127.0.0.1:${storeGrpc}`,
      ],
      memoryBytes,
    );
    querier = new Confined(
      "querier",
      [
        "query",
        `--endpoint=127.0.0.1:${storeGrpc}`,
        `--http-address=127.0.0.1:${http}`,
        `--grpc-address=127.0.0.1:${grpc}`,
        `--query.timeout=${timeoutSeconds}s`,
        // What it would choose by itself where the cgroup is in force.
        ...(store.hard ? [] : [`--query.max-bytes=${memoryBytes / 2}`]),
      ],
      memoryBytes,
    );
    url = `http://127.0.0.1:${http}/api/v1`;
    await store.running.ready(`http://127.0.0.1:${storeHttp}/-/ready`, 60_000);
    await querier.running.ready(`http://127.0.0.1:${http}/-/ready`);
    await eventually(async () => ((await dashboard()) > 0 ? true : undefined), 20_000, "data");
  },
  { timeout: 600_000 },
);

after(async () => {
  await Promise.all([store?.stop(), querier?.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

/** Whether the processes live, and what they said last. */
function states(): string {
  return [store, querier]
    .map(
      ({ running, alive }) =>
        `${running.name} ${alive ? "lives" : "is dead"}: ${running.output.slice(-1500)}`,
    )
    .join("\n");
}

/** Asks what a dashboard asks; returns the milliseconds that it took. Throws if the answer is not the right one. */
async function dashboard(): Promise<number> {
  const params = new URLSearchParams({
    query: "sum by (job) (rate(req_total[5m]))",
    start: String(start + 600),
    end: String(start + 6600),
    step: "15",
  });
  const begun = performance.now();
  const response = await fetch(`${url}/query_range?${params}`).catch((error: unknown) => {
    throw new Error(`no answer: ${states()}`, { cause: error });
  });
  const text = await response.text();
  const body = JSON.parse(text) as { data?: { result: unknown[] } };
  assert.equal(response.status, 200, `${text.slice(0, 500)}\n${states()}`);
  assert.equal(body.data?.result.length, 3, `${text.slice(0, 500)}\n${states()}`);
  return performance.now() - begun;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

interface Outcome {
  readonly status: number;
  readonly ms: number;
  readonly text: string;
  /** How long the dashboard took, each time it asked meanwhile. */
  readonly dashboards: readonly number[];
}

/** Sends a query, and the dashboard's again and again until the answer is there. */
async function ask({ path, params }: Hostile): Promise<Outcome> {
  const begun = performance.now();
  let done = false;
  const answer = (async () => {
    try {
      const response = await fetch(`${url}/${path}`, {
        method: path === "label/job/values" ? "GET" : "POST",
        ...(path === "label/job/values" ? {} : { body: new URLSearchParams(params) }),
        signal: AbortSignal.timeout((timeoutSeconds + 10) * 1000),
      });
      let text = "";
      const decoder = new TextDecoder();
      for await (const part of response.body!) if (text.length < 2000) text += decoder.decode(part);
      return { status: response.status, text };
    } finally {
      done = true;
    }
  })();
  answer.catch(() => undefined);
  const dashboards: number[] = [];
  while (!done) {
    dashboards.push(await dashboard());
    await sleep(10);
  }
  return { ...(await answer), ms: performance.now() - begun, dashboards };
}

test("hostile queries end in an answer or a refusal, and the processes live", {
  timeout: 1_800_000,
}, async (t) => {
  for (let i = 0; i < 20; i++) await dashboard();
  const baseline: number[] = [];
  for (let i = 0; i < 21; i++) baseline.push(await dashboard());
  const usual = median(baseline);
  const failed: string[] = [];
  const all: number[] = [];
  for (const hostile of hostileQueries(start, dataLengthMs / 1000)) {
    const { status, ms, text, dashboards } = await ask(hostile);
    all.push(...dashboards);
    t.diagnostic(
      `${hostile.name}: ${status} in ${ms.toFixed(0)} ms, dashboard ${dashboards.map((one) => one.toFixed(0)).slice(0, 12)}`,
    );
    if (status !== 200 && (status < 400 || status > 499))
      failed.push(`${hostile.name}: ${status} ${text.slice(0, 300)}`);
    if (ms > timeoutSeconds * 1000) failed.push(`${hostile.name}: took ${ms} ms`);
    if (!querier.alive || !store.alive) {
      assert.fail(`${hostile.name} ended a process: ${states()}`);
    }
  }
  t.diagnostic(
    `dashboard: ${usual.toFixed(1)} ms before, ${median(all).toFixed(1)} ms beside; querier peak ${(querier.peakBytes() / 2 ** 20).toFixed(0)} MiB, store ${(store.peakBytes() / 2 ** 20).toFixed(0)} MiB`,
  );
  assert.deepEqual(failed, []);
  assert.ok(querier.peakBytes() < memoryBytes, `querier: ${querier.peakBytes()} bytes`);
  assert.ok(store.peakBytes() < memoryBytes, `store: ${store.peakBytes()} bytes`);
  // One process thread, one machine: a turn of the other query may stand before each step of the dashboard's.
  const allowed = Math.max(3 * usual, 150);
  assert.ok(median(all) < allowed, `dashboard: ${median(all)} ms, ${usual} ms alone`);
});

test("a query past a limit names the limit, the flag, and how far it came", {
  timeout: 120_000,
}, async () => {
  const { status, text } = await ask({
    name: "a label that doubles",
    path: "query",
    params: {
      query: Array.from({ length: 40 }).reduce<string>(
        (inner) => `label_join(${inner}, "x", "", "x", "x")`,
        'label_replace(up, "x", "0123456789abcdef", "", "")',
      ),
      time: String(start + 3600),
    },
  });
  assert.equal(status, 422);
  const body = JSON.parse(text) as { errorType: string; error: string };
  assert.equal(body.errorType, "execution");
  assert.match(
    body.error,
    /^query exceeds the limit of \d+ bytes .*: it read \d+ series and held \d+ bytes \(flag --query\.max-bytes/,
  );
});

test("a query that its client leaves stops within 100 ms", { timeout: 120_000 }, async () => {
  const running = async (): Promise<readonly { query: string }[]> => {
    const response = await fetch(`${url}/status/active_queries`);
    return ((await response.json()) as { data: { queries: { query: string }[] } }).data.queries;
  };
  const left = [
    'label_replace({__name__=~".+"} * 2, "y", "$1$1$1", "id", "((((.*)*)*)*)*")',
    'sum by (id) (max_over_time({__name__=~".+"}[1h])) or count by (id) ({__name__=~".*.+"})',
    "max_over_time(stddev_over_time(rate(req_total[5m])[1h:5s])[1h:5s])",
  ];
  /** Starts a query, leaves it, and waits until it is not listed any more: ms. */
  const leave = async (query: string): Promise<number> => {
    const stop = new AbortController();
    const params = new URLSearchParams({ query, time: String(start + 3600) });
    const gone = fetch(`${url}/query?${params}`, { signal: stop.signal }).catch(() => undefined);
    await eventually(
      async () => ((await running()).length > 0 ? true : undefined),
      10_000,
      "the query running",
    );
    const begun = performance.now();
    stop.abort();
    await gone;
    while ((await running()).length > 0) await sleep(5);
    return performance.now() - begun;
  };
  for (const query of left) {
    // 100 ms for the query to end; the rest for the questions whether it has. A busy machine gets three tries.
    let ms = await leave(query);
    for (let tries = 1; tries < 3 && ms >= 150; tries++) ms = await leave(query);
    assert.ok(ms < 150, `${query}: ${ms} ms`);
  }
});
