// JSON of label bytes against JSON of the same labels as strings.
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeLabels, Labels } from "@deucalion/model";
import fc from "fast-check";
import { JsonWriter } from "../../http/answers/json-writer.ts";
import { writeLabelBytes } from "./write-label-bytes.ts";

async function jsonOf(sets: readonly Labels[]): Promise<string> {
  const slabs: Buffer[] = [];
  const out = new JsonWriter((slab) => {
    slabs.push(Buffer.from(slab));
    return Promise.resolve();
  });
  out.ascii("[");
  sets.forEach((labels, i) => {
    if (i > 0) out.ascii(",");
    writeLabelBytes(out, encodeLabels(labels));
  });
  out.ascii("]");
  slabs.push(await out.finish());
  return Buffer.concat(slabs).toString();
}

test("writeLabelBytes() writes what JSON.stringify would, whatever names and values hold", async () => {
  const text = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.stringMatching(/^[a-z_]{1,12}$/),
    fc.constantFrom("", '"', "\\", "\n", "\u0000", "\u007f", "x".repeat(70_000)),
  );
  const labels = fc.array(fc.tuple(text, text)).map((pairs) => Labels.from([...new Map(pairs)]));
  await fc.assert(
    fc.asyncProperty(fc.array(labels), async (sets) => {
      const want = sets.map((set) => Object.fromEntries([...set].filter(([, v]) => v !== "")));
      assert.deepEqual(JSON.parse(await jsonOf(sets)), want);
    }),
    { numRuns: 200 },
  );
  const plain = Labels.from([
    ["__name__", "up"],
    ["job", "a b"],
  ]);
  assert.equal(
    await jsonOf([plain, plain]),
    '[{"__name__":"up","job":"a b"},{"__name__":"up","job":"a b"}]',
  );
});
