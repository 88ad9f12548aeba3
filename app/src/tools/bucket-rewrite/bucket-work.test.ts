// The tools that change a bucket, as processes over copies of recorded blocks.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { folderBlocks, liveSamples } from "@deucalion/blocks/testing";

const run = promisify(execFile);
const main = fileURLToPath(new URL("../../main.js", import.meta.url));
const blocks = fileURLToPath(
  new URL("../../../../../../shared/conformance/blocks/", import.meta.url),
);
const scratch = await mkdtemp(join(tmpdir(), "bucket-work-"));
after(() => rm(scratch, { recursive: true }));

const first = "01M837ZEPEKKFRVNT3JTW9CFQA";
const second = "01M837ZEQ7W14FAZ3SWX1S1BGR";

interface Work {
  readonly folder: string;
  /** Runs `tools bucket …`; gives standard output. */
  readonly tool: (...args: string[]) => Promise<string>;
}

/** A bucket with the first blocks of the recorded stream. */
async function bucketOf(name: string, ids: readonly string[]): Promise<Work> {
  const folder = join(scratch, name);
  for (const id of ids) {
    await cp(join(blocks, "compaction/input", id), join(folder, id), { recursive: true });
  }
  const config = JSON.stringify({ type: "FILESYSTEM", config: { directory: folder } });
  return {
    folder,
    tool: async (...args) => {
      const flags = [main, "tools", "bucket", ...args, `--objstore.config=${config}`];
      return (await run(process.execPath, flags)).stdout;
    },
  };
}

test("mark writes a mark once and removes it", async () => {
  const { folder, tool } = await bucketOf("mark", [first]);
  const flags = [`--id=${first}`, "--marker=no-compact-mark.json"];
  await tool("mark", ...flags, "--details=why");
  await tool("mark", ...flags, "--details=other");
  const text = await readFile(join(folder, first, "no-compact-mark.json"), "utf8");
  const { no_compact_time: time, ...mark } = JSON.parse(text) as Record<string, unknown>;
  assert.deepEqual(mark, { id: first, version: 1, details: "why", reason: "manual" });
  assert.equal(typeof time, "number");
  await tool("mark", ...flags, "--remove");
  assert.deepEqual(await readdir(join(folder, first)), ["chunks", "index", "meta.json"]);
  await assert.rejects(tool("mark", ...flags), /required flag --details not provided/);
});

test("rewrite deletes series and intervals, and relabels", async () => {
  const { folder, tool } = await bucketOf("rewrite", [first]);
  const before = await liveSamples(folder);
  const deletions = [
    { matchers: '{__name__="jobs_total"}' },
    { matchers: '{__name__="temp"}', intervals: [{ mint: 0, maxt: 1704157200000 }] },
  ];
  const relabel = [{ action: "replace", target_label: "added", replacement: "yes" }];
  const flags = [
    `--id=${first}`,
    `--tmp.dir=${join(scratch, "rewrite-tmp")}`,
    `--rewrite.to-delete-config=${JSON.stringify(deletions)}`,
    `--rewrite.to-relabel-config=${JSON.stringify(relabel)}`,
  ];
  await tool("rewrite", ...flags);
  assert.deepEqual(await readdir(folder), [first], "a dry run writes nothing");
  await tool("rewrite", ...flags, "--no-dry-run", "--delete-blocks");
  const all = await folderBlocks(folder);
  const made = all.find(({ id }) => id !== first)!;
  assert.deepEqual(all.find(({ id }) => id === first)?.marks, ["deletion-mark.json"]);
  assert.deepEqual(made.meta!.compaction.sources, [made.id]);
  assert.equal(made.meta!.thanos.source, "bucket.rewrite");
  const want = new Map<string, Map<number, string>>();
  for (const [key, samples] of before.samples) {
    if (key.includes("jobs_total")) continue;
    const kept = [...samples].filter(([time]) => !key.includes("temp") || time > 1704157200000);
    const [external, ...labels] = key.split("\u0000");
    const pairs = labels.flatMap((_, i) => (i % 2 === 0 ? [[labels[i]!, labels[i + 1]!]] : []));
    pairs.push(["added", "yes"]);
    const sorted = pairs.sort(([a], [b]) => (a! < b! ? -1 : 1)).flat();
    if (kept.length > 0) want.set([external, ...sorted].join("\u0000"), new Map(kept));
  }
  assert.deepEqual((await liveSamples(folder)).samples, want);
});

test("verify names damaged blocks; --repair needs a backup", async () => {
  const { folder, tool } = await bucketOf("verify", [first, second]);
  await tool("verify");
  await assert.rejects(tool("verify", "--repair"), /backup client is required/);
  await writeFile(join(folder, second, "index"), "nothing");
  await tool("verify", "--issues=index_known_issues");
  await assert.rejects(tool("verify", "--issues=unheard_of"), /no such issue ID/);
});

test("verify --repair removes all but one of equal blocks, after a backup", async () => {
  const { folder, tool } = await bucketOf("duplicates", [first]);
  const copy = "01M837ZEPEKKFRVNT3JTW9CFQB";
  await cp(join(folder, first), join(folder, copy), { recursive: true });
  const meta = await readFile(join(folder, copy, "meta.json"), "utf8");
  await writeFile(join(folder, copy, "meta.json"), meta.replace(first, copy));
  const backup = join(scratch, "backup");
  const config = JSON.stringify({ type: "FILESYSTEM", config: { directory: backup } });
  await tool(
    "verify",
    "--repair",
    "-i",
    "duplicated_compaction",
    `--objstore-backup.config=${config}`,
  );
  assert.deepEqual(await readdir(folder), [first]);
  assert.deepEqual(await readdir(join(backup, copy)), ["chunks", "index", "meta.json"]);
});

test("verify --repair writes a block anew without what lies outside of its time, after a backup", async () => {
  const { folder, tool } = await bucketOf("outside", [first]);
  const before = (await liveSamples(folder)).samples;
  const path = join(folder, first, "meta.json");
  const meta = JSON.parse(await readFile(path, "utf8")) as { minTime: number; maxTime: number };
  // The last half hour of every series reaches out of the block now.
  const end = meta.maxTime - 1_800_000;
  await writeFile(path, JSON.stringify({ ...meta, maxTime: end }));
  const backup = join(scratch, "backup-outside");
  const config = JSON.stringify({ type: "FILESYSTEM", config: { directory: backup } });
  await tool(
    "verify",
    "--repair",
    "-i",
    "index_known_issues",
    `--objstore-backup.config=${config}`,
  );
  const [repaired, ...others] = await folderBlocks(folder);
  assert.equal(others.length, 0);
  assert.notEqual(repaired?.id, first);
  assert.equal(repaired?.meta?.maxTime, end);
  assert.deepEqual(await readdir(backup), [first]);
  const want = new Map(
    [...before]
      .map(([key, samples]) => [key, new Map([...samples].filter(([time]) => time < end))] as const)
      .filter(([, samples]) => samples.size > 0),
  );
  assert.ok([...before.values()].some((samples) => [...samples.keys()].some((t) => t >= end)));
  assert.deepEqual((await liveSamples(folder)).samples, want);
});

test("retention marks what is old; cleanup deletes it, and uploads that were given up", async () => {
  const { folder, tool } = await bucketOf("retention", [first]);
  await tool("retention", "--retention.resolution-raw=1h");
  assert.deepEqual((await folderBlocks(folder))[0]?.marks, ["deletion-mark.json"]);
  await cp(join(blocks, "compaction/input", second, "index"), join(folder, second, "index"));
  await tool("cleanup");
  assert.deepEqual(await readdir(folder), [first, second], "both are too young");
  const mark = join(folder, first, "deletion-mark.json");
  const old = Date.now() / 1000 - 200 * 3600;
  const text = await readFile(mark, "utf8");
  await writeFile(mark, text.replace(/"deletion_time":\d+/, `"deletion_time":${Math.floor(old)}`));
  await utimes(join(folder, second, "index"), old, old);
  await tool("cleanup");
  assert.deepEqual(await readdir(folder).catch(() => []), []);
});

test("plan shows the compactions in text and in JSON", async () => {
  const ids = (await readdir(join(blocks, "compaction/input"))).sort();
  const { tool } = await bucketOf("plan", ids.slice(0, 5));
  const text = await tool("plan", "--consistency-delay=0s");
  assert.match(
    text,
    /^Compactions now: 1\n {2}0@\{cluster="cmp", replica="0"\} 2024-01-02T00:00:00Z - 2024-01-02T08:00:00Z, level 2\n/,
  );
  const plan = JSON.parse(await tool("plan", "--consistency-delay=0s", "-o", "json")) as {
    compactions: { sources: string[]; wave: number }[];
  };
  assert.deepEqual(
    plan.compactions.map(({ sources, wave }) => [sources, wave]),
    [[ids.slice(0, 4), 0]],
  );
});
