// Uploads a block folder: everything else first, meta.json last.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Bucket } from "@deucalion/objstore";
import { eachLimited } from "../../each-limited.ts";
import { BlocksError } from "../../errors.ts";
import type { BlockFile, BlockMeta } from "../../meta/block-meta.ts";
import { formatGoMeta } from "../../meta/go-meta.ts";

export interface UploadBlockOptions {
  /** Put SHA-256 hashes of the files into meta.json. */
  readonly hash: boolean;
  readonly filesAtOnce: number;
}

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path)) hash.update(piece as Uint8Array);
  return hash.digest("hex");
}

async function fileOf(dir: string, name: string, hash: boolean): Promise<BlockFile> {
  const path = join(dir, name);
  const file = { rel_path: name, size_bytes: (await stat(path)).size };
  return hash ? { ...file, hash: { hashFunc: "SHA256", value: await sha256(path) } } : file;
}

/** The files of a block folder as meta.json lists them. */
export async function blockFiles(dir: string, hash: boolean): Promise<BlockFile[]> {
  const segments = (await readdir(join(dir, "chunks"))).sort().map((name) => `chunks/${name}`);
  const files: BlockFile[] = [];
  for (const name of [...segments, "index"]) files.push(await fileOf(dir, name, hash));
  files.push({ rel_path: "meta.json" });
  return files;
}

/**
 * Uploads `dir` as block `meta.ulid` and returns the meta that was written. Sizes in the bucket are compared before
 * meta.json makes the block visible; `commit` is asked right before that and may throw to stop it.
 */
export async function uploadBlock(
  bucket: Bucket,
  dir: string,
  meta: BlockMeta,
  options: UploadBlockOptions,
  nowMs: number,
  commit: () => Promise<void>,
  signal: AbortSignal,
): Promise<BlockMeta> {
  const files = await blockFiles(dir, options.hash);
  const complete: BlockMeta = {
    ...meta,
    thanos: { ...meta.thanos, files, upload_time: new Date(nowMs).toISOString() },
  };
  const data = files.filter((file) => file.size_bytes !== undefined);
  await eachLimited(data, options.filesAtOnce, async ({ rel_path: path, size_bytes: want }) => {
    const name = `${meta.ulid}/${path}`;
    await bucket.upload(name, { path: join(dir, path), final: true }, {}, signal);
    const { size } = await bucket.attributes(name, signal);
    if (size === want) return;
    const text = `${name} has ${size} bytes after its upload, not ${want}`;
    throw new BlocksError("BLOCKS_RESULT", text, { name, want, size });
  });
  await commit();
  const text = new TextEncoder().encode(formatGoMeta(complete));
  await bucket.upload(`${meta.ulid}/meta.json`, text, {}, signal);
  return complete;
}
