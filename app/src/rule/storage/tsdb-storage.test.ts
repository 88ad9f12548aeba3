import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { silentLog } from "@deucalion/base";
import { loadXxhash64 } from "@deucalion/kernels";
import { emptyHistogram, Labels, Matcher, SampleColumns } from "@deucalion/model";
import { MemoryBucket } from "@deucalion/objstore/testing";
import type { AppendSample } from "@deucalion/rules";
import { liveDatabaseDefaults } from "@deucalion/tsdb";
import { Registry } from "prom-client";
import { shipperMetrics } from "../../sidecar/shipper-metrics.ts";
import { tsdbMetrics } from "./tsdb-metrics.ts";
import { TsdbStorage } from "./tsdb-storage.ts";

const hour = 3_600_000;
const start = 1_700_006_400_000;
const { signal } = new AbortController();

/** What another ruler left. */
const taken = { labels: Labels.from({ of: "another" }), lastTimeMs: 1, lastValue: 2, stale: false };

async function open(t: TestContext, dir: string, bucket: MemoryBucket | null, now = () => start) {
  const registry = new Registry();
  const storage = await TsdbStorage.open(
    {
      dir,
      externalLabels: Labels.from({ replica: "a" }),
      database: liveDatabaseDefaults,
      shipper: {
        allowOutOfOrderUploads: false,
        skipCorruptedBlocks: false,
        hash: false,
        metaFileName: "thanos.shipper.json",
        filesAtOnce: 1,
      },
    },
    {
      log: silentLog,
      now,
      hash: await loadXxhash64(),
      bucket,
      shipperEvents: bucket === null ? null : shipperMetrics(new Registry(), now),
      damaged: () => assert.fail("nothing is damaged"),
      askForState: () => Promise.resolve([taken]),
      events: tsdbMetrics(registry, 0, () => null),
    },
  );
  let closed = false;
  const close = async (): Promise<void> => {
    if (!closed) await storage.db.close();
    closed = true;
  };
  t.after(close);
  return { storage, close };
}

function scratch(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "deucalion-rule-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const series = (i: number): Labels => Labels.from({ __name__: "r", i: String(i) });

function samples(count: number, timeMs: number): AppendSample[] {
  return Array.from({ length: count }, (_, i) => ({ labels: series(i), timeMs, value: i }));
}

test("TsdbStorage says which samples it does not take, and why", async (t) => {
  const { storage } = await open(t, scratch(t), null);
  assert.deepEqual(await storage.append(samples(3, start)), []);
  assert.deepEqual(await storage.append(samples(3, start)), []);
  const other = { ...samples(1, start)[0]!, value: 9 };
  const old = { ...samples(1, start - 1000)[0]! };
  const ancient = { labels: Labels.from({ __name__: "new" }), timeMs: start - 9 * hour, value: 1 };
  const h = { ...emptyHistogram(), count: 1, sum: 2, zeroCount: 1 };
  const histogram = { labels: series(7), timeMs: start, value: 0, histogram: h };
  const rejected = await storage.append([other, old, ancient, histogram]);
  assert.deepEqual(
    rejected.map(({ index, reason }) => [index, reason]),
    [
      [0, "duplicate"],
      [1, "out-of-order"],
      [2, "too-old"],
    ],
  );
});

test("TsdbStorage serves series with external labels, also after it was opened again", async (t) => {
  const dir = scratch(t);
  const first = await open(t, dir, null);
  await first.storage.append(samples(2, start));
  await first.storage.append([{ ...samples(1, start + 1000)[0]!, stale: true }]);
  await first.close();
  const { storage } = await open(t, dir, null);
  const matchers = [new Matcher("=", "__name__", "r"), new Matcher("=", "replica", "a")];
  const request = { minTime: start, maxTime: start + hour, matchers };
  const found: string[] = [];
  for await (const batch of storage.source.series(request, { signal, warn: assert.fail })) {
    for (let i = 0; i < batch.seriesCount; i++) {
      const columns = new SampleColumns(4);
      batch.samplesInto(i, columns);
      const { data, start: from, end } = batch.labels(i);
      const text = Buffer.from(data.subarray(from, end)).toString("latin1");
      found.push(
        `${text.includes("replica")} ${columns.count} ${columns.isStale(columns.count - 1)}`,
      );
    }
  }
  assert.deepEqual(found, ["true 2 true", "true 1 false"]);
});

test("TsdbStorage.readForState() finds last samples in head and blocks", async (t) => {
  const dir = scratch(t);
  const fresh = await open(t, dir, null);
  const anything = [new Matcher("=", "__name__", "r")];
  assert.deepEqual(await fresh.storage.readForState(anything, 0, start, signal), [taken]);
  await fresh.storage.append(samples(1, start));
  await fresh.close();
  const { storage } = await open(t, dir, null, () => start + 4 * hour);
  for (let at = 0; at <= 3.5 * hour; at += hour / 4) await storage.append(samples(1, start + at));
  await storage.append([{ ...samples(1, start + 3.5 * hour + 1000)[0]!, stale: true }]);
  assert.equal((await storage.db.compact()).length, 1);
  const matchers = [new Matcher("=", "__name__", "r")];
  const read = async (from: number, to: number) => {
    const all = await storage.readForState(matchers, start + from, start + to, signal);
    return all.map(({ lastTimeMs, stale }) => [(lastTimeMs - start) / hour, stale]);
  };
  assert.deepEqual(await read(0, 1.1 * hour), [[1, false]]);
  assert.deepEqual(await read(0, 3.4 * hour), [[3.25, false]]);
  assert.deepEqual((await read(0, 9 * hour))[0]![1], true);
  assert.deepEqual(await read(5 * hour, 9 * hour), []);
});

test("TsdbStorage uploads blocks as the ruler's and keeps them until they are", async (t) => {
  const bucket = new MemoryBucket();
  const { storage } = await open(t, scratch(t), bucket, () => start + 4 * hour);
  for (let at = 0; at <= 3.5 * hour; at += hour / 4) await storage.append(samples(2, start + at));
  const [block] = await storage.db.compact();
  await storage.upload(signal);
  const meta = JSON.parse(
    Buffer.from(await bucket.get(`${block!.ulid}/meta.json`, signal)).toString(),
  ) as {
    thanos: { labels: unknown; source: string };
  };
  assert.deepEqual([meta.thanos.labels, meta.thanos.source], [{ replica: "a" }, "ruler"]);
});
