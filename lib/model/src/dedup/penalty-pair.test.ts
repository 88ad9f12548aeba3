// The written-out pair gives what the general fold gives: values that never fall are never lifted.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SampleColumns } from "../sample-columns.ts";
import { mergePenalty } from "./penalty.ts";

function columnsOf(steps: readonly number[], value: number): SampleColumns {
  const samples = new SampleColumns(1);
  let time = 0;
  for (const step of steps) {
    time += step;
    samples.pushFloat(time, value);
  }
  return samples;
}

test("mergePenalty() of gauges picks the samples that it picks of counters which do not fall", () => {
  const steps = fc.array(fc.integer({ min: 1, max: 40_000 }), { maxLength: 60 });
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 4 }), (replicas) => {
      const columns = replicas.map((replica) => columnsOf(replica, 7));
      const gauge = new SampleColumns(1);
      const counter = new SampleColumns(1);
      mergePenalty(columns, false, gauge);
      mergePenalty(columns, true, counter);
      const times = (samples: SampleColumns): number[] =>
        Array.from(samples.times.subarray(0, samples.count));
      assert.deepEqual(times(gauge), times(counter));
    }),
    { numRuns: 500 },
  );
});
