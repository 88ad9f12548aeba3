// Answers that were not Prometheus' until random queries showed it. Values are those that Prometheus 3.14 gave.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type FloatHistogram, Labels, SampleColumns } from "@deucalion/model";
import { MemorySource } from "@deucalion/model/testing";
import { Engine } from "./engine.ts";
import { PromqlError } from "./errors.ts";
import type { QueryResult } from "./mod.ts";

const engine = new Engine({
  parse: {
    experimentalFunctions: true,
    durationExpressions: true,
    extendedRangeSelectors: true,
    binopFillModifiers: true,
    xFunctions: false,
  },
});

const custom: FloatHistogram = {
  schema: -53,
  zeroThreshold: 0,
  zeroCount: 0,
  count: 3,
  sum: 2,
  positiveSpans: [{ offset: 0, length: 2 }],
  negativeSpans: [],
  positiveBuckets: Float64Array.of(1, 2),
  negativeBuckets: new Float64Array(0),
  customValues: Float64Array.of(1),
  counterResetHint: "unknown",
  integer: true,
};

/** `g` every 15 s from `first` to 20 min; `b` is a classic histogram whose buckets fall; `h` has custom buckets. */
function source(first = 0): MemorySource {
  const series = [];
  for (const name of ["one", "two"]) {
    const samples = new SampleColumns();
    for (let t = first; t <= 1_200_000; t += 15_000) samples.pushFloat(t, t / 1000);
    series.push({ labels: Labels.from({ __name__: "g", name }), samples });
  }
  for (const [i, le] of ["1", "2", "+Inf"].entries()) {
    const samples = new SampleColumns();
    for (let t = 0; t <= 1_200_000; t += 15_000) samples.pushFloat(t, [5, 3, 6][i]!);
    series.push({ labels: Labels.from({ __name__: "b", le }), samples });
  }
  const samples = new SampleColumns();
  for (let t = 0; t <= 1_200_000; t += 15_000) samples.pushHistogram(t, custom);
  series.push({ labels: Labels.from({ __name__: "h" }), samples });
  return new MemorySource(series);
}

function instant(query: string, timeMs = 600_000, first = 0): Promise<QueryResult> {
  return engine.instant(query, source(first), timeMs);
}

function vector(result: QueryResult): (readonly [string, number])[] {
  assert.equal(result.value.type, "vector");
  if (result.value.type !== "vector") return [];
  return result.value.samples.map(({ labels, value }) => [labels.toString(), value] as const);
}

test("where both sides fail, the left one is told", async () => {
  const left = "sum_over_time(g[5m] smoothed)";
  const right = 'label_replace(g, "x", "", "name", "(")';
  for (const [query, want] of [
    [`${left} + ${right}`, /smoothed modifier can only be used with/],
    [`${right} + ${left}`, /invalid regular expression in label_replace/],
  ] as const) {
    const error = await instant(query).then(
      () => assert.fail("no error"),
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof PromqlError);
    assert.match(error.message, want);
  }
});

test("timestamp() under @ drops the offset, but sees only what was selected with it", async () => {
  const at = async (query: string) => vector(await instant(query))[0]?.[1];
  assert.equal(await at("timestamp(g @ 300)"), 300);
  assert.equal(await at("timestamp(g @ 300 offset 1m)"), 240);
  assert.equal(await at("timestamp(g @ 300 offset -1m)"), 300);
  assert.equal(await at("timestamp(g @ 300 offset 5m)"), undefined);
  assert.equal(await at("timestamp(g smoothed)"), 600);
});

test("histogram_quantiles counts a repaired histogram once", async () => {
  const { infos } = await instant('histogram_quantiles(b, "q", 0.5, 0.9, 2)');
  assert.equal(infos.length, 1);
  assert.match(infos[0]!, /from buckets 2 to 2, with a max diff of 2, over 1 samples/);
});

test("sort() warns by the range that was asked for", async () => {
  const warned = async (query: string, endMs: number) =>
    (await engine.range(query, source(), 600_000, endMs, 60_000)).warnings.length;
  assert.equal(await warned("sort(g)", 600_000), 0);
  assert.equal(await warned("sort(g)", 601_000), 1);
  assert.equal(await warned("sort(g @ 300)", 601_000), 0);
});

test("a raw smoothed range reaches for the sample after it", async () => {
  const result = await instant('g{name="one"}[1m] smoothed', 600_000, 700_000);
  assert.equal(result.value.type, "matrix");
  if (result.value.type !== "matrix") return;
  const [series] = result.value.series;
  assert.deepEqual([...series!.times], [540_000, 600_000]);
  assert.deepEqual([...series!.values], [700, 700]);
});

test("custom buckets times NaN are NaN through a subquery, too", async () => {
  const result = await instant("last_over_time((h * NaN)[5m:1m])");
  assert.equal(result.value.type, "vector");
  if (result.value.type !== "vector") return;
  const { histogram } = result.value.samples[0]!;
  const direct = (await instant("h * NaN")).value;
  assert.equal(direct.type, "vector");
  if (direct.type !== "vector") return;
  assert.deepEqual(histogram, direct.samples[0]!.histogram);
});

test("limit_ratio chooses by the hash of names and values, each ended by a byte of ones", async () => {
  const taken = async (ratio: number) =>
    vector(await instant(`limit_ratio(${ratio}, g)`)).map(([labels]) => labels);
  const all = await taken(1);
  assert.equal(all.length, 2);
  for (let ratio = 0.05; ratio < 1; ratio += 0.05) {
    const [some, rest] = await Promise.all([taken(ratio), taken(ratio - 1)]);
    assert.deepEqual([...some, ...rest].sort(), all);
  }
});
