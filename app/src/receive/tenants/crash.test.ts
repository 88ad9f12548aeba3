// What was acknowledged is in the bucket, once, however often the process is killed while it stores, cuts, uploads and
// deletes, and although files cannot be written or synced now and then.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Database, parseBlockMeta } from "@deucalion/tsdb";
import { faultsOfRun, writeAndKill } from "@deucalion/tsdb/testing";
import { withFolder } from "../testing.ts";
import {
  crashLabels,
  crashLateMs,
  crashSeries,
  crashStepMs,
  crashStores,
  crashTenants,
} from "./crash-writer.ts";

/** Kills in one run; more with DEUCALION_CRASHES. */
const crashes = Number(process.env.DEUCALION_CRASHES ?? 8);
const script = fileURLToPath(new URL("./crash-writer.js", import.meta.url));

interface UploadedBlock {
  readonly tenant: string;
  readonly minTime: number;
  readonly maxTime: number;
  readonly inOrder: boolean;
}

/** Blocks in a bucket; without meta.json they do not count. */
function uploadedBlocks(bucket: string): UploadedBlock[] {
  if (!existsSync(bucket)) return [];
  return readdirSync(bucket)
    .map((id) => join(bucket, id, "meta.json"))
    .filter((path) => existsSync(path))
    .map((path) => {
      const meta = parseBlockMeta(readFileSync(path, "utf8"));
      return {
        tenant: meta.thanos?.labels?.tenant_id ?? "",
        minTime: meta.minTime,
        maxTime: meta.maxTime,
        inOrder: meta.compaction.hints === undefined,
      };
    });
}

test("what was acknowledged is in the bucket after kills and faults of the disk", {
  timeout: 120_000 + crashes * 60_000,
}, async (t) => {
  await withFolder(async (folder) => {
    const dir = join(folder, "data");
    const bucket = join(folder, "bucket");
    // The first step of a run may have been stored by the run before, unknown to us.
    const acknowledged: (readonly [number, number])[] = [];
    let next = 1000;
    // On a busy machine a run may be over before much has happened: then there are more.
    const isEarly = (): boolean => next < 1500 || uploadedBlocks(bucket).length < 20;
    for (let crash = 0; crash < crashes || (isEarly() && crash < 4 * crashes); crash++) {
      const last = await writeAndKill({
        script,
        args: [dir, bucket],
        first: next,
        afterMs: Math.random() * 600,
        faults: faultsOfRun(crash, folder),
      });
      if (last >= next) acknowledged.push([next, last]);
      next = last + 2;
    }
    const meanwhile = uploadedBlocks(bucket).length;
    const stores = crashStores(dir, bucket, () => next);
    await stores.open();
    await stores.flush();
    await stores.upload(AbortSignal.timeout(60_000));
    await stores.close();

    const blocks = uploadedBlocks(bucket);
    // Nothing in order is in two blocks.
    for (const tenant of crashTenants) {
      const own = blocks
        .filter((block) => block.tenant === tenant && block.inOrder)
        .sort((a, b) => a.minTime - b.minTime);
      for (let i = 1; i < own.length; i++) {
        assert.ok(own[i]!.minTime >= own[i - 1]!.maxTime, JSON.stringify(own.slice(i - 1, i + 1)));
      }
    }
    const database = await Database.open(bucket);
    assert.deepEqual(database.damage, []);
    const found = new Map<string, Map<number, number>>();
    for await (const { labels, samples } of database.series([])) {
      const times = new Map<number, number>();
      for (let i = 0; i < samples.count; i++) times.set(samples.times[i]!, samples.values[i]!);
      assert.equal(times.size, samples.count);
      found.set(labels.key, times);
    }
    await database.close();
    let steps = 0;
    for (const [from, to] of acknowledged) {
      for (let step = from; step <= to; step++, steps++) {
        const time = step * crashStepMs;
        for (const tenant of crashTenants) {
          for (let i = 0; i <= crashSeries; i++) {
            const key = crashLabels(tenant, i).key;
            assert.equal(found.get(key)?.get(time), step, `${tenant} ${i} at ${step}`);
          }
          const late = found.get(crashLabels(tenant, crashSeries).key)!;
          assert.equal(late.get(time - crashLateMs), step, `${tenant} late at ${step}`);
        }
      }
    }
    const text = `${crashes} kills, ${steps} steps, ${meanwhile} of ${blocks.length} blocks meanwhile`;
    assert.ok(steps > 100 && meanwhile > 0, text);
    t.diagnostic(text);
  });
});
