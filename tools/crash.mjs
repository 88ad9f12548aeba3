// Kills what writes at random moments, some 300 times, and looks for what was acknowledged: appends, changes of segment,
// checkpoints, cuts of blocks, late samples, deletions, uploads, while in half of the runs writes and syncs of files fail;
// receivers over HTTP, and while they end; uploads of a sidecar. `npm run crash [kills]`.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const kills = Number(process.argv[2] ?? 300);
const parts = [
  ["lib/tsdb/dist/src/head/live/crash.test.js", Math.ceil(kills * 0.4), "kill -9"],
  ["app/dist/src/receive/tenants/crash.test.js", Math.ceil(kills * 0.3), ""],
  ["app/dist/src/receive/receive.test.js", Math.ceil(kills * 0.3), "kill -9|cannot be written"],
  ["test/dist/e2e/shipping-kills.test.js", Math.ceil(kills / 10), ""],
];
let failed = false;
for (const [file, count, only] of parts) {
  const args = ["--enable-source-maps", "--test", "--test-reporter=spec"];
  if (only !== "") args.push(`--test-name-pattern=${only}`);
  const { status } = spawnSync(process.execPath, [...args, join(root, file)], {
    stdio: "inherit",
    env: { ...process.env, DEUCALION_CRASHES: String(count), DEUCALION_KILLS: String(count) },
  });
  if (status !== 0) failed = true;
}
process.exitCode = failed ? 1 : 0;
