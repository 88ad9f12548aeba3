// Numbers in results are written as Go writes them, whichever way is taken.
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatGoFloat } from "@deucalion/kernels";
import fc from "fast-check";
import { JsonWriter } from "../../http/answers/json-writer.ts";
import { writeValue } from "./result-json.ts";

async function text(value: number): Promise<string> {
  const out = new JsonWriter(async () => undefined);
  writeValue(out, value);
  return (await out.finish()).toString("latin1");
}

test("writeValue writes decimals as formatGoFloat does", async () => {
  const edges = [0, -0, 1, -1, 0.1, -0.25, 1e-6, 9.9e-7, 0.000012, 1.000001, 999999999.999999, 1e9];
  const more = [1e9 + 0.5, 2 ** 53, 2 ** 53 + 2, 0.1 + 0.2, 1 / 3, 1e21, Number.NaN, 1 / 0, -1 / 0];
  for (const value of [...edges, ...more]) {
    assert.equal(await text(value), `"${formatGoFloat(value)}"`, String(value));
  }
});

test("writeValue agrees with formatGoFloat for any number", async () => {
  const decimal = fc
    .tuple(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), fc.integer({ min: 0, max: 9 }))
    .map(([digits, places]) => digits / 10 ** places);
  const numbers = fc.oneof(fc.double(), decimal, fc.double({ min: -1e10, max: 1e10 }));
  await fc.assert(
    fc.asyncProperty(numbers, async (value) => {
      assert.equal(await text(value), `"${formatGoFloat(value)}"`);
    }),
    { numRuns: 2000 },
  );
});
