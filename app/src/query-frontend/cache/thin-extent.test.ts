// A thinned row has the samples of the row that are on the coarser grid, and no others.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Row } from "../answers/row.ts";
import { FinerSteps } from "./finer-steps.ts";
import { thinExtent, thinRow } from "./thin-extent.ts";

const t0 = 1_700_000_000_000;

/** Time and value of everything in a row. */
function shown({ startMs, stepMs, indexes, values, histogramIndexes, histograms }: Row): string[] {
  const floats = [...values].map((value, i) => ({ index: indexes?.[i] ?? i, text: String(value) }));
  const rest = histograms.map((text, i) => ({ index: histogramIndexes[i]!, text: String(text) }));
  return [...floats, ...rest].map(({ index, text }) => `${startMs + index * stepMs} ${text}`);
}

const rows = fc
  .record({
    floats: fc.uniqueArray(fc.nat(60), { maxLength: 40 }),
    histograms: fc.uniqueArray(fc.nat(60), { maxLength: 10 }),
    dense: fc.boolean(),
    start: fc.nat(20),
    stepMs: fc.constantFrom(1, 1000, 1500),
  })
  .map(({ floats, histograms, dense, start, stepMs }): Row => {
    const sorted = floats.sort((a, b) => a - b);
    const places = dense ? sorted.map((_, i) => i) : sorted;
    return {
      metric: '{"__name__":"m"}',
      startMs: t0 + start * stepMs,
      stepMs,
      indexes: dense ? null : Uint32Array.from(places),
      values: Float64Array.from(places, (place) => place * 1.5),
      histogramIndexes: Uint32Array.from(histograms.sort((a, b) => a - b)),
      histograms: histograms.map((place) => Buffer.from(`h${place}`)),
    };
  });

test("thinRow() and thinExtent() keep what is on the grid", () => {
  const property = fc.property(
    rows,
    fc.integer({ min: 1, max: 9 }),
    fc.nat(30),
    (row, k, shift) => {
      const { stepMs } = row;
      const grid = { stepMs: k * stepMs, startMs: t0 + (shift - 15) * stepMs };
      const on = (ms: number): boolean => (ms - grid.startMs) % grid.stepMs === 0;
      const want = shown(row).filter((text) => on(Number(text.split(" ")[0])));
      const thin = thinRow(row, grid);
      assert.deepEqual(thin === null ? [] : shown(thin), want);
      if (thin !== null) assert.ok(want.length > 0);
      const extent = {
        startMs: t0,
        endMs: t0 + 90 * stepMs,
        rows: [row],
        warnings: [],
        infos: [],
        stores: null,
        analysis: {},
      };
      const thinned = thinExtent(extent, grid)!;
      assert.deepEqual(thinned.rows.flatMap(shown), want);
      assert.ok(on(thinned.startMs) && on(thinned.endMs));
      assert.ok(thinned.startMs >= extent.startMs && thinned.startMs < t0 + grid.stepMs);
      assert.ok(thinned.endMs <= extent.endMs && thinned.endMs > extent.endMs - grid.stepMs);
      assert.equal(thinExtent({ ...extent, infos: ["x"] }, grid), null);
    },
  );
  fc.assert(property, { numRuns: 500 });
});

test("FinerSteps names grids that have all times of another, the coarsest first", () => {
  const known = new FinerSteps();
  for (const stepMs of [15, 60, 90, 300]) known.remember("q", { stepMs, startMs: 600 });
  known.remember("q", { stepMs: 60, startMs: 610 });
  known.remember("other", { stepMs: 30, startMs: 600 });
  const finer = (stepMs: number, startMs: number) =>
    known.finer("q", { stepMs, startMs }).map((one) => `${one.stepMs}+${one.startMs}`);
  assert.deepEqual(finer(300, 1200), ["60+0", "15+0"]);
  assert.deepEqual(finer(60, 1210), []);
  assert.deepEqual(finer(120, 1210), ["60+10"]);
  assert.deepEqual(finer(-1, 0), []);
  assert.deepEqual(finer(300, -300), ["60+0", "15+0"]);
});
