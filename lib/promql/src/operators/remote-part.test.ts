// What other queriers evaluate becomes rows of the query: joined, limited, cancelled.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels, type SeriesSource } from "@deucalion/model";
import { Engine } from "../engine.ts";
import type { RemoteEngine, RemoteRequest, Remotes } from "../plan/distributed/remote-engine.ts";

/** Nothing may be read here. */
const closed: SeriesSource = {
  // biome-ignore lint/correctness/useYield: it only throws.
  series: async function* () {
    throw new Error("series were asked for");
  },
  labelNames: () => Promise.resolve([]),
  labelValues: () => Promise.resolve([]),
  info: () => ({ labelSets: [], minTime: 0, maxTime: 0 }),
};

const hour = 3_600_000;

/** Answers with one series of a constant at each step that it is asked for. */
function constant(
  region: string,
  value: number,
  span: readonly [number, number],
  asked: RemoteRequest[] = [],
): RemoteEngine {
  const set = Labels.from([["region", region]]);
  return {
    name: region,
    minTime: span[0],
    maxTime: span[1],
    labelSets: [set],
    partitionSets: [set],
    evaluate: (request, _, take) => {
      asked.push(request);
      const times: number[] = [];
      for (let at = request.startMs; at <= request.endMs; at += request.stepMs) times.push(at);
      const values = Float64Array.from(times, () => value);
      take({ labels: set, times: Float64Array.from(times), values, histograms: null });
      return Promise.resolve(times.length);
    },
  };
}

function over(engines: RemoteEngine[], texts: string[] = []): Remotes {
  const missing = texts.map((text) => ({ labelSets: [], text }));
  return { engines, others: [], missing };
}

test("an aggregation is put together from queriers with different labels", async () => {
  const asked: RemoteRequest[] = [];
  const remotes = over(
    [constant("eu", 2, [0, 9 * hour], asked), constant("us", 3, [0, 9 * hour], asked)],
    ["gone:1 (away)"],
  );
  const { value, warnings, stats } = await new Engine().instant("sum(up)", closed, hour, {
    remotes,
  });
  assert.deepEqual(value, {
    type: "vector",
    samples: [{ labels: Labels.empty, timeMs: hour, value: 5 }],
  });
  assert.deepEqual(warnings, ["store is not reachable: gone:1 (away)"]);
  assert.equal(stats.samplesTotal, 2);
  const request = { startMs: hour, endMs: hour, stepMs: 1000, query: "sum by (region) (up)" };
  assert.deepEqual(asked, [request, request]);
});

test("the younger of two queriers with the same labels wins where both have samples", async () => {
  const old = constant("eu", 1, [0, 9 * hour]);
  const young = constant("eu", 2, [2 * hour, 9 * hour]);
  const options = { remotes: over([young, old]) };
  const { value } = await new Engine().range("up", closed, hour, 3 * hour, 1_800_000, options);
  assert.equal(value.type, "matrix");
  if (value.type !== "matrix") return;
  assert.deepEqual(
    value.series.map(({ values }) => [...values]),
    [[1, 1, 1, 2, 2]],
  );
});

test("what queriers give counts against the limits of the query", async () => {
  const engine = new Engine({ maxBytesPerQuery: 100_000 });
  const remotes = over([constant("eu", 1, [0, 99 * hour]), constant("us", 1, [0, 99 * hour])]);
  await assert.rejects(engine.range("up", closed, hour, 20 * hour, 1000, { remotes }), {
    code: "PROMQL_LIMIT",
  });
});

test("a query that is cancelled cancels its calls", async () => {
  const stop = new AbortController();
  const set = [Labels.from([["region", "eu"]])];
  let cancelled = false;
  const hung: RemoteEngine = {
    ...constant("eu", 1, [0, 9 * hour]),
    labelSets: set,
    evaluate: (_, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          cancelled = true;
          reject(signal.reason as Error);
        });
        stop.abort();
      }),
  };
  const options = { remotes: over([hung]), signal: stop.signal };
  await assert.rejects(new Engine().instant("up", closed, hour, options), {
    code: "PROMQL_CANCELED",
  });
  assert.equal(cancelled, true);
});
