import assert from "node:assert/strict";
import { test } from "node:test";
import { compareLabels, decodeLabels, Labels, Matcher, SampleColumns } from "@deucalion/model";
import { type MemorySeries, MemorySource } from "@deucalion/model/testing";
import { decodeChunkInto } from "@deucalion/tsdb";
import fc from "fast-check";
import { type DedupFunc, DedupSource } from "./dedup-source.ts";

const context = { signal: new AbortController().signal, warn: () => undefined };

interface Answer {
  readonly labels: Labels;
  readonly samples: readonly [number, number][];
}

async function read(
  series: readonly MemorySeries[],
  func: DedupFunc,
  replicaLabels: readonly string[],
  batchSeriesMax: number,
): Promise<Answer[]> {
  const source = new DedupSource(
    new MemorySource(series, { batchSeriesMax }),
    { func, replicaLabels, maxResolutionMs: 0 },
    { decode: decodeChunkInto },
  );
  const out: Answer[] = [];
  const request = { minTime: 0, maxTime: 1e12, matchers: [new Matcher("=", "__name__", "m")] };
  for await (const batch of source.series(request, context)) {
    for (let i = 0; i < batch.seriesCount; i++) {
      const columns = new SampleColumns();
      batch.samplesInto(i, columns);
      const samples = Array.from(
        { length: columns.count },
        (_, k) => [columns.times[k]!, columns.values[k]!] as [number, number],
      );
      out.push({ labels: decodeLabels(batch.labels(i)), samples });
    }
  }
  return out;
}

function series(labels: Record<string, string>, times: readonly number[]): MemorySeries {
  const samples = new SampleColumns();
  for (const time of times) samples.pushFloat(time, time / 1000);
  return { labels: Labels.from({ __name__: "m", ...labels }), samples };
}

const regular = Array.from({ length: 40 }, (_, i) => i * 15_000);

test("DedupSource joins replicas whatever their labels sort between", async () => {
  const labelSets = fc.uniqueArray(
    fc.record({
      a: fc.constantFrom("", "1", "2"),
      job: fc.constantFrom("x", "y"),
      z: fc.constantFrom("1", "2", "3"),
    }),
    { selector: (one) => JSON.stringify(one), minLength: 1 },
  );
  await fc.assert(
    fc.asyncProperty(
      labelSets,
      fc.constantFrom(["replica"], ["b"], ["__replica__"], ["zz"], ["replica", "b"]),
      fc.integer({ min: 1, max: 7 }),
      async (sets, replicaLabels, batchSize) => {
        const all = sets.flatMap((set) =>
          ["r1", "r2", "r3"].map((replica) =>
            series(
              { ...set, ...Object.fromEntries(replicaLabels.map((name) => [name, replica])) },
              regular,
            ),
          ),
        );
        const got = await read(all, "fill", replicaLabels, batchSize);
        const want = sets.map((set) => Labels.from({ __name__: "m", ...set })).sort(compareLabels);
        assert.deepEqual(
          got.map((one) => one.labels.key),
          want.map((labels) => labels.key),
        );
        for (const one of got) assert.equal(one.samples.length, regular.length);
      },
    ),
    { numRuns: 200 },
  );
});

test("DedupSource prefers replicas by their labels, not by the order of arrival", async () => {
  const a = series(
    { replica: "a" },
    regular.filter((_, i) => i < 10 || i > 20),
  );
  const b = series(
    { replica: "b" },
    regular.map((time) => time + 7000),
  );
  for (const func of ["fill", "penalty", "chain"] as const) {
    assert.deepEqual(
      await read([a, b], func, ["replica"], 10),
      await read([b, a], func, ["replica"], 10),
    );
  }
  const [answer] = await read([b, a], "fill", ["replica"], 10);
  assert.equal(answer!.samples.length, regular.length);
  assert.equal(answer!.samples[0]![0], 0, "replica a is preferred");
});

test("DedupSource leaves series alone without de-duplication or without replica labels", async () => {
  const all = [series({ replica: "a" }, regular), series({ replica: "b" }, regular)];
  assert.equal((await read(all, "none", ["replica"], 10)).length, 2);
  assert.equal((await read(all, "fill", [], 10)).length, 2);
});
