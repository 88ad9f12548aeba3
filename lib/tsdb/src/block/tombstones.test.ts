// Tombstones: intervals against a set of milliseconds, files, and removal from columns.
import assert from "node:assert/strict";
import test from "node:test";
import { SampleColumns } from "@deucalion/model";
import fc from "fast-check";
import {
  addInterval,
  coversRange,
  decodeTombstones,
  encodeTombstones,
  type Interval,
  meetsRange,
  removeDeleted,
} from "./tombstones.ts";

const interval = fc
  .tuple(fc.integer({ min: -20, max: 60 }), fc.nat(10))
  .map(([minTime, length]): Interval => ({ minTime, maxTime: minTime + length }));
const intervals = fc.array(interval, { maxLength: 12 });

function joined(list: readonly Interval[]): Interval[] {
  return list.reduce<Interval[]>(addInterval, []);
}

function holds(list: readonly Interval[], time: number): boolean {
  return list.some(({ minTime, maxTime }) => minTime <= time && time <= maxTime);
}

test("addInterval() keeps a list ascending, apart, and holding the same times", () => {
  fc.assert(
    fc.property(intervals, (list) => {
      const out = joined(list);
      for (let t = -25; t < 80; t++) assert.equal(holds(out, t), holds(list, t));
      for (let i = 1; i < out.length; i++) assert.ok(out[i]!.minTime > out[i - 1]!.maxTime + 1);
    }),
  );
});

test("a tombstones file reads back, and tells damage", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(9), intervals), { maxLength: 5 }), (entries) => {
      const tombstones = new Map(
        entries
          .map(([ref, list]) => [ref, joined(list)] as const)
          .filter(([, list]) => list.length > 0),
      );
      const data = encodeTombstones(tombstones);
      assert.deepEqual(decodeTombstones(data), tombstones);
      const bad = data.slice();
      bad[data.length - 1] = bad[data.length - 1]! ^ 1;
      assert.throws(() => decodeTombstones(bad), { code: "TSDB_TOMBSTONES" });
    }),
  );
});

test("removeDeleted() removes exactly the samples within intervals", () => {
  fc.assert(
    fc.property(intervals, fc.nat(5), (list, kept) => {
      const deleted = joined(list);
      const samples = new SampleColumns(1);
      for (let t = -25; t < 80; t += 3) samples.pushFloat(t, t, 7);
      const from = Math.min(kept, samples.count);
      const want = [...samples.times.slice(0, samples.count)].filter(
        (t, i) => i < from || !holds(deleted, t),
      );
      removeDeleted(samples, from, deleted);
      assert.deepEqual([...samples.times.slice(0, samples.count)], want);
      assert.deepEqual([...samples.values.slice(0, samples.count)], want);
    }),
  );
});

test("coversRange() and meetsRange() say what an interval does to a chunk", () => {
  const list = [{ minTime: 10, maxTime: 20 }];
  assert.deepEqual([coversRange(list, 10, 20), coversRange(list, 9, 20)], [true, false]);
  assert.deepEqual([meetsRange(list, 20, 30), meetsRange(list, 21, 30)], [true, false]);
});
