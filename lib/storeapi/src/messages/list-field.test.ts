import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { withList } from "./list-field.ts";
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
