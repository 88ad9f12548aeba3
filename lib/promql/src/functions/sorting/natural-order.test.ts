// Natural order of label values.
import assert from "node:assert/strict";
import { test } from "node:test";
import { naturallyBefore } from "./natural-order.ts";

test("naturallyBefore() compares runs of digits as numbers", () => {
  const sorted = ["4m5", "4m600", "4m1000", "node2", "node10", "node10a"];
  for (let i = 0; i < sorted.length; i++) {
    for (let j = i + 1; j < sorted.length; j++) {
      assert.ok(naturallyBefore(sorted[i]!, sorted[j]!), `${sorted[i]} < ${sorted[j]}`);
      assert.ok(!naturallyBefore(sorted[j]!, sorted[i]!));
    }
  }
});
