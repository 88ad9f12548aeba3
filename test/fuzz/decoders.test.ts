// The short run of the fuzzers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fuzz, fuzzDefaults } from "@deucalion/tsdb/testing";
import { allFuzzTargets } from "./all-targets.ts";

for (const target of await allFuzzTargets()) {
  test(`${target.name} stands 10,000 mutations of real bytes`, async () => {
    const { failure } = await fuzz(target, { ...fuzzDefaults, mutations: 10_000, seed: 7 });
    assert.equal(
      failure?.reason ?? null,
      null,
      Buffer.from(failure?.input ?? []).toString("base64"),
    );
  });
}
