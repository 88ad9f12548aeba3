// `tools bucket replicate`: what it chooses, what it copies, and that it can be repeated and broken off.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { silentLog } from "@deucalion/base";
import { parseBlockMeta } from "@deucalion/blocks";
import { FaultyBucket, MemoryBucket } from "@deucalion/objstore/testing";
import { chooseBlocks } from "./choose-blocks.ts";
import { type CopyEvents, copyBlock } from "./copy-block.ts";
import { parseMatchers } from "./parse-matchers.ts";

const run = promisify(execFile);
const main = fileURLToPath(new URL("../../main.js", import.meta.url));
const downsampled = fileURLToPath(
  new URL("../../../../../../shared/conformance/blocks/downsampled/bucket/", import.meta.url),
);
const scratch = await mkdtemp(join(tmpdir(), "bucket-replicate-"));
after(() => rm(scratch, { recursive: true }));
const { signal } = new AbortController();

async function metas() {
  const ids = await readdir(downsampled);
  return Promise.all(
    ids.map(async (id) =>
      parseBlockMeta(await readFile(join(downsampled, id, "meta.json"), "utf8")),
    ),
  );
}

const configOf = (directory: string): string =>
  JSON.stringify({ type: "FILESYSTEM", config: { directory } });

async function replicate(from: string, to: string, ...flags: string[]): Promise<string> {
  await mkdir(to, { recursive: true });
  const { stderr } = await run(process.execPath, [
    ...[main, "tools", "bucket", "replicate", "--http-address=127.0.0.1:0", "--single-run"],
    ...[`--objstore.config=${configOf(from)}`, `--objstore-to.config=${configOf(to)}`],
    ...flags,
  ]);
  return stderr;
}

test("parseMatchers() reads what Alertmanager's parser reads", () => {
  const texts = (text: string) => parseMatchers(text).map(String);
  assert.deepEqual(texts(""), []);
  assert.deepEqual(texts('{foo = "bar", dings != "bums", }'), ['foo="bar"', 'dings!="bums"']);
  assert.deepEqual(texts("foo=bar,dings!=bums"), ['foo="bar"', 'dings!="bums"']);
  assert.deepEqual(texts('code=~"5..",a!~b|c'), ['code=~"5.."', 'a!~"b|c"']);
  assert.equal(
    parseMatchers('{q="She said: \\"Hi, ladies!\\""}')[0]?.value,
    'She said: "Hi, ladies!"',
  );
  assert.equal(parseMatchers("a=x\\ny\\z")[0]?.value, "x\ny\\z");
  assert.throws(() => parseMatchers("a"), /bad matcher format: a/);
  assert.throws(() => parseMatchers('a="b'), /unescaped double quote/);
  assert.throws(() => parseMatchers('a=b"c'), /unescaped double quote/);
  assert.throws(() => parseMatchers("a=~("), /missing closing \)/);
});

test("chooseBlocks() takes blocks by labels, resolution and level, the oldest first", async () => {
  const all = await metas();
  const any = {
    matchers: [],
    resolutionsMs: new Set([0, 300_000, 3_600_000]),
    levels: new Set([1, 2, 3, 4]),
    ids: new Set<string>(),
  };
  const chosen = chooseBlocks(all, any, silentLog);
  assert.deepEqual(
    chosen.map(({ minTime }) => minTime),
    all.map(({ minTime }) => minTime).sort((a, b) => a - b),
  );
  assert.equal(chosen.length, all.length);
  const hours = chooseBlocks(all, { ...any, resolutionsMs: new Set([3_600_000]) }, silentLog);
  assert.ok(hours.length > 0 && hours.length < all.length);
  assert.ok(hours.every(({ thanos }) => thanos.downsample.resolution === 3_600_000));
  const none = { ...any, matchers: parseMatchers("cluster!=lt"), levels: new Set([9]) };
  assert.deepEqual(chooseBlocks(all, none, silentLog), []);
  const byId = { ...none, ids: new Set([all[0]!.ulid]) };
  assert.deepEqual(chooseBlocks(all, byId, silentLog), [all[0]]);
  const bare = { ...all[0]!, thanos: { ...all[0]!.thanos, labels: {} } };
  assert.deepEqual(chooseBlocks([bare], byId, silentLog), []);
});

test("copyBlock() shows meta.json last and goes on where it broke off", async () => {
  const from = new MemoryBucket();
  const id = "01M837ZEPEKKFRVNT3JTW9CFQA";
  const files = new Map([
    [`${id}/chunks/000001`, "first"],
    [`${id}/chunks/000002`, "second"],
    [`${id}/index`, "index"],
    [`${id}/meta.json`, "meta"],
    [`${id}/deletion-mark.json`, "mark"],
  ]);
  for (const [name, text] of files) await from.upload(name, Buffer.from(text), {}, signal);
  const target = new MemoryBucket();
  const counts = { already: 0, objects: 0, blocks: 0 };
  const events: CopyEvents = {
    alreadyReplicated: () => counts.already++,
    objectReplicated: () => counts.objects++,
    blockReplicated: () => counts.blocks++,
  };
  const to = new FaultyBucket(target, (operation, name) =>
    operation === "upload" && name.endsWith("index") ? { error: new Error("gone") } : undefined,
  );
  await assert.rejects(copyBlock(id, { from, to, log: silentLog, events }, signal), /gone/);
  assert.equal(await target.exists(`${id}/meta.json`, signal), false);
  // What an older copy left in another size is not taken for done.
  await target.upload(`${id}/chunks/000002`, Buffer.from("cut"), {}, signal);
  const deps = { from, to: target, log: silentLog, events };
  await copyBlock(id, deps, signal);
  await copyBlock(id, deps, signal);
  assert.deepEqual(counts, { already: 1, objects: 4, blocks: 1 });
  for (const [name, text] of files) {
    const copied = await target.get(name, signal).then(
      (data) => Buffer.from(data).toString(),
      () => undefined,
    );
    assert.equal(copied, name.endsWith("mark.json") ? undefined : text, name);
  }
});

test("a single run copies what the flags choose and leaves the rest", async () => {
  const from = join(scratch, "from");
  await cp(downsampled, from, { recursive: true });
  const ids = (await readdir(from)).sort();
  const marked = ids[0]!;
  const mark = { id: marked, version: 1, deletion_time: 1, details: "" };
  await writeFile(join(from, marked, "deletion-mark.json"), JSON.stringify(mark));
  const to = join(scratch, "to");
  await replicate(from, to, "--ignore-marked-for-deletion", '--matcher={cluster="lt"}');
  assert.deepEqual((await readdir(to)).sort(), ids.slice(1));
  for (const name of ["meta.json", "index", "chunks/000001"]) {
    const copied = await readFile(join(to, ids[1]!, name));
    assert.deepEqual(copied, await readFile(join(from, ids[1]!, name)));
  }
  const log = await replicate(from, to, `--id=${marked}`, "--log.level=debug");
  assert.match(log, /block replicated/);
  assert.deepEqual((await readdir(join(to, marked))).sort(), ["chunks", "index", "meta.json"]);
  const hours = join(scratch, "hours");
  await replicate(from, hours, "--resolution=1h");
  const expected = (await metas()).filter((m) => m.thanos.downsample.resolution === 3_600_000);
  assert.deepEqual((await readdir(hours)).sort(), expected.map(({ ulid }) => ulid).sort());
  const none = join(scratch, "none");
  await replicate(from, none, "--compaction=9");
  await replicate(from, none, "--max-time=2001-01-01T00:00:00Z");
  assert.deepEqual(await readdir(none), []);
});

test("wrong flags are told", async () => {
  const here = configOf(scratch);
  const flags = [main, "tools", "bucket", "replicate", `--objstore.config=${here}`];
  const fails = (more: string[], message: RegExp) =>
    assert.rejects(run(process.execPath, [...flags, ...more]), message);
  await fails([], /No supported bucket was configured to replicate to/);
  const to = `--objstore-to.config=${here}`;
  await fails([to, "--id=x"], /invalid ULID found in --id flag/);
  await fails([to, "--compaction-min=3", "--compaction-max=2"], /compaction-min must be less/);
  await fails([to, "--matcher=?"], /parse block label matchers: bad matcher format/);
});

test("without --single-run it goes on, and counts its rounds", async () => {
  const to = join(scratch, "loop");
  await mkdir(to);
  const child = spawn(process.execPath, [
    ...[main, "tools", "bucket", "replicate", "--http-address=127.0.0.1:0"],
    ...[`--objstore.config=${configOf(downsampled)}`, `--objstore-to.config=${configOf(to)}`],
  ]);
  let log = "";
  const done = new Promise<void>((resolve, reject) => {
    child.stderr.on("data", (data: Buffer) => {
      log += data.toString();
      if (log.includes("ran replication successfully")) resolve();
    });
    child.once("exit", () => reject(new Error(log)));
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  try {
    await done;
    const address = /requests and metrics" address=(\S+)/.exec(log)?.[1];
    const metrics = await (await fetch(`http://${address}/metrics`)).text();
    const blocks = (await readdir(downsampled)).length;
    assert.match(metrics, /^thanos_replicate_replication_runs_total\{result="success"\} 1$/m);
    assert.match(metrics, new RegExp(`^thanos_replicate_blocks_replicated_total ${blocks}$`, "m"));
    assert.match(
      metrics,
      /^thanos_objstore_bucket_operations_total\{bucket="[^"]*",replicate="to",operation="upload"\} [1-9]/m,
    );
    assert.match(metrics, /^thanos_status\{component="replicate",check="ready"\} 1$/m);
    child.kill("SIGTERM");
    assert.equal(await ended, 0);
  } finally {
    child.kill("SIGKILL");
  }
});
