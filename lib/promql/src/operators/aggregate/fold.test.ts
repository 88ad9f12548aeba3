// Folding rows into groups against doing it step by step.
import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyHistogram, type FloatHistogram, Labels, SampleColumns } from "@deucalion/model";
import { MemorySource } from "@deucalion/model/testing";
import fc from "fast-check";
import { Engine } from "../../engine.ts";

type Sample = number | FloatHistogram | null;

function histogram(sum: number): FloatHistogram {
  return { ...emptyHistogram(), sum, count: 2, zeroCount: 2 };
}

const sample: fc.Arbitrary<Sample> = fc.oneof(
  { weight: 6, arbitrary: fc.double({ min: -1e9, max: 1e9, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Infinity, -Infinity) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 9 }).map(histogram) },
  { weight: 1, arbitrary: fc.constant(null) },
);

const steps = 5;

function sourceOf(series: readonly (readonly Sample[])[]): MemorySource {
  return new MemorySource(
    series.map((samples, i) => {
      const columns = new SampleColumns();
      for (const [step, value] of samples.entries()) {
        if (typeof value === "number") columns.pushFloat(step * 1000, value);
        else if (value !== null) columns.pushHistogram(step * 1000, value);
      }
      return {
        labels: Labels.from({ __name__: "m", i: String(i).padStart(2, "0") }),
        samples: columns,
      };
    }),
  );
}

/** The aggregate of the samples of one step, or undefined for none. */
function plain(op: string, values: readonly (number | FloatHistogram)[]): number | undefined {
  const floats = values.filter((value) => typeof value === "number");
  const mixed = floats.length < values.length;
  if (values.length === 0) return undefined;
  if (op === "count") return values.length;
  if (op === "sum" || op === "avg") {
    if (mixed) return floats.length > 0 ? undefined : Number.NEGATIVE_INFINITY;
    const sum = floats.reduce((a, b) => a + b, 0);
    return op === "sum" ? sum : sum / floats.length;
  }
  if (floats.length === 0) return undefined;
  const numbers = floats.filter((value) => !Number.isNaN(value));
  if (op === "max") return numbers.length === 0 ? Number.NaN : Math.max(...numbers);
  if (op === "min") return numbers.length === 0 ? Number.NaN : Math.min(...numbers);
  const mean = floats.reduce((a, b) => a + b, 0) / floats.length;
  return floats.reduce((a, b) => a + (b - mean) ** 2, 0) / floats.length;
}

test("aggregations of floats, histograms and gaps equal those of each step", async () => {
  const engine = new Engine({ lookbackMs: 1000 });
  const series = fc.array(fc.array(sample, { minLength: steps, maxLength: steps }), {
    minLength: 1,
    maxLength: 6,
  });
  const op = fc.constantFrom("sum", "avg", "count", "min", "max", "stdvar");
  await fc.assert(
    fc.asyncProperty(series, op, async (rows, name) => {
      const result = await engine.range(`${name}(m)`, sourceOf(rows), 0, (steps - 1) * 1000, 1000);
      assert.ok(result.value.type === "matrix");
      const only = result.value.series[0];
      for (let step = 0; step < steps; step++) {
        const values = rows.map((row) => row[step]!).filter((value) => value !== null);
        const want = plain(name, values);
        const at = only === undefined ? -1 : only.times.indexOf(step * 1000);
        assert.equal(at >= 0, want !== undefined, `${name} at step ${step}`);
        if (want === undefined || want === Number.NEGATIVE_INFINITY) continue;
        const got = only!.values[at]!;
        const scale = Math.max(
          1e-6,
          ...values.map((v) => (typeof v === "number" ? Math.abs(v) : 0)),
        );
        const power = name === "stdvar" ? scale * scale : scale;
        const close = Math.abs(got - want) <= 1e-9 * power;
        assert.ok(Object.is(got + 0, want + 0) || close, `${name}: ${got} for ${want}`);
      }
    }),
    { numRuns: 300 },
  );
});
