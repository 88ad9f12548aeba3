import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { splitList, withList } from "./list-field.ts";
import { LabelValuesResponseMessage } from "./store-messages.ts";

test("a list and the rest are read back as one message, the first time and again", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary", maxLength: 300 })), (list) => {
      const rest = LabelValuesResponseMessage.encode({ values: [], warnings: ["w"] });
      for (const values of [list, Object.freeze([...list])])
        for (let again = 0; again < 2; again++) {
          const read = LabelValuesResponseMessage.decode(withList(values, rest));
          assert.deepEqual(read.values, list);
          assert.deepEqual(read.warnings, ["w"]);
        }
    }),
  );
});

test("splitList() takes the list off and leaves the rest to be decoded", () => {
  const text = fc.oneof(fc.string({ unit: "grapheme" }), fc.stringMatching(/^[a-z]{0,300}$/));
  fc.assert(
    fc.property(fc.array(text), fc.array(text), (values, warnings) => {
      const message = LabelValuesResponseMessage.encode({ values, warnings });
      const { list, rest } = splitList(message);
      assert.deepEqual(list, values);
      assert.deepEqual(LabelValuesResponseMessage.decode(rest), { values: [], warnings });
    }),
  );
});

test("splitList() leaves a cut entry for the decoder to refuse", () => {
  const message = LabelValuesResponseMessage.encode({ values: ["one", "two"], warnings: [] });
  const { list, rest } = splitList(message.subarray(0, message.length - 1));
  assert.deepEqual(list, ["one"]);
  assert.throws(() => LabelValuesResponseMessage.decode(rest));
});
