// Tests of which replica gave which sample.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { MatrixSeries, Sample } from "../api/types.ts";
import {
  coverage,
  cutMerged,
  type DedupFunc,
  firstDifference,
  gapsOf,
  groupReplicas,
  lanesWithin,
  mergeTraced,
  type ReplicaLane,
  spansOf,
} from "./trace.ts";

/** Samples every 15 s from `from` to below `to` (seconds), but for those within `hole`. */
function samples(from: number, to: number, hole: readonly [number, number]): Sample[] {
  const out: Sample[] = [];
  for (let t = from; t < to; t += 15) {
    if (t < hole[0] || t >= hole[1]) out.push([t, String(t)]);
  }
  return out;
}

const result: MatrixSeries[] = [
  { metric: { __name__: "up", replica: "b" }, values: samples(1005, 1900, [1700, 1750]) },
  { metric: { __name__: "up", replica: "a" }, values: samples(1000, 1900, [1300, 1600]) },
];

test("groupReplicas() puts replicas of one series together, in the order of their labels", () => {
  const groups = groupReplicas(
    [...result, { metric: { __name__: "down" }, values: [[1, "1"]] }],
    ["replica"],
  );
  assert.deepEqual(
    groups.map((g) => [g.labels, g.lanes.map((l) => [l.name, l.spacingMs])]),
    [
      [
        { __name__: "up" },
        [
          ["a", 15_000],
          ["b", 15_000],
        ],
      ],
      [{ __name__: "down" }, [["", 0]]],
    ],
  );
});

test("mergeTraced() tells that the hole of a is filled by b, with every merge", () => {
  const [group] = groupReplicas(result, ["replica"]);
  assert.ok(group);
  for (const func of ["fill", "penalty"] satisfies DedupFunc[]) {
    const merged = mergeTraced(group, func, false);
    for (let i = 0; i < merged.times.length; i++) {
      const lane: ReplicaLane | undefined = group.lanes[merged.lanes[i] ?? 9];
      const at: number = lane?.times.indexOf(merged.times[i] ?? 0) ?? -1;
      assert.ok(at >= 0, `${func}: the lane has the sample`);
      assert.equal(merged.values[i], lane?.values[at]);
    }
    const within = cutMerged(merged, 1_350_000, 1_550_000);
    assert.ok(within.lanes.length > 10 && within.lanes.every((lane) => lane === 1), func);
  }
  const spans = spansOf(mergeTraced(group, "fill", false));
  assert.deepEqual(
    spans.map((s) => s.lane),
    [0, 1, 0],
  );
  const chain = mergeTraced(group, "chain", false);
  assert.equal(
    chain.times.length,
    group.lanes.reduce((n, l) => n + l.times.length, 0),
  );
});

test("gapsOf() and coverage() measure what is missing", () => {
  const times = Float64Array.from([0, 15, 30, 90, 105]);
  const gaps = gapsOf(times, 15, 0, 120);
  assert.deepEqual(gaps, [{ fromMs: 30, toMs: 90 }]);
  assert.equal(coverage(gaps, 15, 0, 120), 1 - 45 / 120);
  assert.deepEqual(gapsOf(new Float64Array(0), 15, 0, 120), [{ fromMs: 0, toMs: 120 }]);
});

test("lanesWithin() tells a gap of all replicas from samples that were held back", () => {
  const lane = (name: string, times: number[]) => ({
    name,
    times: Float64Array.from(times),
    values: new Float64Array(times.length),
    spacingMs: 15,
  });
  const lanes = [lane("a", [0, 15, 90]), lane("b", [5, 20, 50, 85])];
  assert.deepEqual(
    lanesWithin({ fromMs: 15, toMs: 90 }, lanes).map((l) => l.name),
    ["b"],
  );
  assert.deepEqual(lanesWithin({ fromMs: 20, toMs: 50 }, lanes), []);
});

test("firstDifference() finds the first sample that only one side has, or that differs", () => {
  const lanes = new Uint8Array(3);
  const ours = { times: Float64Array.of(1, 2, 3), values: Float64Array.of(1, NaN, 3), lanes };
  const theirs = (values: number[], times = [1, 2, 3]) => ({
    name: "",
    spacingMs: 1,
    times: Float64Array.from(times),
    values: Float64Array.from(values),
  });
  assert.equal(firstDifference(ours, theirs([1, NaN, 3])), null);
  assert.deepEqual(firstDifference(ours, theirs([1, NaN, 4])), { atMs: 3, ours: 3, theirs: 4 });
  assert.deepEqual(firstDifference(ours, theirs([1, NaN], [1, 2])), {
    atMs: 3,
    ours: 3,
    theirs: null,
  });
});
