// The real process, ended by SIGKILL at random moments: afterwards every sample is there once.
// DEUCALION_KILL_RUNS sets how many lives end so (4 by default).
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import {
  folderBlocks,
  liveSamples,
  seededRandom,
  writeRandomBucket,
} from "@deucalion/blocks/testing";

const main = fileURLToPath(new URL("../main.js", import.meta.url));
const kills = Number(process.env.DEUCALION_KILL_RUNS ?? "4");

/** Runs one round; killed after `killMs`. Gives the exit code, null after a kill. */
async function round(
  folder: string,
  extra: readonly string[],
  killMs: number,
): Promise<number | null> {
  const child = spawn(
    process.execPath,
    [
      main,
      "compact",
      `--objstore.config-file=${join(folder, "bucket.yml")}`,
      `--data-dir=${join(folder, "data")}`,
      "--http-address=127.0.0.1:0",
      "--consistency-delay=0s",
      ...extra,
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let log = "";
  child.stderr.on("data", (piece: Buffer) => {
    log += piece.toString();
  });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const killed =
    killMs > 0 ? await Promise.race([ended, delay(killMs, "kill" as const)]) : await ended;
  if (killed === "kill") child.kill("SIGKILL");
  const code = await ended;
  if (code !== 0 && code !== null) assert.fail(log.slice(-2000));
  return code;
}

test("a compactor that is killed again and again loses and doubles nothing", async () => {
  const folder = await mkdtemp(join(tmpdir(), "compact-kill-"));
  try {
    const bucket = join(folder, "bucket");
    await mkdir(bucket);
    await writeFile(
      join(folder, "bucket.yml"),
      JSON.stringify({ type: "FILESYSTEM", config: { directory: bucket } }),
    );
    const random = seededRandom(7);
    await writeRandomBucket(
      bucket,
      [
        { labels: { s: "a" }, hours: [8, 8, 8, 8, 8, 8, 8], series: 40, stepMs: 30_000 },
        {
          labels: { s: "b" },
          hours: [2, 2, 2, 2, 2],
          series: 40,
          stepMs: 15_000,
          overlapping: true,
        },
      ],
      random,
    );
    const want = await liveSamples(bucket);
    for (let life = 0; life < kills; life++) await round(folder, [], 150 + random() * 900);
    assert.equal(await round(folder, [], 0), 0);
    const got = await liveSamples(bucket);
    assert.equal(got.repeated, 0);
    assert.deepEqual(got.samples, want.samples);
    const live = (await folderBlocks(bucket)).filter(({ marks }) => marks.length === 0);
    const coarse = live.filter(({ meta }) => meta?.thanos.downsample.resolution === 300_000);
    assert.equal(coarse.length, 1);
    // Marked blocks go at once with no delay; uploads that were cut off go after two days.
    assert.equal(await round(folder, ["--delete-delay=0s"], 0), 0);
    const left = (await folderBlocks(bucket)).filter(({ meta }) => meta !== null);
    assert.deepEqual(
      left.map(({ id }) => id),
      live.filter(({ meta }) => meta !== null).map(({ id }) => id),
    );
    assert.deepEqual((await liveSamples(bucket)).samples, want.samples);
    const files = await readdir(bucket, { recursive: true, withFileTypes: true });
    const leases = files.flatMap((entry) =>
      entry.isFile() && entry.parentPath.includes("deucalion/leases") ? [entry.name] : [],
    );
    // What a kill left of an upload is no object: the bucket never lists it.
    assert.deepEqual(
      leases.filter((name) => !name.includes(".deucalion-upload-")),
      [],
      "no lease is left",
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
