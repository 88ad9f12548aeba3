// Points of WebAssembly are those that formatGoFloat would make.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { formatGoFloat } from "../format-float.ts";
import { PointKernel } from "./point-kernel.ts";
import { sourceHash } from "./points.wasm.ts";

const kernel = new PointKernel();

function written(times: Float64Array, values: Float64Array, from = 0, to = values.length): string {
  const end = kernel.write(times, values, from, to);
  assert.ok(end !== undefined);
  return Buffer.from(kernel.bytes.subarray(kernel.start, end)).toString("latin1");
}

function expected(times: ArrayLike<number>, values: ArrayLike<number>): string {
  let text = "";
  for (let i = 0; i < values.length; i++) {
    const seconds = times[i]! / 1000;
    const time = Number.isInteger(seconds) ? String(seconds) : seconds.toFixed(3);
    text += `,[${time},"${formatGoFloat(values[i]!)}"]`;
  }
  return text;
}

function check(values: readonly number[]): void {
  for (let from = 0; from < values.length; from += kernel.pointsMax) {
    const some = Float64Array.from(values.slice(from, from + kernel.pointsMax));
    const times = some.map((_, i) => 1_700_000_000_000 + 333 * i);
    assert.equal(written(times, some), expected(times, some));
  }
}

test("the module is made of the source that is there", () => {
  const source = readFileSync(new URL("../../../assembly/points.ts", import.meta.url));
  assert.equal(createHash("sha256").update(source).digest("hex"), sourceHash);
});

test("PointKernel writes powers of two and of ten, their neighbours, and what is no number", () => {
  const values = [0, -0, Number.NaN, -Number.NaN, Number.POSITIVE_INFINITY];
  values.push(Number.NEGATIVE_INFINITY, 999_999_999.999_999, 1e9 + 0.5, 9.9e-7, 1e-6, 0.1 + 0.2);
  for (let e = -1074; e < 1024; e++) {
    const power = 2 ** e;
    values.push(power, -power, power * (1 + 2 ** -52), power * (2 - 2 ** -52), 3 * power);
  }
  for (let e = -323; e < 309; e++) {
    for (const digits of ["1", "-9", "1.5", "9.999999999999999", "1.2345678901234567"])
      values.push(Number(`${digits}e${e}`));
  }
  check(values);
});

test("PointKernel writes any float as formatGoFloat does", () => {
  const decimal = fc
    .tuple(fc.maxSafeInteger(), fc.integer({ min: -9, max: 25 }))
    .map(([digits, places]) => digits / 10 ** places);
  const short = fc
    .tuple(fc.integer(), fc.integer({ min: 0, max: 9 }))
    .map(([digits, places]) => digits / 10 ** places);
  const some = fc.array(fc.oneof(fc.double(), decimal, short), { minLength: 1, maxLength: 300 });
  fc.assert(fc.property(some, check), { numRuns: 300 });
});

test("PointKernel writes times that were told before, and others", () => {
  const all = Float64Array.from({ length: 3000 }, (_, i) => -5000 + 250 * i);
  const values = all.map((_, i) => (i % 7 === 0 ? 1.5 : i / 8));
  const part = all.subarray(1500, 2000);
  const other = part.slice();
  const long = Float64Array.of(-999_999_999_999_999, -1, 999_999_999_999_999);
  for (const told of [all, Float64Array.of(3), part, all.subarray(1400, 1600), long]) {
    kernel.expect(told);
    assert.equal(written(part, values, 0, 500), expected(part, values.subarray(0, 500)));
    assert.equal(written(other, values, 0, 500), expected(part, values.subarray(0, 500)));
    const later = expected(all.subarray(2500), values.subarray(2500));
    assert.equal(written(all, values, 2500, 3000), later);
    assert.equal(written(long, values, 0, 3), expected(long, values.subarray(0, 3)));
  }
});

test("PointKernel leaves too many points and endless times to others", () => {
  const times = new Float64Array(kernel.pointsMax + 1);
  assert.equal(kernel.write(times, times, 0, times.length), undefined);
  assert.equal(kernel.write(Float64Array.of(0, 1e15), times, 0, 2), undefined);
  assert.equal(kernel.write(Float64Array.of(Number.NaN), times, 0, 1), undefined);
});
