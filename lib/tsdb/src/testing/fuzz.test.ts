// Every decoder under ten thousand mutations of real bytes.
import assert from "node:assert/strict";
import test from "node:test";
import { conformanceMissing } from "./conformance.ts";
import { fuzz, fuzzDefaults } from "./fuzz.ts";
import { fuzzTargets } from "./fuzz-targets.ts";

const seed = 20240102;

test("decoders refuse mutated bytes with coded errors only", {
  skip: conformanceMissing,
}, async (t) => {
  for (const target of await fuzzTargets()) {
    const { mutations } = fuzzDefaults;
    await t.test(target.name, async () => {
      const result = await fuzz(target, { ...fuzzDefaults, seed });
      assert.equal(result.failure, null, result.failure?.reason);
      assert.equal(result.accepted + result.refused, mutations);
    });
  }
});
