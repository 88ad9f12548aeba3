// MemorySource keeps the contract of a source: order, matchers, time ranges, limits, stale bits.
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeLabels } from "../label-bytes.ts";
import { Labels } from "../labels.ts";
import { Matcher } from "../matcher.ts";
import { SampleColumns } from "../sample-columns.ts";
import type { SeriesRequest } from "../series-source.ts";
import { putStale } from "../stale.ts";
import { MemorySource } from "./memory-source.ts";

function samples(...points: readonly (readonly [number, number])[]): SampleColumns {
  const columns = new SampleColumns(4);
  for (const [time, value] of points) columns.pushFloat(time, value);
  return columns;
}

const source = new MemorySource(
  [
    { labels: Labels.from({ __name__: "b", pod: "2" }), samples: samples([10, 1]) },
    { labels: Labels.from({ __name__: "a", pod: "2" }), samples: samples([0, 1], [20, 2]) },
    { labels: Labels.from({ __name__: "a" }), samples: samples([100, 3]) },
  ],
  { batchSeriesMax: 1 },
);
const context = { signal: new AbortController().signal, warn: () => {} };
const everything: SeriesRequest = { minTime: 0, maxTime: 1000, matchers: [] };

async function texts(from: MemorySource, request: SeriesRequest): Promise<string[]> {
  const out: string[] = [];
  for await (const batch of from.series(request, context)) {
    for (let i = 0; i < batch.seriesCount; i++) {
      const columns = new SampleColumns(1);
      batch.samplesInto(i, columns);
      const values = [...columns.values.subarray(0, columns.count)];
      out.push(`${decodeLabels(batch.labels(i))} ${values.join(" ")}`);
    }
  }
  return out;
}

test("series() gives all in order of labels over batch borders", async () => {
  assert.deepEqual(await texts(source, everything), [
    '{__name__="a"} 3',
    '{__name__="a", pod="2"} 1 2',
    '{__name__="b", pod="2"} 1',
  ]);
});

test("series() honours matchers, time range, limit, skipChunks and replica labels", async () => {
  const named = { ...everything, matchers: [new Matcher("=", "pod", "2")] };
  assert.deepEqual(await texts(source, { ...named, limit: 1 }), ['{__name__="a", pod="2"} 1 2']);
  assert.deepEqual(await texts(source, { ...named, minTime: 21, skipChunks: true }), []);
  const request = { ...named, skipChunks: true, withoutReplicaLabels: ["pod"] };
  assert.deepEqual(await texts(source, request), ['{__name__="a"} ', '{__name__="b"} ']);
});

test("shards of series() are a partition", async () => {
  const parts: string[] = [];
  for (const index of [0, 1, 2]) {
    const shard = { index, total: 3, by: false, labels: [] };
    parts.push(...(await texts(source, { ...everything, shard })));
  }
  assert.deepEqual(parts.sort(), (await texts(source, everything)).sort());
});

test("samplesInto() keeps the bits of stale markers", async () => {
  const columns = samples([0, 0], [1, 5]);
  putStale(columns.valueBits, 0);
  const stale = new MemorySource([{ labels: Labels.from({ a: "1" }), samples: columns }]);
  for await (const batch of stale.series(everything, context)) {
    const out = new SampleColumns(1);
    batch.samplesInto(0, out);
    assert.deepEqual([out.isStale(0), out.isStale(1)], [true, false]);
  }
});

test("labelNames() and labelValues() are sorted sets", async () => {
  assert.deepEqual(await source.labelNames(everything, context), ["__name__", "pod"]);
  assert.deepEqual(await source.labelValues("__name__", everything, context), ["a", "b"]);
  assert.deepEqual(source.info(), { labelSets: [], minTime: 0, maxTime: 100 });
});
