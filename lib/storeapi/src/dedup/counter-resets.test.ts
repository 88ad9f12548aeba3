// Counters over downsampled chunks, sample by sample.
import assert from "node:assert/strict";
import { test } from "node:test";
import { SampleColumns } from "@deucalion/model";
import { CounterResets } from "./counter-resets.ts";

function part(...samples: readonly (readonly [number, number])[]): SampleColumns {
  const out = new SampleColumns();
  for (const [time, value] of samples) out.pushFloat(time, value);
  return out;
}

function read(startTimes: boolean, ...parts: readonly SampleColumns[]): [number, number][] {
  const resets = new CounterResets();
  const out = new SampleColumns(1);
  // Start times make it take the way of all kinds of samples.
  if (startTimes) out.withStartTimes();
  for (const one of parts) resets.take(one, out);
  return Array.from({ length: out.count }, (_, i) => [out.times[i]!, out.values[i]!]);
}

const chunks = [
  // The doubled last sample says where the counter stood at the end.
  part([10, 5], [20, 8], [30, 2], [30, 4]),
  part([30, 4], [40, 6], [50, Number.NaN], [60, 1], [60, 3]),
  part([70, 4]),
];
const counter = [
  [10, 5],
  [20, 8],
  [30, 10],
  [40, 12],
  [60, 13],
  [70, 14],
];

for (const startTimes of [false, true]) {
  const name = startTimes ? "any sample" : "floats";
  test(`CounterResets takes resets out of ${name} and goes on from the true end of a chunk`, () => {
    assert.deepEqual(read(startTimes, ...chunks), counter);
  });
}

test("CounterResets forgets the series before on reset()", () => {
  const resets = new CounterResets();
  const out = new SampleColumns();
  resets.take(part([10, 5]), out);
  resets.reset();
  resets.take(part([5, 1]), out);
  assert.deepEqual([out.times[1], out.values[1]], [5, 1]);
});
