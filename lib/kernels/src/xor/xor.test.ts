// XOR chunks: every bit of every sample survives, anywhere in a buffer; damage is an error and changes nothing.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { KernelError } from "../errors.ts";
import { anyStep, anyValueBits } from "../testing/any-sample.ts";
import { makeXorSamples, TestColumns } from "../testing/mod.ts";
import { decodeXorInto } from "./decode-xor.ts";
import { encodeXor, XorAppender } from "./encode-xor.ts";

test("decodeXorInto() gives back what encodeXor() took, bit by bit", () => {
  const sample = fc.tuple(anyStep, anyValueBits);
  const samples = fc.array(sample, { maxLength: 200 });
  fc.assert(
    fc.property(
      fc.integer({ min: -(10 ** 13), max: 10 ** 13 }),
      samples,
      fc.nat(40),
      (start, list, pad) => {
        const input = new TestColumns(Math.max(1, list.length));
        let time = start;
        for (const [i, [delta, [low, high]]] of list.entries()) {
          time += i === 0 ? 0 : delta;
          input.times[i] = time;
          input.valueBits[2 * i] = low;
          input.valueBits[2 * i + 1] = high;
        }
        const chunk = encodeXor(input.times, input.valueBits, 0, list.length);
        const appender = new XorAppender();
        for (let i = 0; i < list.length; i++) {
          appender.append(input.times[i]!, input.valueBits[2 * i + 1]!, input.valueBits[2 * i]!);
        }
        assert.deepEqual(appender.finish(), chunk);
        const buffer = new Uint8Array(3 + chunk.length + pad).fill(0xa5);
        buffer.set(chunk, 3);
        const out = new TestColumns(1);
        assert.equal(decodeXorInto(buffer, 3, chunk.length, out), list.length);
        assert.deepEqual(out.times.slice(0, out.count), input.times.slice(0, list.length));
        assert.deepEqual(
          out.valueBits.slice(0, 2 * out.count),
          input.valueBits.slice(0, 2 * list.length),
        );
      },
    ),
  );
});

test("decodeXorInto() refuses every cut-off chunk and leaves the columns alone", () => {
  const input = makeXorSamples("gauge", 60, 3);
  const chunk = encodeXor(input.times, input.valueBits, 0, 60);
  for (let length = 0; length < chunk.length; length++) {
    const out = new TestColumns();
    assert.throws(() => decodeXorInto(chunk.subarray(0, length), 0, length, out), KernelError);
    assert.equal(out.count, 0);
  }
});

test("decodeXorInto() does not allocate what a false count promises", () => {
  const out = new TestColumns(1);
  assert.throws(() => decodeXorInto(Uint8Array.of(0xff, 0xff, 0, 0, 0), 0, 5, out), KernelError);
  assert.ok(out.times.length < 100);
});
