// Tests of graph columns: gaps stay gaps.
import assert from "node:assert/strict";
import { test } from "node:test";
import { lonePoints, stackRows, toColumns } from "./columns.ts";

test("toColumns() puts samples on their steps and leaves gaps empty", () => {
  const columns = toColumns(
    [
      {
        metric: { a: "1" },
        values: [
          [10, "1"],
          [30, "3"],
          [40, "NaN"],
        ],
      },
      { metric: { a: "2" }, values: [[20, "+Inf"]] },
      { metric: { a: "3" }, histograms: [[10, { count: "1", sum: "1" }]] },
    ],
    10_000,
    40_000,
    10_000,
  );
  assert.deepEqual(columns, {
    times: [10, 20, 30, 40],
    rows: [
      [1, null, 3, null],
      [null, null, null, null],
      [null, null, null, null],
    ],
    histogramSeries: 1,
    specialSamples: 2,
  });
});

test("stackRows() adds shown rows up and keeps gaps", () => {
  const rows = [
    [1, null, 1],
    [2, 2, 2],
    [4, 4, null],
  ];
  assert.deepEqual(stackRows(rows, []), [
    [1, null, 1],
    [3, 2, 3],
    [7, 6, null],
  ]);
  assert.deepEqual(stackRows(rows, [true, false, true]), [
    [1, null, 1],
    [null, null, null],
    [5, 4, null],
  ]);
});

test("lonePoints() finds points without neighbours", () => {
  assert.deepEqual(lonePoints([1, null, 2, 3, null, 4]), [0, 5]);
  assert.deepEqual(lonePoints([null]), []);
});
