// Nothing that was in the log is lost when the process is killed: during appends, segment changes, checkpoints, block
// cuts and cuts of late samples; in half of the runs files cannot be written or synced now and then.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { faultsOfRun, writeAndKill } from "../../testing/write-and-kill.ts";
import { Database } from "../database.ts";
import { crashKept, crashLabels, crashLateMs, crashSeries } from "./crash-writer.ts";

/** Kills in one run; more with DEUCALION_CRASHES. */
const crashes = Number(process.env.DEUCALION_CRASHES ?? 8);

const script = fileURLToPath(new URL("./crash-writer.js", import.meta.url));

test("what was in the log survives kill -9", { timeout: 600_000 }, async () => {
  const dir = await mkdtemp(join(tmpdir(), "deucalion-crash-"));
  try {
    // The first step of a run may have been in the log of the run before, unknown to us.
    const acknowledged: (readonly [number, number])[] = [];
    let next = 1000;
    // On a busy machine a run may be over before much has happened: then there are more.
    for (let crash = 0; crash < crashes || (next < 1500 && crash < 5 * crashes); crash++) {
      const last = await writeAndKill({
        script,
        args: [dir],
        first: next,
        afterMs: Math.random() * 400,
        faults: faultsOfRun(crash, dir),
      });
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
    const left = found.get(crashLabels(crashSeries + 1).key)!;
    assert.equal(left.get(newest * 1000), newest);
    for (const time of left.keys()) {
      assert.ok(time > (newest - crashKept) * 1000, `${time} was deleted by ${newest}`);
    }
    assert.ok(steps > 100 && blocks > 1, `${steps} steps, ${blocks} blocks`);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
