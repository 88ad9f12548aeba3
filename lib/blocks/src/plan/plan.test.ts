// Planning: the cases that matter one by one, and what must hold for any blocks.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type BlockMeta, parseBlockMeta } from "../meta/block-meta.ts";
import { compactionGroups } from "./compaction-group.ts";
import { planAll, planCompactions } from "./compaction-plan.ts";
import { compactionRangesMs } from "./compaction-ranges.ts";
import { compareByMinTime, overlappingRun, planGroup, splitByRange } from "./plan-group.ts";

const hourMs = 3_600_000;
const none: ReadonlySet<string> = new Set();

function block(id: string, fromHour: number, toHour: number, extra: object = {}): BlockMeta {
  return parseBlockMeta(
    JSON.stringify({
      ulid: id,
      minTime: fromHour * hourMs,
      maxTime: toHour * hourMs,
      compaction: { level: 1, sources: [id] },
      version: 1,
      thanos: { labels: { a: "1" }, downsample: { resolution: 0 }, source: "sidecar" },
      ...extra,
    }),
  );
}

function plan(blocks: readonly BlockMeta[], excluded: ReadonlySet<string> = none): string {
  const sorted = [...blocks].sort(compareByMinTime);
  return planGroup(sorted, compactionRangesMs, excluded)
    .map(({ ulid }) => ulid)
    .join("");
}

test("planGroup() fills windows, smallest first, and leaves the newest block alone", () => {
  const twos = [..."abcde"].map((id, i) => block(id, 2 * i, 2 * i + 2));
  assert.equal(plan(twos), "abcd");
  assert.equal(plan(twos.slice(0, 4)), "", "the window is full, but d is the newest");
  assert.equal(plan([block("a", 0, 2), block("b", 6, 8), block("c", 8, 10)]), "ab", "a gap");
  assert.equal(plan([block("a", 0, 2), block("b", 2, 4), block("c", 4, 6)]), "", "not full yet");
  const eights = [..."abcdefg"].map((id, i) => block(id, 8 * i, 8 * i + 8));
  assert.equal(plan(eights), "abcdef");
});

test("planGroup() goes around blocks that are marked or have failed", () => {
  const twos = [..."abcde"].map((id, i) => block(id, 2 * i, 2 * i + 2));
  assert.equal(plan(twos, new Set("b")), "cd");
  assert.equal(plan(twos, new Set("bd")), "");
  const compaction = { level: 1, sources: ["c"], failed: true };
  const failed = [...twos.slice(0, 2), block("c", 4, 6, { compaction }), ...twos.slice(3)];
  assert.equal(plan(failed), "");
});

test("planGroup() takes overlaps first, and blocks with many deletions last", () => {
  const overlap = [block("a", 0, 2), block("b", 1, 3), block("c", 2, 4), block("d", 8, 10)];
  assert.equal(plan(overlap), "abc");
  const stats = { numSeries: 10, numTombstones: 3 };
  assert.equal(plan([block("a", 0, 8, { stats }), block("b", 8, 10)]), "a");
  assert.equal(plan([block("a", 0, 2, { stats }), block("b", 2, 4)]), "", "too short");
});

test("splitByRange() works before 1970 too", () => {
  const blocks = [block("a", -4, -2), block("b", -2, 0), block("c", 0, 2)];
  const parts = splitByRange(blocks, 8 * hourMs);
  assert.deepEqual(
    parts.map((part) => part.map(({ ulid }) => ulid).join("")),
    ["ab", "c"],
  );
});

const anyBlocks = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 200 }), fc.constantFrom(1, 2, 2, 2, 8, 8, 48, 5)), {
    minLength: 1,
    maxLength: 30,
  })
  .map((list) =>
    list
      .map(([start, hours], i) =>
        block(`b${String(i).padStart(3, "0")}`, 2 * start, 2 * start + hours),
      )
      .sort(compareByMinTime),
  );

test("plans end, and leave no overlap where nothing is excluded", () => {
  fc.assert(
    fc.property(anyBlocks, (blocks) => {
      const [group] = compactionGroups(blocks);
      const steps = planCompactions(group!, compactionRangesMs, none);
      assert.ok(steps.length < 2 * blocks.length);
      // Carry the steps out on paper: each source is used once, and what is left does not overlap.
      const left = new Map(blocks.map((one) => [one.ulid, one]));
      for (const [i, { sources, minTime, maxTime, vertical }] of steps.entries()) {
        const taken = sources.map((id) => left.get(id)!);
        assert.ok(
          taken.every((one) => one !== undefined),
          "sources exist once",
        );
        assert.equal(overlappingRun(taken).length > 0, vertical);
        for (const id of sources) left.delete(id);
        const id = `${group!.key}/${i}`;
        left.set(id, { ...taken[0]!, ulid: id, minTime, maxTime });
      }
      assert.equal(overlappingRun([...left.values()].sort(compareByMinTime)).length, 0);
    }),
  );
});

test("a plan never takes what is excluded, nor a window wider than its range", () => {
  fc.assert(
    fc.property(anyBlocks, fc.infiniteStream(fc.boolean()), (blocks, marks) => {
      const excluded = new Set(blocks.filter(() => marks.next().value).map(({ ulid }) => ulid));
      const chosen = planGroup(blocks, compactionRangesMs, excluded);
      assert.ok(chosen.every(({ ulid }) => !excluded.has(ulid)));
      if (chosen.length === 0 || overlappingRun(chosen).length > 0) return;
      const span = chosen.at(-1)!.maxTime - chosen[0]!.minTime;
      assert.ok(chosen.length > 1 && span <= compactionRangesMs.at(-1)!);
      assert.ok(!chosen.includes(blocks.at(-1)!));
    }),
  );
});

test("planAll() shows what is blocked and what is deleted when", () => {
  const blocks = [block("a", 0, 48), block("b", 48, 50)];
  const all = planAll({
    metas: blocks,
    noCompact: new Map([["b", "manual: x"]]),
    noDownsample: new Map(),
    deleted: new Map([["z", 1000]]),
    unreadable: new Map([["y", "meta.json is not JSON"]]),
    rangesMs: compactionRangesMs,
    retention: { rawMs: 100 * hourMs, fiveMinutesMs: 0, oneHourMs: 0 },
    deleteDelayMs: 500,
    downsampling: true,
  });
  assert.deepEqual(all, {
    compactions: [],
    downsamplings: [{ source: "a", resolutionMs: 300_000 }],
    blocked: [
      { block: "b", what: "compaction", reason: "manual: x" },
      { block: "y", what: "everything", reason: "meta.json is not JSON" },
    ],
    deletions: [
      { block: "z", reason: "marked", atMs: 1500 },
      { block: "a", reason: "retention", atMs: 148 * hourMs },
      { block: "b", reason: "retention", atMs: 150 * hourMs },
    ],
  });
});
