// A ring of receivers that is rolled, scaled from three to five and back, and loses a node, while a real Prometheus
// writes to it: writers notice nothing for longer than a second, and every sample is in the answer.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { SnappyEncoder } from "@deucalion/kernels";
import { ProtoWriter } from "@deucalion/rpc";
import {
  deucalion,
  eventually,
  freePort,
  getJson,
  prometheusBinary,
  Running,
  sleep,
} from "../support/mod.ts";

/** Prometheus to send; Debian's unless PROMETHEUS names another. */
const sender = (): string => process.env.PROMETHEUS ?? prometheusBinary();

const targetSeries = 30;

async function startTarget(): Promise<{ port: number; close: () => void }> {
  const start = Date.now();
  const server = createServer((_, response) => {
    const value = Math.floor((Date.now() - start) / 100);
    const lines = Array.from({ length: targetSeries }, (_, i) => `ticks_total{i="${i}"} ${value}`);
    response.setHeader("Content-Type", "text/plain; version=0.0.4");
    response.end(`# TYPE ticks_total counter\n${lines.join("\n")}\n`);
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

/** A body of remote write 1.0: one sample of each of 20 series. */
function probeBody(time: number, value: number): Uint8Array {
  const out = new ProtoWriter();
  for (let i = 0; i < 20; i++) {
    const mark = out.open(1);
    for (const [name, text] of [
      ["__name__", "probe"],
      ["i", String(i)],
    ] as const) {
      const label = out.open(1);
      out.string(1, name);
      out.string(2, text);
      out.close(label);
    }
    const sample = out.open(2);
    out.tag(1, 1);
    out.double(value);
    out.tag(2, 0);
    out.svarint(time);
    out.close(sample);
    out.close(mark);
  }
  return new SnappyEncoder().encode(out.view()).slice();
}

/** Writes all the time, as a sender does: what is not taken is sent again. */
class Prober {
  readonly #url: string;
  readonly #stop = new AbortController();
  readonly statuses = new Map<number, number>();
  readonly taken: number[] = [];
  /** What refusals said. */
  readonly faults: string[] = [];
  /** Longest time from an answer of 2xx over refusals to the next, ms. */
  longestMs = 0;
  readonly ended: Promise<void>;

  constructor(url: string) {
    this.#url = url;
    this.ended = this.#run();
  }

  async #run(): Promise<void> {
    let since = Date.now();
    for (let number = 0; !this.#stop.signal.aborted; number++) {
      const time = Date.now();
      let refused = false;
      for (let done = false; !done; ) {
        let status = 0;
        const asked = Date.now();
        try {
          const answer = await fetch(this.#url, {
            method: "POST",
            body: probeBody(time, number) as Uint8Array<ArrayBuffer>,
            signal: AbortSignal.timeout(10_000),
          });
          const text = await answer.text();
          status = answer.status;
          if (status !== 200)
            this.faults.push(`after ${Date.now() - asked} ms: ${text.slice(0, 300)}`);
        } catch {
          // As good as a refusal.
        }
        this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
        done = status >= 200 && status < 500;
        refused ||= !done;
        if (done) {
          // An answer that a busy machine gave late is no refusal.
          if (refused) this.longestMs = Math.max(this.longestMs, Date.now() - since);
          if (status === 200) this.taken.push(time);
        }
        await sleep(25);
        if (done) since = Date.now();
      }
    }
  }

  stop(): Promise<void> {
    this.#stop.abort();
    return this.ended;
  }
}

type Matrix = {
  readonly data: {
    readonly result: readonly { metric: Record<string, string>; values: [number, string][] }[];
  };
};

async function samples(base: string, query: string): Promise<Map<string, Map<number, string>>> {
  const { body, status } = await getJson(`${base}/api/v1/query?query=${encodeURIComponent(query)}`);
  assert.equal(status, 200, JSON.stringify(body));
  return new Map(
    (body as Matrix).data.result.map(({ metric, values }) => [metric.i ?? "", new Map(values)]),
  );
}

test("a ring is rolled, scaled and loses a node, and neither writers nor readers notice", {
  timeout: 300_000,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "deucalion-ring-"));
  const running = new Set<Running>();
  const target = await startTarget();
  t.after(async () => {
    await Promise.all([...running].map((one) => one.stop(5000)));
    target.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const keep = (one: Running): Running => {
    running.add(one);
    return one;
  };
  const ports = await Promise.all(Array.from({ length: 16 }, freePort));
  const grpc = (i: number): string => `127.0.0.1:${ports[i]}`;
  const rings = join(folder, "rings.json");
  const setRing = (size: number): void =>
    writeFileSync(
      rings,
      JSON.stringify([{ endpoints: Array.from({ length: size }, (_, i) => grpc(i)) }]),
    );
  setRing(3);
  const shared = [
    `--receive.hashrings-file=${rings}`,
    "--receive.hashrings-algorithm=ketama",
    "--receive.replication-factor=3",
    "--receive-forward-max-backoff=500ms",
  ];
  const start = async (i: number): Promise<Running> => {
    const http = ports[5 + i]!;
    const node = deucalion(`receive ${i}`, [
      "receive",
      `--tsdb.path=${join(folder, `data-${i}`)}`,
      `--grpc-address=${grpc(i)}`,
      `--http-address=127.0.0.1:${http}`,
      "--remote-write.address=127.0.0.1:0",
      `--receive.local-endpoint=${grpc(i)}`,
      `--label=replica="${i}"`,
      "--grpc-grace-period=2s",
      ...shared,
    ]);
    return keep(node).ready(`http://127.0.0.1:${http}/-/ready`);
  };
  const nodes = await Promise.all([0, 1, 2].map(start));
  const write = ports[10]!;
  const router = deucalion("router", [
    "receive",
    `--tsdb.path=${join(folder, "router")}`,
    `--grpc-address=127.0.0.1:${ports[11]}`,
    `--http-address=127.0.0.1:${ports[12]}`,
    `--remote-write.address=127.0.0.1:${write}`,
    '--label=replica="router"',
    ...shared,
  ]);
  await keep(router).ready(`http://127.0.0.1:${ports[12]}/-/ready`);
  const url = `http://127.0.0.1:${write}/api/v1/receive`;
  const config = join(folder, "prometheus.yml");
  writeFileSync(
    config,
    `global: {scrape_interval: 500ms}
scrape_configs: [{job_name: demo, static_configs: [{targets: ["127.0.0.1:${target.port}"]}]}]
remote_write: [{url: "${url}", queue_config: {batch_send_deadline: 500ms}}]
`,
  );
  const prometheus = await keep(
    new Running("prometheus", sender(), [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, "prometheus")}`,
      `--web.listen-address=127.0.0.1:${ports[13]}`,
    ]),
  ).ready(`http://127.0.0.1:${ports[13]}/-/ready`);
  const prober = new Prober(url);
  const begun = Date.now();
  await sleep(2000);
  // Rolled, one after the other.
  for (const i of [0, 1, 2]) {
    await nodes[i]!.stop();
    running.delete(nodes[i]!);
    nodes[i] = await start(i);
    await sleep(500);
  }
  // Three to five.
  for (const i of [3, 4]) nodes[i] = await start(i);
  setRing(5);
  await sleep(2500);
  // One is gone for a while.
  await nodes[1]!.kill();
  running.delete(nodes[1]!);
  await sleep(3000);
  nodes[1] = await start(1);
  await sleep(1000);
  // And back to three.
  setRing(3);
  await sleep(2500);
  await prober.stop();
  const last = Date.now();
  assert.deepEqual(
    [...prober.statuses.keys()].filter((status) => status >= 400 && status < 500),
    [],
  );
  assert.ok(
    prober.longestMs <= 1000,
    `no 2xx for ${prober.longestMs} ms: ${JSON.stringify([...prober.statuses])}\n${prober.faults.join("\n")}`,
  );
  const http = ports[14]!;
  const querier = deucalion("query", [
    "query",
    ...[0, 1, 2, 3, 4].map((i) => `--endpoint=${grpc(i)}`),
    `--http-address=127.0.0.1:${http}`,
    `--grpc-address=127.0.0.1:${ports[15]}`,
    "--query.replica-label=replica",
  ]);
  const base = `http://127.0.0.1:${http}`;
  await keep(querier).ready(`${base}/-/ready`);
  const window = `${Math.ceil((last - begun) / 1000) + 20}s`;
  const own = await samples(`http://127.0.0.1:${ports[13]}`, `ticks_total[${window}]`);
  assert.equal(own.size, targetSeries);
  // What was scraped until a moment ago has been sent.
  const until = last / 1000 - 2;
  await eventually(
    async () => {
      const found = await samples(base, `ticks_total[${window}]`);
      let missing = 0;
      for (const [i, times] of own) {
        for (const [time, value] of times) {
          if (time <= until && found.get(i)?.get(time) !== value) missing++;
        }
      }
      assert.equal(missing, 0, `${missing} samples are missing`);
      return true;
    },
    20_000,
    "every scraped sample in the answer",
  );
  const probes = await samples(base, `probe[${window}]`);
  assert.equal(probes.size, 20);
  for (const times of probes.values()) {
    for (const time of prober.taken) assert.ok(times.has(time / 1000), `probe of ${time}`);
  }
  assert.ok(prometheus.child.exitCode === null && prober.taken.length > 100);
});
