// Columns of WebAssembly hold what JavaScript decodes, and steps find in them what a plain loop finds.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { KernelError } from "../errors.ts";
import { anyStep, anyValueBits } from "../testing/any-sample.ts";
import { TestColumns } from "../testing/mod.ts";
import { decodeXorInto } from "../xor/decode-xor.ts";
import { encodeXor, XorScratch } from "../xor/encode-xor.ts";
import type { ValueColumns } from "./chunk-memory.ts";
import { SampleMemory, type StepLookup } from "./sample-memory.ts";
import { sourceHash } from "./steps.wasm.ts";

const samplesMax = 2000;
const memory = new SampleMemory(2, samplesMax);

/** Columns that are never replaced. */
class FixedColumns implements ValueColumns {
  count = 0;
  times = new Float64Array(0);
  values = new Float64Array(0);
  valueBits = new Uint32Array(0);
  reserve(extra: number): void {
    if (this.count + extra > this.times.length) throw new RangeError("columns are full");
  }
}

const columns = new FixedColumns();
memory.columns(columns);

test("the module is made of the source that is there", () => {
  const source = readFileSync(new URL("../../../assembly/steps.ts", import.meta.url));
  assert.equal(createHash("sha256").update(source).digest("hex"), sourceHash);
});

test("SampleMemory has as many columns as it was made for", () => {
  const one = new SampleMemory(1, 10);
  const first = new FixedColumns();
  assert.ok(one.columns(first));
  assert.equal(first.times.length, 10);
  assert.equal(one.columns(new FixedColumns()), false);
});

const samples = fc.array(fc.tuple(anyStep, anyValueBits), { minLength: 1, maxLength: 300 });

test("SampleMemory decodes chunks from anywhere as decodeXorInto does, errors too", () => {
  fc.assert(
    fc.property(samples, fc.nat({ max: 300 }), fc.nat(), fc.nat(), (some, before, cut, flip) => {
      const plain = new TestColumns();
      plain.reserve(some.length);
      let time = 1_700_000_000_000;
      for (const [step, bits] of some) {
        time += Math.abs(step) + 1;
        plain.times[plain.count] = time;
        plain.valueBits.set(bits, 2 * plain.count);
        plain.count++;
      }
      const chunk = encodeXor(plain.times, plain.valueBits, 0, plain.count, new XorScratch());
      const data = new Uint8Array(before + chunk.length + (cut % 60));
      data.set(chunk, before);
      if (flip % 3 === 0) data[before + (flip % chunk.length)]! ^= 1 << (flip % 8);
      const length = cut % 4 === 0 ? cut % chunk.length : chunk.length;
      columns.count = before;
      const want = new TestColumns();
      const outcome = (decode: () => number): unknown => {
        try {
          return decode();
        } catch (error) {
          return error instanceof KernelError ? error.code : "full";
        }
      };
      const expected = outcome(() => decodeXorInto(data, before, length, want));
      if (want.count + before > samplesMax) return;
      const got = outcome(() => memory.decodeXorInto(data, before, length, columns));
      if (got !== "full") assert.equal(got, expected);
      if (typeof got !== "number") return;
      assert.equal(columns.count, before + got);
      const { times, valueBits, count } = columns;
      assert.deepEqual(times.slice(before, count), want.times.slice(0, got));
      const bits = valueBits.slice(2 * before, 2 * count);
      assert.deepEqual(bits, want.valueBits.slice(0, 2 * got));
    }),
    { numRuns: 400 },
  );
});

function lookedUp(times: readonly number[], values: Float64Array, lookup: StepLookup): number[] {
  const { firstMs, stepMs, lookbackMs, count } = lookup;
  const bits = new BigUint64Array(values.buffer);
  return Array.from({ length: count }, (_, i) => {
    const at = firstMs + i * stepMs;
    const last = times.findLastIndex((time) => time <= at);
    const found = last >= 0 && times[last]! > at - lookbackMs && bits[last] !== 0x7ff0000000000002n;
    return found ? values[last]! : -1;
  });
}

test("SampleMemory.lookUp() finds what is not too old at each step", () => {
  const stale = new Float64Array(BigUint64Array.of(0x7ff0000000000002n).buffer)[0]!;
  const value = fc.oneof({ weight: 4, arbitrary: fc.nat() }, fc.constantFrom(stale, Number.NaN));
  const some = fc.array(fc.tuple(fc.nat({ max: 40 }), value), { maxLength: 100 });
  const lookups = fc.record({
    firstMs: fc.integer({ min: -50, max: 500 }),
    stepMs: fc.nat({ max: 60 }),
    lookbackMs: fc.nat({ max: 100 }),
    count: fc.integer({ min: 1, max: 80 }),
  });
  fc.assert(
    fc.property(some, lookups, (pairs, lookup) => {
      let time = 0;
      const times = pairs.map(([step]) => (time += step + 1));
      columns.count = pairs.length;
      for (const [i, [, v]] of pairs.entries()) {
        columns.times[i] = times[i]!;
        columns.values[i] = v;
        // A NaN may lose its bits in a list.
        if (Object.is(v, stale) && i % 2 === 0) columns.valueBits.set([2, 0x7ff00000], 2 * i);
      }
      const values = columns.values.slice(0, pairs.length);
      const out = {
        values: new Float64Array(lookup.count),
        present: new Uint8Array(lookup.count).fill(7),
      };
      const found = memory.lookUp(columns, lookup, out);
      const want = lookedUp(times, values, lookup);
      assert.deepEqual(
        want.map((_, i) => (out.present[i] === 1 ? out.values[i] : -1)),
        want,
      );
      assert.equal(found, want.filter((v) => v !== -1).length);
      assert.ok(out.present.every((is) => is < 2));
    }),
    { numRuns: 400 },
  );
});

test("SampleMemory.lookUp() leaves columns elsewhere to others", () => {
  const lookup = { firstMs: 0, stepMs: 1, lookbackMs: 5, count: 10 };
  const out = { values: new Float64Array(10), present: new Uint8Array(10) };
  assert.equal(memory.lookUp(new TestColumns(), lookup, out), undefined);
  assert.equal(memory.lookUp(columns, { ...lookup, count: 100_000 }, out), undefined);
});
