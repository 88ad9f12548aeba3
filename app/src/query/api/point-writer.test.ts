// Points are written as Go writes them, whole series at once.
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatGoFloat } from "@deucalion/kernels";
import fc from "fast-check";
import { JsonWriter } from "../../http/answers/json-writer.ts";
import { PointWriter } from "./point-writer.ts";

/** What the series `values` over the times come out as, one text for each series. */
async function written(times: number[], ...series: number[][]): Promise<string[]> {
  return writtenOver(null, times, ...series);
}

/** The same, where all times are told before. */
async function writtenOver(
  all: number[] | null,
  times: number[],
  ...series: number[][]
): Promise<string[]> {
  const parts: Buffer[] = [];
  const out = new JsonWriter(async (slab) => void parts.push(slab));
  const points = new PointWriter(out);
  if (all !== null) points.expect(Float64Array.from(all));
  const column = Float64Array.from(times);
  for (const values of series) {
    points.write(column, Float64Array.from(values));
    out.byte(0x0a);
  }
  const last = await out.finish();
  return Buffer.concat([...parts, last])
    .toString("latin1")
    .split("\n")
    .slice(0, -1);
}

function expected(times: number[], values: number[]): string {
  const seconds = (ms: number): string =>
    ms % 1000 === 0 ? String(ms / 1000) : (ms / 1000).toFixed(3);
  return `[${values.map((v, i) => `[${seconds(times[i]!)},"${formatGoFloat(v)}"]`).join()}`;
}

const edges = [
  0,
  -0,
  1,
  -1,
  9,
  10,
  99,
  100,
  999,
  1000,
  9999,
  10_000,
  12_345,
  99_999_999,
  100_000_000,
  1e8 + 7,
  123_456_789_012,
  2 ** 53 - 1,
  2 ** 53,
  -(2 ** 53),
  1e21,
  0.1,
  -0.25,
  1e-6,
  9.9e-7,
  0.000012,
  1.000001,
  1.5,
  999_999_999.999_999,
  1e9 + 0.5,
  0.1 + 0.2,
  1 / 3,
  Number.NaN,
  1 / 0,
  -1 / 0,
];

test("PointWriter writes edges as formatGoFloat does, and what stands still", async () => {
  const values = edges.flatMap((value) => [value, value, value]);
  const times = values.map((_, i) => 1_700_000_000_000 + 250 * i);
  const flat = values.map(() => 42.5);
  const got = await written(times, values, flat, values);
  const want = [values, flat, values].map((one) => expected(times, one));
  assert.deepEqual(got, want);
  assert.deepEqual(await writtenOver(times, times, values, flat, values), want);
});

test("PointWriter writes times before 1970 and single points", async () => {
  assert.deepEqual(await written([-1500], [1]), ['[[-1.500,"1"]']);
  assert.deepEqual(await written([0], [7]), ['[[0,"7"]']);
});

test("PointWriter agrees with formatGoFloat for any number and any length", async () => {
  const decimal = fc
    .tuple(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), fc.integer({ min: 0, max: 9 }))
    .map(([digits, places]) => digits / 10 ** places);
  const whole = fc.maxSafeInteger();
  const numbers = fc.array(fc.oneof(fc.double(), decimal, whole), { minLength: 1, maxLength: 400 });
  await fc.assert(
    fc.asyncProperty(numbers, fc.nat({ max: 2 ** 42 }), async (values, start) => {
      const times = values.map((_, i) => start + 15_000 * i);
      const want = [expected(times, values)];
      assert.deepEqual(await written(times, values), want);
      assert.deepEqual(await writtenOver(times, times, values), want);
      const some = times.filter((time) => time % 4 !== 0);
      if (some.length === 0) return;
      const few = some.map((_, i) => values[i]!);
      assert.deepEqual(await writtenOver(times, some, few), [expected(some, few)]);
    }),
    { numRuns: 200 },
  );
});
