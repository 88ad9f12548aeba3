// Decoding with memory against decoding without.
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeLabels, encodeLabels, Labels } from "@deucalion/model";
import fc from "fast-check";
import { metadataLabels } from "../../row.ts";
import { LabelDecoder } from "./label-decoder.ts";

test("LabelDecoder gives what decodeLabels gives", () => {
  const name = fc.constantFrom("__name__", "__type__", "a", "b", "job", "ü");
  const set = fc.dictionary(name, fc.constantFrom("", "x", "y", "eins", "zwei"));
  fc.assert(
    fc.property(fc.array(set), fc.boolean(), (sets, drop) => {
      const decoder = new LabelDecoder();
      for (const entries of sets) {
        const bytes = encodeLabels(Labels.from(entries));
        const plain = decodeLabels(bytes);
        const want = drop ? plain.drop(metadataLabels) : plain;
        assert.deepEqual([...decoder.decode(bytes, drop)], [...want]);
      }
    }),
  );
});
