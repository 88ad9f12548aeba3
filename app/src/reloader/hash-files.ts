// One hash over files and all that lies below folders.
import { createHash, type Hash } from "node:crypto";
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { join } from "node:path";

const mark = Uint8Array.of(0xff);

async function add(hash: Hash, path: string): Promise<void> {
  hash
    .update(mark)
    .update(path)
    .update(mark)
    .update(await readFile(path));
}

async function addFolder(hash: Hash, folder: string): Promise<void> {
  for (const name of (await readdir(folder)).sort()) {
    const path = join(folder, name);
    // Links count as what they point at.
    const info = await stat(path);
    if (info.isFile()) await add(hash, path);
    else if (info.isDirectory()) await addFolder(hash, path);
  }
}

/** SHA-256 in hex; "" for nothing to look at. Throws if something cannot be read. */
export async function hashFiles(
  files: readonly string[],
  folders: readonly string[],
): Promise<string> {
  if (files.length === 0 && folders.length === 0) return "";
  const hash = createHash("sha256");
  for (const file of files) await add(hash, file);
  for (const folder of folders) await addFolder(hash, await realpath(folder));
  return hash.digest("hex");
}
