// Long-term storage as users run it: Prometheus, a sidecar that uploads to S3, a store over the bucket, a querier.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  backfillBlocks,
  deucalion,
  eventually,
  freePort,
  getJson,
  prometheusBinary,
  Running,
  startS3,
} from "../support/mod.ts";

interface Matrix {
  readonly status: string;
  readonly warnings?: readonly string[];
  readonly data: {
    readonly result: readonly { metric: Record<string, string>; values: [number, string][] }[];
  };
}

const step = 15;
const hour = 3600;

/** A target whose counter goes on where the backfilled one ends: its value is its age in steps. */
async function startTarget(from: number): Promise<{ port: number; close: () => void }> {
  const server = createServer((_, response) => {
    const value = (Date.now() / 1000 - from) / step;
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

test("Prometheus, sidecar, S3, store and querier give live and historic data without hole or double", {
  timeout: 240_000,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "deucalion-shipping-"));
  const running: Running[] = [];
  const s3 = await startS3();
  const from = Math.floor((Date.now() / 1000 - 8 * hour) / step) * step;
  const target = await startTarget(from);
  t.after(async () => {
    await Promise.all(running.map((one) => one.stop(5000)));
    await s3.close();
    target.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const keep = (one: Running): Running => {
    running.push(one);
    return one;
  };

  const data = join(folder, "data");
  mkdirSync(data);
  const job = `job="demo",instance="127.0.0.1:${target.port}"`;
  const to = Math.floor(Date.now() / 1000 / step) * step - step;
  backfillBlocks(data, { from, to, step, series: [`ticks_total{${job}}`] });

  const port = await freePort();
  const config = join(folder, "prometheus.yml");
  writeFileSync(
    config,
    `global: {scrape_interval: 1s, external_labels: {cluster: eu, replica: a}}
scrape_configs: [{job_name: demo, static_configs: [{targets: ["127.0.0.1:${target.port}"]}]}]
`,
  );
  await keep(
    new Running("prometheus", prometheusBinary(), [
      `--config.file=${config}`,
      `--storage.tsdb.path=${data}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--storage.tsdb.min-block-duration=2h",
      "--storage.tsdb.max-block-duration=2h",
    ]),
  ).ready(`http://127.0.0.1:${port}/-/ready`);

  const service = async (name: string, args: readonly string[]) => {
    const [http, grpc] = [await freePort(), await freePort()];
    const one = keep(
      deucalion(name, [
        name,
        ...args,
        `--http-address=127.0.0.1:${http}`,
        `--grpc-address=127.0.0.1:${grpc}`,
      ]),
    );
    await one.ready(`http://127.0.0.1:${http}/-/ready`);
    return { http: `http://127.0.0.1:${http}`, grpc: `127.0.0.1:${grpc}` };
  };
  const sidecar = await service("sidecar", [
    `--prometheus.url=http://127.0.0.1:${port}`,
    `--tsdb.path=${data}`,
    `--objstore.config=${s3.config()}`,
    "--min-time=-3h",
    "--hash-func=SHA256",
  ]);
  const shipped = async (): Promise<number> => {
    const text = await (await fetch(`${sidecar.http}/metrics`)).text();
    return Number(/^thanos_shipper_uploads_total (\d+)/m.exec(text)?.[1]);
  };
  const waiting = async (): Promise<number> => {
    const text = await (await fetch(`${sidecar.http}/metrics`)).text();
    return Number(/^deucalion_shipper_waiting_blocks (\d+)/m.exec(text)?.[1]);
  };
  await eventually(
    async () => ((await shipped()) >= 4 && (await waiting()) === 0 ? true : undefined),
    30_000,
    "uploading the backfilled blocks",
  );
  const store = await service("store", [
    `--objstore.config=${s3.config()}`,
    `--data-dir=${join(folder, "store")}`,
  ]);
  const querier = await service("query", [
    `--endpoint=${sidecar.grpc}`,
    `--endpoint=${store.grpc}`,
    "--query.replica-label=replica",
  ]);
  const raw = async (range: string): Promise<Matrix> => {
    const { body } = await getJson(
      `${querier.http}/api/v1/query?query=${encodeURIComponent(`ticks_total[${range}]`)}`,
    );
    return body as Matrix;
  };
  const answer = await eventually(
    async () => {
      const found = await raw("9h");
      const values = found.data.result[0]?.values ?? [];
      return values.length > (to - from) / step + 3 ? found : undefined;
    },
    30_000,
    "an answer with live samples",
  );
  assert.equal(answer.warnings, undefined);
  assert.equal(answer.data.result.length, 1, "one series, from both sources");
  const { metric, values } = answer.data.result[0]!;
  assert.deepEqual(metric, {
    __name__: "ticks_total",
    cluster: "eu",
    instance: `127.0.0.1:${target.port}`,
    job: "demo",
  });
  const historic = values.filter(([at]) => at <= to);
  const want = Array.from({ length: (to - from) / step + 1 }, (_, n) => [
    from + n * step,
    String(n),
  ]);
  assert.deepEqual(historic, want, "each backfilled sample once");
  for (let i = 1; i < values.length; i++) {
    assert.ok(values[i]![0] > values[i - 1]![0], "no time twice");
    assert.ok(Number(values[i]![1]) >= Number(values[i - 1]![1]), "the counter never falls");
  }
  assert.ok(values.at(-1)![0] > to, "live samples follow");
});
