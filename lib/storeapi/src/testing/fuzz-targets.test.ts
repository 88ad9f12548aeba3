// A short run of the fuzzer over every decoder of this package.
import { test } from "node:test";
import { fuzzTarget, fuzzTargets } from "./fuzz-targets.ts";

for (const target of fuzzTargets()) {
  test(`${target.name}: 10,000 damaged inputs end in a result or a coded error`, () => {
    let seed = 99;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return (seed >>> 4) % below;
    };
    fuzzTarget(target, 10_000, random);
  });
}
