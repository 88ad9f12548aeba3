// Columns of the pool are empty for whoever takes them, whatever the one before did.
import assert from "node:assert/strict";
import { test } from "node:test";
import { giveColumns, takeColumns } from "./column-pool.ts";
import { sortByTime } from "./encoded-batch.ts";

test("takeColumns() gives empty columns at home after any use", () => {
  const first = takeColumns();
  const { times, values, valueBits, capacity } = first;
  assert.notEqual(first.memory, null);
  first.pushFloat(2000, 2, 17);
  first.pushFloat(1000, 1);
  sortByTime(first, 0);
  assert.notEqual(first.times, times);
  assert.deepEqual([...first.times.subarray(0, 2)], [1000, 2000]);
  first.reset();
  assert.equal(first.times, times);
  first.pushFloat(2000, 2, 17);
  first.reset();
  first.pushFloat(1, 1);
  first.pushFloat(2, 1, 5);
  assert.deepEqual([...first.startTimes!.subarray(0, 3)], [0, 5, 0]);
  first.reserve(capacity);
  assert.equal(first.count, 2);
  assert.ok(first.capacity > capacity);
  assert.deepEqual([...first.times.subarray(0, 2)], [1, 2]);
  first.reset();
  assert.ok(first.capacity > capacity, "larger columns are kept for the next series");
  giveColumns(first);
  const again = takeColumns();
  assert.equal(again, first);
  assert.equal(again.count, 0);
  assert.equal(again.startTimes, null);
  assert.equal(again.times, times);
  assert.equal(again.values, values);
  assert.equal(again.valueBits, valueBits);
  giveColumns(again);
});

test("takeColumns() gives columns of their own when the memory is full", () => {
  const all = Array.from({ length: 20 }, () => takeColumns());
  assert.equal(new Set(all).size, 20);
  const own = all.filter((columns) => columns.memory === null);
  assert.ok(own.length > 0 && own.length < 20);
  for (const [i, columns] of all.entries()) columns.pushFloat(i, i);
  for (const [i, columns] of all.entries()) assert.equal(columns.values[0], i);
  for (const columns of all) giveColumns(columns);
});
