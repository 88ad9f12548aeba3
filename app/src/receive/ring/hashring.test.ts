// Hashrings make the choices that Thanos makes; testdata/rings.json was answered by it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { loadXxhash64 } from "@deucalion/kernels";
import { encodeLabels, Labels } from "@deucalion/model";
import { globMatches } from "./glob-matches.ts";
import { Hashrings, SeriesHasher } from "./hashring.ts";
import { parseHashrings } from "./hashring-config.ts";

interface Recorded {
  readonly name: string;
  readonly algorithm: string;
  readonly replicationFactor: number;
  readonly config: unknown;
  /** Of series `{__name__="metric", i="v<n>"}` of tenant `t-<n mod 20>`: an address for each replica. */
  readonly picks: readonly (readonly string[])[];
}

const recorded = JSON.parse(
  readFileSync(new URL("../../../../testdata/receive/rings.json", import.meta.url), "utf8"),
) as Recorded[];

for (const { name, algorithm, replicationFactor, config, picks } of recorded) {
  test(`series go where Thanos sends them: ${name}`, async () => {
    const hash = await loadXxhash64();
    const rings = new Hashrings(
      parseHashrings(JSON.stringify(config)),
      algorithm,
      replicationFactor,
      hash,
    );
    const hasher = new SeriesHasher(hash);
    for (const [i, want] of picks.entries()) {
      const tenant = `t-${i % 20}`;
      hasher.hash(tenant, encodeLabels(Labels.from({ __name__: "metric", i: `v${i}` })));
      const { high, low } = hasher;
      const got = want.map((_, n) => rings.ringOf(tenant).pick(tenant, high, low, n).address);
      assert.deepEqual(got, want, String(i));
    }
  });
}

test("configurations that do not fit are refused", async () => {
  const hash = await loadXxhash64();
  const make = (config: unknown, algorithm = "ketama", replicas = 1) =>
    new Hashrings(parseHashrings(JSON.stringify(config)), algorithm, replicas, hash);
  assert.throws(() => make([]), /configuration file is empty/);
  assert.throws(() => make([{ endpoints: [""] }]), /endpoint address must be set/);
  assert.throws(() => make([{ endpoints: ["a:1"] }], "ketama", 2), /amount of endpoints/);
  assert.throws(() => make([{ endpoints: [{ address: "a:1", az: "x" }] }], "hashmod"), /AZ aware/);
  const rings = make([{ tenants: ["a", "b"], endpoints: ["a:1"] }]);
  assert.throws(() => rings.ringOf("c"), /no matching hashring/);
  const globs = make([{ tenants: ["team-*"], tenant_matcher_type: "glob", endpoints: ["a:1"] }]);
  assert.equal(globs.ringOf("team-x").endpoints.length, 1);
});

test("globs match as Go's filepath.Match", () => {
  for (const [pattern, text, want] of [
    ["a*", "abc", true],
    ["a*", "a/b", false],
    ["*b?", "aabc", true],
    ["[a-c]x", "bx", true],
    ["[^a-c]x", "bx", false],
    ["\\*", "*", true],
    ["[", "a", false],
  ] as const) {
    assert.equal(globMatches(pattern, text), want, pattern);
  }
});
