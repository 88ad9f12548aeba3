import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { writeTime, writeValue } from "../../query/api/result-json.ts";
import { JsonWriter } from "./json-writer.ts";

async function written(write: (out: JsonWriter) => void): Promise<string> {
  const parts: Buffer[] = [];
  const out = new JsonWriter((slab) => {
    parts.push(slab);
    return Promise.resolve();
  });
  write(out);
  parts.push(await out.finish());
  return Buffer.concat(parts).toString();
}

test("JsonWriter writes any string as JSON", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string({ unit: "binary" })), async (texts) => {
      const text = await written((out) => {
        out.ascii("[");
        texts.forEach((t, i) => {
          if (i > 0) out.byte(0x2c);
          out.string(t);
        });
        out.ascii("]");
      });
      assert.deepEqual(JSON.parse(text), texts);
    }),
  );
});

test("JsonWriter keeps order over slabs", async () => {
  const text = await written((out) => {
    for (let i = 0; i < 50_000; i++) {
      out.integer(i);
      out.ascii(i % 1000 === 0 ? " ".repeat(100) : " ");
    }
  });
  assert.deepEqual(
    text.trim().split(/ +/).map(Number),
    Array.from({ length: 50_000 }, (_, i) => i),
  );
});

test("writeTime() writes seconds with the decimals that milliseconds need", async () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, "0"],
    [1_704_159_480_000, "1704159480"],
    [1_704_160_022_650, "1704160022.650"],
    [1_704_160_022_005, "1704160022.005"],
    [1_704_160_022_050, "1704160022.050"],
    [-1500, "-1.500"],
  ];
  for (const [ms, want] of cases) {
    const text = await written((out) => writeTime(out, ms));
    assert.equal(text, want);
    assert.equal(Number(text), ms / 1000);
  }
});

test("writeValue() writes numbers that read back as the same", async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.double({ noNaN: true }), fc.integer()), async (value) => {
      const text = await written((out) => writeValue(out, value));
      const read = text.slice(1, -1).replace("Inf", "Infinity");
      assert.ok(Object.is(Number(read), value), `${value} became ${text}`);
    }),
  );
  assert.equal(await written((out) => writeValue(out, Number.NaN)), '"NaN"');
  assert.equal(await written((out) => writeValue(out, 2 ** 31)), '"2147483648"');
  assert.equal(await written((out) => writeValue(out, 1e-7)), '"1e-07"');
});
