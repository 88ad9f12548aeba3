// Bit streams: what is written is read back, at any alignment.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { XorValueReader, XorValueWriter } from "../xor/xor-window.ts";
import { BitReader } from "./bit-reader.ts";
import { BitWriter } from "./bit-writer.ts";

const integer = fc.oneof(
  fc.integer({ min: -600, max: 600 }),
  fc.integer(),
  fc.integer({ min: -(2 ** 52), max: 2 ** 52 }),
  fc.constantFrom(-3, 4, -31, 32, -255, 256, -2047, 2048, -131071, 131072, -16777215, 16777216),
  fc.constantFrom(-4, 5, -32, 33, -256, 257, -2048, 2049, -131072, 131073, -16777216, 16777217),
);

test("varbit integers, varints and floats read back at any alignment", () => {
  fc.assert(
    fc.property(
      fc.array(integer, { maxLength: 20 }),
      fc.integer({ min: 0, max: 31 }),
      (list, skew) => {
        const out = new BitWriter(8);
        if (skew > 0) out.bits(1, skew);
        for (const value of list) {
          out.varbitInt(value);
          out.varbitUint(Math.abs(value));
          out.varint(value);
          out.int64(value);
          out.float64(value / 3);
        }
        const data = out.finish();
        const from = new BitReader().reset(data, 0, data.length);
        if (skew > 0) assert.equal(from.bits(skew), 1);
        for (const value of list) {
          assert.equal(from.varbitInt(), value);
          assert.equal(from.varbitUint(), Math.abs(value));
          assert.equal(from.varint(), value);
          assert.equal(from.int64(), value);
          assert.equal(from.float64(), value / 3);
        }
        assert.ok(from.left < 8);
        assert.throws(() => from.bits(8), { code: "KERNEL_TRUNCATED" });
      },
    ),
  );
});

test("XorValueReader gives the bits that XorValueWriter took", () => {
  const word = fc.oneof(
    fc.constant(0),
    fc.integer().map((n) => n >>> 0),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(word, word), { minLength: 1, maxLength: 40 }), (values) => {
      const out = new BitWriter();
      const writer = new XorValueWriter();
      for (const [i, [high, low]] of values.entries()) {
        if (i === 0) writer.first(out, high, low);
        else writer.write(out, high, low);
      }
      const data = out.finish();
      const from = new BitReader().reset(data, 0, data.length);
      const reader = new XorValueReader();
      const got = values.map((_, i) => {
        if (i === 0) reader.first(from);
        else reader.read(from);
        return [reader.high >>> 0, reader.low >>> 0];
      });
      assert.deepEqual(got, values);
    }),
  );
});

test("varbitRow reads what varbitInt reads one by one", () => {
  const change = fc.oneof(
    { weight: 6, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: integer },
  );
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 150 }),
      fc.integer({ min: 0, max: 31 }),
      fc.nat({ max: 5 }),
      (changes, skew, from) => {
        const out = new BitWriter(8);
        if (skew > 0) out.bits(1, skew);
        for (const one of changes) out.varbitInt(one);
        out.varbitInt(77);
        const data = out.finish();
        const reader = new BitReader().reset(data, 0, data.length);
        if (skew > 0) reader.bits(skew);
        const width = from + changes.length;
        const steps = Float64Array.from({ length: width }, (_, i) => (i % 5) - 2);
        let change = 0;
        const wantedSteps = steps.map((step, i) => {
          if (i >= from) change += changes[i - from]!;
          return step + change;
        });
        const row = Float64Array.from({ length: width }, (_, i) => i * 3);
        const cells = new Float64Array(2 * width + 2).fill(-1);
        cells.set(row);
        reader.varbitRow(steps, from, width, cells, 0, width + 1);
        assert.deepEqual(steps, wantedSteps);
        const wanted = row.map((count, i) => (i < from ? -1 : count + wantedSteps[i]!));
        assert.deepEqual([...cells], [...row, -1, ...wanted, -1]);
        assert.equal(reader.varbitInt(), 77);
      },
    ),
  );
  const short = new BitReader().reset(new Uint8Array(2), 0, 2);
  assert.throws(() => short.varbitRow(new Float64Array(20), 0, 20, new Float64Array(40), 0, 20), {
    code: "KERNEL_TRUNCATED",
  });
});
