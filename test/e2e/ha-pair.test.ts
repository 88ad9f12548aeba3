// The main job: two real Prometheus servers see the same target, each is down for a while, and the answer has no hole.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  deucalion,
  eventually,
  freePort,
  getJson,
  prometheusBinary,
  Running,
  sleep,
} from "../support/mod.ts";

interface Matrix {
  readonly status: string;
  readonly warnings?: readonly string[];
  readonly data: {
    readonly result: readonly { metric: Record<string, string>; values: [number, string][] }[];
  };
}

/** A target whose counter grows by ten a second. */
async function startTarget(): Promise<{ port: number; close: () => void }> {
  const start = Date.now();
  const server = createServer((_, response) => {
    const value = Math.floor((Date.now() - start) / 100);
    response.end(`# TYPE ticks_total counter\nticks_total ${value}\n`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

interface Replica {
  readonly name: string;
  readonly port: number;
  readonly start: () => Promise<Running>;
}

async function makeReplica(name: string, folder: string, target: number): Promise<Replica> {
  const port = await freePort();
  const config = join(folder, `${name}.yml`);
  writeFileSync(
    config,
    `global: {scrape_interval: 1s, external_labels: {cluster: eu, replica: ${name}}}
scrape_configs: [{job_name: demo, static_configs: [{targets: ["127.0.0.1:${target}"]}]}]
`,
  );
  const args = [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(folder, `data-${name}`)}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  return {
    name,
    port,
    start: () =>
      new Running(`prometheus ${name}`, prometheusBinary(), args).ready(
        `http://127.0.0.1:${port}/-/ready`,
      ),
  };
}

function longestGap(values: readonly [number, string][]): number {
  let gap = 0;
  for (let i = 1; i < values.length; i++) gap = Math.max(gap, values[i]![0] - values[i - 1]![0]);
  return gap;
}

test("an HA pair with outages of each replica answers without a hole or a dip", {
  timeout: 240_000,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "deucalion-ha-"));
  const running: Running[] = [];
  const target = await startTarget();
  t.after(async () => {
    await Promise.all(running.map((one) => one.stop(5000)));
    target.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const keep = (one: Running): Running => {
    running.push(one);
    return one;
  };
  const a = await makeReplica("a", folder, target.port);
  const b = await makeReplica("b", folder, target.port);
  let prometheusA = keep(await a.start());
  await sleep(400);
  let prometheusB = keep(await b.start());
  const endpoints: string[] = [];
  for (const replica of [a, b]) {
    const [http, grpc] = [await freePort(), await freePort()];
    const sidecar = keep(
      deucalion(`sidecar ${replica.name}`, [
        "sidecar",
        `--prometheus.url=http://127.0.0.1:${replica.port}`,
        `--http-address=127.0.0.1:${http}`,
        `--grpc-address=127.0.0.1:${grpc}`,
        "--prometheus.get_config_interval=1s",
      ]),
    );
    await sidecar.ready(`http://127.0.0.1:${http}/-/ready`);
    endpoints.push(`--endpoint=127.0.0.1:${grpc}`);
  }
  const port = await freePort();
  const querier = keep(
    deucalion("querier", [
      "query",
      ...endpoints,
      `--http-address=127.0.0.1:${port}`,
      `--grpc-address=127.0.0.1:${await freePort()}`,
      "--query.replica-label=replica",
      "--endpoint.info-timeout=1s",
      "--store.response-timeout=3s",
    ]),
  );
  const base = `http://127.0.0.1:${port}`;
  await querier.ready(`${base}/-/ready`);
  const range = async (query: string, from: number, to: number, extra = ""): Promise<Matrix> => {
    const url = `${base}/api/v1/query_range?query=${encodeURIComponent(query)}&start=${from}&end=${to}&step=1${extra}`;
    const { status, body } = await getJson(url);
    assert.equal(status, 200, JSON.stringify(body));
    return body as Matrix;
  };
  const raw = async (seconds: number, extra: string): Promise<Matrix> => {
    const url = `${base}/api/v1/query?query=${encodeURIComponent(`ticks_total[${seconds}s]`)}${extra}`;
    return (await getJson(url)).body as Matrix;
  };
  await eventually(
    async () => ((await raw(30, "&dedup=false")).data.result.length === 2 ? true : undefined),
    30_000,
    "both replicas being visible",
  );

  const begin = Math.ceil(Date.now() / 1000);
  await sleep(12_000);
  await prometheusA.kill();
  await sleep(14_000);
  prometheusA = keep(await a.start());
  await sleep(12_000);
  await prometheusB.kill();
  await sleep(14_000);
  prometheusB = keep(await b.start());
  await sleep(6000);
  const end = Math.floor(Date.now() / 1000) - 2;
  const seconds = Math.ceil(Date.now() / 1000) - begin;

  const settled = await eventually(
    async () => {
      const answer = await raw(seconds, "&dedup=false");
      return answer.data.result.length === 2 && answer.warnings === undefined ? answer : undefined;
    },
    40_000,
    "both replicas answering again",
  );
  for (const series of settled.data.result) {
    assert.ok(
      longestGap(series.values) > 10,
      `replica ${series.metric.replica} has a hole of its own`,
    );
  }
  const merged = await raw(seconds, "");
  assert.equal(merged.data.result.length, 1);
  const [joined] = merged.data.result;
  assert.ok(longestGap(joined!.values) < 2.2, `the longest gap is ${longestGap(joined!.values)} s`);
  for (let i = 1; i < joined!.values.length; i++) {
    assert.ok(joined!.values[i]![0] - joined!.values[i - 1]![0] >= 0.3, "two samples in one slot");
  }
  const rate = await range("rate(ticks_total[10s])", begin + 10, end);
  const points = rate.data.result[0]!.values;
  assert.equal(points.length, end - begin - 10 + 1, "a step of the rate is missing");
  for (const [time, value] of points) {
    assert.ok(Math.abs(Number(value) - 10) < 1.5, `rate ${value} at ${time}`);
  }

  await Promise.all([prometheusA.kill(), prometheusB.kill()]);
  const missing = await eventually(
    async () => {
      const answer = await raw(60, "");
      return (answer.warnings?.length ?? 0) >= 2 ? answer : undefined;
    },
    40_000,
    "warnings about both replicas",
  );
  const text = missing.warnings!.join("\n");
  for (const endpoint of endpoints)
    assert.ok(text.includes(endpoint.slice("--endpoint=".length)), text);
});

test("a querier whose endpoints cannot be reached says so", { timeout: 60_000 }, async (t) => {
  const [port, nobody] = [await freePort(), await freePort()];
  const querier = deucalion("querier", [
    "query",
    `--endpoint=127.0.0.1:${nobody}`,
    `--http-address=127.0.0.1:${port}`,
    `--grpc-address=127.0.0.1:${await freePort()}`,
    "--endpoint.info-timeout=1s",
  ]);
  t.after(() => querier.stop());
  await querier.ready(`http://127.0.0.1:${port}/-/healthy`);
  const answer = await eventually(
    async () => {
      const { body } = await getJson(`http://127.0.0.1:${port}/api/v1/query?query=up`);
      return (body as Matrix).warnings === undefined ? undefined : (body as Matrix);
    },
    15_000,
    "a warning",
  );
  assert.equal(answer.status, "success");
  assert.ok(
    answer.warnings!.join("\n").includes(`127.0.0.1:${nobody}`),
    answer.warnings!.join("\n"),
  );
});
