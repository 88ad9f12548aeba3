// Measured workloads: `npm run bench -- [--rounds=N] [name…]`. Prints figures with their conditions; asserts nothing.
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { endToEnd } from "./end-to-end.ts";
import { kernels } from "./kernels.ts";
import { manyBlocks } from "./many-blocks.ts";
import { promql } from "./promql.ts";
import { storeStream } from "./store-stream.ts";
import type { Workload } from "./workload.ts";

const workloads: readonly Workload[] = [kernels, storeStream, promql, endToEnd, manyBlocks];

const { values, positionals } = parseArgs({
  options: { rounds: { type: "string", default: "5" } },
  allowPositionals: true,
});
const chosen = workloads.filter(
  (workload) => positionals.length === 0 || positionals.includes(workload.name),
);
if (chosen.length === 0) {
  console.error(
    `no such workload; there are: ${workloads.map((workload) => workload.name).join(", ")}`,
  );
  process.exit(2);
}
const cpu = cpus();
console.log(
  `Node ${process.version}, ${cpu.length} × ${cpu[0]?.model ?? "?"}, load ${loadavg()[0]?.toFixed(2)}, ${new Date().toISOString()}`,
);
for (const workload of chosen) {
  console.log(`\n${workload.name}: ${workload.about}`);
  for (const { name, value, unit } of await workload.run(Number(values.rounds))) {
    console.log(`  ${name.padEnd(46)} ${value.toFixed(1).padStart(10)} ${unit}`);
  }
}
