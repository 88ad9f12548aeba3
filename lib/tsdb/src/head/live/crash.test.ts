// Nothing that was in the log is lost when the process is killed: during appends, segment changes, checkpoints, block
// cuts and cuts of late samples; in half of the runs files cannot be written or synced now and then.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { withFileFaults } from "../../testing/with-file-faults.ts";
import { Database } from "../database.ts";
import { crashLabels, crashLateMs, crashSeries } from "./crash-writer.ts";

/** Kills in one run; more with DEUCALION_CRASHES. */
const crashes = Number(process.env.DEUCALION_CRASHES ?? 8);

/** Runs a writer from `first` on and kills it; returns the last step that it printed. */
function writeAndKill(dir: string, first: number, afterMs: number, rate: number): Promise<number> {
  const script = fileURLToPath(new URL("./crash-writer.js", import.meta.url));
  const { args, env } = withFileFaults(
    rate > 0 ? { dir, rate, seed: Math.floor(Math.random() * 2 ** 32) } : null,
  );
  const child = spawn(process.execPath, [...args, script, dir, String(first)], {
    stdio: ["ignore", "pipe", "inherit"],
    env,
  });
  let last = first - 1;
  let rest = "";
  child.stdout.once("data", () => setTimeout(() => child.kill("SIGKILL"), afterMs));
  child.stdout.on("data", (data: Buffer) => {
    const lines = (rest + data.toString()).split("\n");
    rest = lines.pop()!;
    if (lines.length > 0) last = Number(lines.at(-1));
  });
  return new Promise((resolve, reject) => {
    child.on("close", (code, signal) => {
      if (signal === "SIGKILL") resolve(last);
      else reject(new Error(`the writer ended by itself: ${code}`));
    });
  });
}

test("what was in the log survives kill -9", { timeout: 600_000 }, async () => {
  const dir = await mkdtemp(join(tmpdir(), "deucalion-crash-"));
  try {
    // The first step of a run may have been in the log of the run before, unknown to us.
    const acknowledged: (readonly [number, number])[] = [];
    let next = 1000;
    // On a busy machine a run may be over before much has happened: then there are more.
    for (let crash = 0; crash < crashes || (next < 1500 && crash < 5 * crashes); crash++) {
      const last = await writeAndKill(dir, next, Math.random() * 400, crash % 2 === 1 ? 0.01 : 0);
      if (last >= next) acknowledged.push([next, last]);
      next = last + 2;
    }
    const database = await Database.open(dir);
    const found = new Map<string, Map<number, number>>();
    for await (const { labels, samples } of database.series([])) {
      const times = new Map<number, number>();
      for (let i = 0; i < samples.count; i++) times.set(samples.times[i]!, samples.values[i]!);
      assert.equal(times.size, samples.count);
      found.set(labels.key, times);
    }
    const blocks = database.blocks.length;
    await database.close();
    let steps = 0;
    for (const [from, to] of acknowledged) {
      for (let step = from; step <= to; step++, steps++) {
        for (let i = 0; i <= crashSeries; i++) {
          assert.equal(found.get(crashLabels(i).key)?.get(step * 1000), step, `${i} at ${step}`);
        }
        const late = found.get(crashLabels(crashSeries).key)!;
        assert.equal(late.get(step * 1000 - crashLateMs), step, `late at ${step}`);
      }
    }
    // What was deleted before an acknowledged step stays deleted.
    const newest = acknowledged.at(-1)?.[1] ?? 0;
    for (const time of found.get(crashLabels(crashSeries + 1).key)!.keys()) {
      assert.ok(time >= newest * 1000, `${time} was deleted by ${newest}`);
    }
    assert.ok(steps > 100 && blocks > 1, `${steps} steps, ${blocks} blocks`);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
