// The long run of the fuzzers: `npm run fuzz -- [--mutations=N] [--seed=N] [name]`. Ends with "N passed, N failed".
import { parseArgs } from "node:util";
import { fuzz, fuzzDefaults } from "@deucalion/tsdb/testing";
import { allFuzzTargets } from "./all-targets.ts";

const { values, positionals } = parseArgs({
  options: {
    mutations: { type: "string", default: "1000000" },
    seed: { type: "string", default: "1" },
  },
  allowPositionals: true,
});

let passed = 0;
let failed = 0;
for (const target of await allFuzzTargets()) {
  if (positionals.length > 0 && !positionals.some((wanted) => target.name.includes(wanted)))
    continue;
  const start = performance.now();
  const result = await fuzz(target, {
    ...fuzzDefaults,
    mutations: Number(values.mutations),
    seed: Number(values.seed),
  });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  if (result.failure === null) {
    passed++;
    console.log(
      `${target.name}: ${result.accepted} read, ${result.refused} refused, slowest ${result.slowestMs.toFixed(1)} ms, ${seconds} s`,
    );
  } else {
    failed++;
    console.log(
      `${target.name}: FAILED: ${result.failure.reason}\n  ${Buffer.from(result.failure.input).toString("base64")}`,
    );
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
