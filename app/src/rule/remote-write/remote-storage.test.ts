import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { silentLog } from "@deucalion/base";
import { decodeSnappyBlock, SnappyEncoder } from "@deucalion/kernels";
import { decodeLabels, emptyHistogram, Labels } from "@deucalion/model";
import type { AppendSample } from "@deucalion/rules";
import { Registry } from "prom-client";
import { parse } from "yaml";
import { decodeWriteV1, decodeWriteV2 } from "../../receive/write/decode-write.ts";
import { SampleView, TimeSeriesView } from "../../receive/write/time-series.ts";
import { RemoteStorage } from "../storage/remote-storage.ts";
import { encodeSamples } from "./encode-samples.ts";
import { parseRemoteWrite } from "./remote-write-config.ts";
import { Spool, spoolDefaults } from "./spool.ts";

interface Taken {
  readonly series: string;
  readonly time: number;
  readonly bits: string;
}

/** A target that answers with the statuses it is told to, then with 204. */
class Target {
  readonly taken: Taken[] = [];
  readonly requests: number[] = [];
  statuses: number[] = [];
  /** What the target says it wrote; undefined for no word. */
  written: number | undefined;
  readonly headers: Record<string, string | string[] | undefined>[] = [];
  #server: Server | undefined;

  async listen(port = 0): Promise<number> {
    this.#server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", () => {
        const status = this.statuses.shift() ?? 204;
        this.requests.push(status);
        this.headers.push(request.headers);
        const second = request.headers["x-prometheus-remote-write-version"] === "2.0.0";
        if (status < 300) this.#take(Buffer.concat(parts), second);
        if (this.written !== undefined) {
          response.setHeader("X-Prometheus-Remote-Write-Samples-Written", this.written);
        }
        response.writeHead(status).end(status < 300 ? "" : "no\n");
      });
    });
    const server = this.#server;
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  #take(body: Buffer, second: boolean): void {
    const plain = decodeSnappyBlock(body, 1 << 24);
    const { series: list } = second ? decodeWriteV2(plain) : decodeWriteV1(plain);
    const { data } = list;
    const view = new TimeSeriesView();
    const sample = new SampleView(data);
    for (let n = 0; n < list.count; n++) {
      view.read(data, list.starts[n]!, list.ends[n]!);
      const series = decodeLabels(view.labels).toString();
      for (let i = 0; i < view.samples.length; i += 2) {
        sample.read(view.samples[i]!, view.samples[i + 1]!);
        const bits = `${(sample.high >>> 0).toString(16)}-${(sample.low >>> 0).toString(16)}`;
        this.taken.push({ series, time: sample.time, bits });
      }
      for (let i = 0; i < view.histograms.length; i += 2)
        this.taken.push({ series, time: 0, bits: "h" });
    }
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    server?.closeAllConnections();
    await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
  }
}

const noState = { readForState: () => Promise.resolve([]) };

function start(dir: string, port: number, extra = "", deadline = "20ms") {
  const yaml = `
remote_write:
- url: http://127.0.0.1:${port}/api/v1/receive
  headers: {THANOS-TENANT: rules}
  queue_config: {batch_send_deadline: ${deadline}, min_backoff: 5ms, max_backoff: 20ms, max_samples_per_send: 10}
${extra}`;
  const registry = new Registry();
  const storage = new RemoteStorage(
    {
      dir,
      externalLabels: Labels.from({ replica: "a", job: "external" }),
      targets: parseRemoteWrite(parse(yaml), "Deucalion/test"),
    },
    { log: silentLog, registry, now: Date.now, ...noState },
  );
  const { actor } = storage;
  const done = actor.execute();
  return {
    storage,
    registry,
    stop: async () => {
      await actor.interrupt(undefined);
      await done;
    },
  };
}

function samples(series: number, timeMs: number): AppendSample[] {
  return Array.from({ length: series }, (_, i) => ({
    labels: Labels.from({ __name__: "r", i: String(i), ...(i === 0 ? { job: "own" } : {}) }),
    timeMs,
    value: i,
    ...(i === 2 ? { stale: true } : {}),
  }));
}

async function until(check: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 500; i++) {
    if (check()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`${what} did not happen`);
}

function scratch(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "deucalion-remote-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

test("settle() sends what waits for a fuller batch, and does not wait long for a target that is gone", async (t) => {
  const target = new Target();
  const port = await target.listen();
  t.after(() => target.close());
  const { storage, stop } = start(scratch(t), port, "", "60s");
  const { signal } = new AbortController();
  const begun = performance.now();
  for (const round of [1, 2]) {
    await storage.append(samples(3, 1_700_000_000_000 + round));
    await storage.settle(signal);
    assert.equal(target.taken.length, 3 * round);
  }
  await storage.settle(signal);
  assert.ok(performance.now() - begun < 1900, "nothing was waited for");
  await target.close();
  await storage.append(samples(1, 1_700_000_000_003));
  const gone = performance.now();
  await storage.settle(signal);
  const ms = performance.now() - gone;
  assert.ok(ms > 1000 && ms < 10_000, `${ms} ms`);
  await storage.settle(AbortSignal.abort());
  await stop();
});

test("RemoteStorage sends samples with external labels, stale markers and headers", async (t) => {
  const target = new Target();
  const port = await target.listen();
  t.after(() => target.close());
  const { storage, stop } = start(scratch(t), port);
  await storage.append(samples(3, 1_700_000_000_123));
  await until(() => target.taken.length === 3, "sending");
  await stop();
  assert.deepEqual(target.taken, [
    {
      series: '{__name__="r", i="0", job="own", replica="a"}',
      time: 1_700_000_000_123,
      bits: "0-0",
    },
    {
      series: '{__name__="r", i="1", job="external", replica="a"}',
      time: 1_700_000_000_123,
      bits: "3ff00000-0",
    },
    {
      series: '{__name__="r", i="2", job="external", replica="a"}',
      time: 1_700_000_000_123,
      bits: "7ff00000-2",
    },
  ]);
  const [headers] = target.headers;
  assert.equal(headers!["content-encoding"], "snappy");
  assert.equal(headers!["x-prometheus-remote-write-version"], "0.1.0");
  assert.equal(headers!["thanos-tenant"], "rules");
});

test("RemoteStorage keeps what nobody takes over a restart, and every series in order", async (t) => {
  const dir = scratch(t);
  const target = new Target();
  const port = await target.listen();
  await target.close();
  const first = start(dir, port);
  for (let round = 0; round < 20; round++) await first.storage.append(samples(25, 1000 * round));
  // Nothing is sent before it ends: as after a kill, only the files are left.
  const stopped = first.stop();
  await new Promise((resolve) => setTimeout(resolve, 50));
  const second = start(dir, port);
  for (let round = 20; round < 25; round++) await second.storage.append(samples(25, 1000 * round));
  await target.listen(port);
  t.after(() => target.close());
  target.statuses = [500, 503];
  await until(() => target.taken.length >= 25 * 25, "sending all");
  await second.stop();
  await stopped;
  const times = new Map<string, number[]>();
  for (const { series, time } of target.taken) {
    const list = times.get(series) ?? [];
    if (list.at(-1) !== time) list.push(time);
    times.set(series, list);
  }
  assert.equal(times.size, 25);
  const seen = new Set([...times.values()].flat());
  assert.deepEqual(
    [...seen].sort((a, b) => a - b),
    Array.from({ length: 25 }, (_, i) => 1000 * i),
  );
});

test("RemoteStorage drops what is refused, and what relabelling drops", async (t) => {
  const target = new Target();
  const port = await target.listen();
  t.after(() => target.close());
  target.statuses = [400];
  const relabel = `  write_relabel_configs:
  - {source_labels: [i], regex: "1", action: drop}
  - {target_label: cluster, replacement: c}`;
  const { storage, registry, stop } = start(scratch(t), port, relabel);
  await storage.append(samples(3, 1000));
  await until(() => target.requests.length === 1, "the refusal");
  await storage.append([
    ...samples(3, 2000),
    { ...samples(1, 2000)[0]!, histogram: emptyHistogram() },
  ]);
  await until(() => target.taken.length === 2, "sending");
  await stop();
  assert.deepEqual(
    target.taken.map(({ series }) => series),
    [
      '{__name__="r", cluster="c", i="0", job="own", replica="a"}',
      '{__name__="r", cluster="c", i="2", job="external", replica="a"}',
    ],
  );
  const text = await registry.metrics();
  assert.match(text, /prometheus_remote_storage_samples_failed_total\{[^}]*\} 2\n/);
  assert.match(text, /samples_dropped_total\{[^}]*reason="dropped_series"\} 2\n/);
  assert.match(text, /samples_dropped_total\{[^}]*reason="native_histograms_off"\} 1\n/);
  assert.match(text, /prometheus_remote_storage_samples_total\{[^}]*\} 2\n/);
});

test("RemoteStorage sends version 2, with histograms, and hears what was not written", async (t) => {
  const target = new Target();
  const port = await target.listen();
  t.after(() => target.close());
  target.written = 3;
  const extra = `  protobuf_message: io.prometheus.write.v2.Request
  http_headers: {X-Team: {values: [a], secrets: [b]}}`;
  const { storage, registry, stop } = start(scratch(t), port, extra);
  const histogram = { ...samples(1, 1000)[0]!, histogram: emptyHistogram() };
  await storage.append([...samples(3, 1000), histogram]);
  await until(() => target.taken.length === 4, "sending");
  target.written = undefined;
  await storage.append(samples(3, 2000));
  await until(() => target.taken.length === 7, "sending to one that says nothing");
  await stop();
  const second = '{__name__="r", i="1", job="external", replica="a"}';
  assert.deepEqual(
    target.taken.filter(({ time }) => time !== 2000),
    [
      { series: '{__name__="r", i="0", job="own", replica="a"}', time: 1000, bits: "0-0" },
      { series: second, time: 1000, bits: "3ff00000-0" },
      { series: second.replace('"1"', '"2"'), time: 1000, bits: "7ff00000-2" },
      { series: '{__name__="r", i="0", job="own", replica="a"}', time: 0, bits: "h" },
    ],
  );
  const [headers] = target.headers;
  assert.equal(
    headers!["content-type"],
    "application/x-protobuf;proto=io.prometheus.write.v2.Request",
  );
  assert.equal(headers!["x-prometheus-remote-write-version"], "2.0.0");
  assert.equal(headers!["x-team"], "a, b");
  const text = await registry.metrics();
  // One that was not counted as written, and three of a target that seems not to know the version.
  assert.match(text, /prometheus_remote_storage_samples_failed_total\{[^}]*\} 4\n/);
});

test("RemoteStorage asks for a token and waits for one as for the target", async (t) => {
  const target = new Target();
  const port = await target.listen();
  t.after(() => target.close());
  let asked = 0;
  const tokens = createServer((request, response) => {
    asked++;
    request.resume();
    if (asked < 4) response.writeHead(503).end();
    else response.end('{"access_token":"abc"}');
  });
  await new Promise<void>((resolve) => tokens.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    tokens.closeAllConnections();
    tokens.close();
  });
  const { port: tokenPort } = tokens.address() as AddressInfo;
  const extra = `  oauth2: {client_id: c, client_secret: s, token_url: "http://127.0.0.1:${tokenPort}"}`;
  const { storage, stop } = start(scratch(t), port, extra);
  await storage.append(samples(1, 1000));
  await until(() => target.taken.length === 1, "sending");
  await storage.append(samples(1, 2000));
  await until(() => target.taken.length === 2, "sending again");
  await stop();
  assert.deepEqual(
    target.headers.map(({ authorization }) => authorization),
    ["Bearer abc", "Bearer abc"],
  );
  // The secret in a header, and in the form, twice.
  assert.equal(asked, 4);
});

test("parseRemoteWrite() refuses what it cannot do", () => {
  const refused = (yaml: string, reason: RegExp) =>
    assert.throws(() => parseRemoteWrite(parse(yaml), "x"), reason);
  refused("remote_write: [{}]", /url for remote_write is empty/);
  refused(
    "remote_write: [{url: 'http://a', no_proxy: x}]",
    /if no_proxy is configured, proxy_url must also be configured/,
  );
  refused("remote_write: [{url: 'http://a', protobuf_message: x}]", /invalid protobuf_message/);
  refused("remote_write: [{url: 'http://a', headers: {Host: x}}]", /Host is a reserved header/);
  refused(
    "remote_write: [{url: 'http://a', http_headers: {Authorization: {}}}]",
    /must be changed/,
  );
  refused("remote_write: [{url: 'http://a', authorization: {type: basic}}]", /use "basic_auth"/);
  refused("remote_write: [{url: 'http://a', nope: 1}]", /field nope not found/);
  refused("remote_write: [{url: 'http://a', name: x}, {url: 'http://b', name: x}]", /multiple/);
});

test("a damaged note of the place costs nothing but samples sent twice, and none can be written on a full disk", async (t) => {
  const target = new Target();
  const port = await target.listen();
  t.after(() => target.close());
  const dir = scratch(t);
  const first = start(dir, port);
  await first.storage.append(samples(3, 1_700_000_000_001));
  await until(() => target.taken.length === 3, "the first");
  await first.stop();
  const folder = join(dir, "remote-write");
  const [name] = readdirSync(folder).filter((file) => file.startsWith("position-"));
  const file = join(folder, name!);
  const spoolDir = join(folder, "spool");
  const request = new SnappyEncoder().encode(
    encodeSamples(samples(1, 1_700_000_000_002), Labels.empty),
  );
  for (const text of ["", '{"segment":', "null", '{"segment":1e400,"offset":"x"}']) {
    target.taken.length = 0;
    // What waited when the process was killed.
    const spool = new Spool({ ...spoolDefaults, dir: spoolDir }, { report: assert.fail });
    spool.append(request);
    spool.close();
    writeFileSync(file, text);
    const again = start(dir, port);
    await until(() => target.taken.some(({ time }) => time === 1_700_000_000_002), "the second");
    await again.stop();
  }
  // Nothing can be written where a folder is.
  mkdirSync(`${file}.tmp`);
  const full = start(dir, port);
  target.taken.length = 0;
  for (let i = 0; i < 3; i++) {
    await full.storage.append(samples(1, 1_700_000_001_000 + i));
    await until(
      () => target.taken.some(({ time }) => time === 1_700_000_001_000 + i),
      "one without a note",
    );
  }
  await full.stop();
});
