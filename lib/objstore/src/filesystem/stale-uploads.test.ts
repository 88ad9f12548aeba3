// What killed uploads leave in a folder goes when it is old, and only then.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { FilesystemBucket } from "./filesystem-bucket.ts";

const scratch = await mkdtemp(join(tmpdir(), "stale-uploads-"));
after(() => rm(scratch, { recursive: true }));
const never = new AbortController().signal;
const hourMs = 3_600_000;

async function files(folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true })).sort();
}

async function list(bucket: FilesystemBucket, prefix = "", recursive = true): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of bucket.iter(prefix, { recursive }, never)) names.push(name);
  return names;
}

test("a writer removes temporary files of a day ago that its listing met", async () => {
  const folder = join(scratch, "writer");
  await mkdir(join(folder, "a/chunks"), { recursive: true });
  await mkdir(join(folder, "b/chunks"), { recursive: true });
  const left = ["a/chunks/000001.deucalion-upload-1", "b/chunks/000001.deucalion-upload-2"];
  for (const name of left) await writeFile(join(folder, name), "x");
  await writeFile(join(folder, "a/index"), "x");
  // A link to an old file is a young upload: its content's time says nothing.
  await utimes(join(folder, left[0]!), 1, 1);
  let later = 23 * hourMs;
  const bucket = new FilesystemBucket(folder, () => Date.now() + later);
  assert.deepEqual(await list(bucket), ["a/index"]);
  await bucket.upload("c", new Uint8Array(1), {}, never);
  const both = ["a", "a/chunks", left[0], "a/index", "b", "b/chunks", left[1]];
  assert.deepEqual(await files(folder), [...both, "c"], "too young");
  later = 25 * hourMs;
  // Also where a folder is listed without what is below, and holds nothing else.
  assert.deepEqual(await list(bucket, "", false), ["a/", "c"]);
  assert.deepEqual(await files(folder), [...both, "c"], "a reader changes nothing");
  await bucket.upload("c", new Uint8Array(1), {}, never);
  assert.deepEqual(await files(folder), ["a", "a/chunks", left[0], "a/index", "c"]);
  // A deletion of all that is listed leaves no folder behind.
  for (const name of await list(bucket, "a/")) await bucket.delete(name, never);
  assert.deepEqual(await files(folder), ["c"]);
  await bucket.close();
});
