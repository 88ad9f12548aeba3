// `tools bucket upload-blocks`: blocks of Prometheus arrive once, whole, and with the labels given.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { parseBlockMeta } from "@deucalion/blocks";

const run = promisify(execFile);
const main = fileURLToPath(new URL("../../main.js", import.meta.url));
const floats = fileURLToPath(
  new URL("../../../../../../shared/conformance/blocks/floats/", import.meta.url),
);
const id = (await readdir(floats)).find((name) => !name.includes("."))!;
const scratch = await mkdtemp(join(tmpdir(), "upload-blocks-"));
after(() => rm(scratch, { recursive: true }));

/** A folder with the block of Prometheus, of the level given. */
async function folderOf(name: string, level: number): Promise<string> {
  const folder = join(scratch, name);
  await cp(join(floats, id), join(folder, id), { recursive: true });
  const path = join(folder, id, "meta.json");
  const meta = JSON.parse(await readFile(path, "utf8")) as { compaction: { level: number } };
  meta.compaction.level = level;
  await rm(path);
  await writeFile(path, JSON.stringify(meta));
  return folder;
}

async function upload(from: string, to: string, ...flags: string[]): Promise<string> {
  await mkdir(to, { recursive: true });
  const config = JSON.stringify({ type: "FILESYSTEM", config: { directory: to } });
  const { stderr } = await run(process.execPath, [
    ...[main, "tools", "bucket", "upload-blocks", `--path=${from}`],
    ...[`--objstore.config=${config}`, ...flags],
  ]);
  return stderr;
}

test("a block is uploaded once, with its labels, the files' sizes and all its bytes", async () => {
  const from = await folderOf("level-1", 1);
  const to = join(scratch, "bucket-1");
  const label = '--label=cluster="a b"';
  assert.match(await upload(from, to, label), /msg="synced blocks" uploaded=1/);
  assert.deepEqual(await readdir(to), [id]);
  for (const name of ["index", "chunks/000001"])
    assert.deepEqual(await readFile(join(to, id, name)), await readFile(join(floats, id, name)));
  const { thanos } = parseBlockMeta(await readFile(join(to, id, "meta.json"), "utf8"));
  assert.deepEqual(thanos.labels, { cluster: "a b" });
  assert.equal(thanos.source, "bucket.upload");
  const { size } = await stat(join(floats, id, "index"));
  assert.equal(thanos.files?.find((file) => file.rel_path === "index")?.size_bytes, size);
  const before = (await stat(join(to, id, "meta.json"))).mtimeMs;
  assert.match(await upload(from, to, label), /msg="synced blocks" uploaded=0/);
  assert.equal((await stat(join(to, id, "meta.json"))).mtimeMs, before);
});

test("compacted blocks are uploaded when asked for", async () => {
  const from = await folderOf("level-2", 2);
  const to = join(scratch, "bucket-2");
  await upload(from, to, '--label=cluster="a"');
  assert.deepEqual(await readdir(to), []);
  await upload(from, to, '--label=cluster="a"', "--shipper.upload-compacted");
  assert.deepEqual(await readdir(to), [id]);
});

test("without a label, or with one that is none, nothing is uploaded", async () => {
  const from = await folderOf("unlabelled", 1);
  const to = join(scratch, "bucket-3");
  await assert.rejects(upload(from, to), /give at least one --label/);
  await assert.rejects(upload(from, to, "--label=cluster=a"), /invalid quoted value/);
  assert.deepEqual(await readdir(to), []);
});
