// The folder of index-headers on disk: how large it is, and what goes when that is too much.
import { readdir, rm, rmdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { blockIdOf } from "../fetch/block-lister.ts";

/** Removes the index-header of a block, and its folder if nothing else is in it. Other files are left alone. */
export async function removeIndexHeader(dataDir: string, block: string): Promise<void> {
  const folder = join(dataDir, block);
  for (const name of ["index-header", "index-header.tmp"])
    await rm(join(folder, name), { force: true }).catch(() => undefined);
  await rmdir(folder).catch(() => undefined);
}

/** Bytes of each index-header in the folder, by block. */
export async function indexHeaderSizes(dataDir: string): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for (const name of await readdir(dataDir).catch(() => [])) {
    if (blockIdOf(name) === undefined) continue;
    const found = await stat(join(dataDir, name, "index-header")).catch(() => undefined);
    if (found !== undefined) sizes.set(name, found.size);
  }
  return sizes;
}

/**
 * Which headers have to go so that the rest has at most `bytesMax`. `order` has the blocks to keep the longest first;
 * those it lacks go before all others.
 */
export function headersBeyond(
  sizes: ReadonlyMap<string, number>,
  order: readonly string[],
  bytesMax: number,
): string[] {
  const known = new Set(order);
  const unknown = [...sizes.keys()].filter((id) => !known.has(id));
  const going: string[] = [];
  let bytes = 0;
  for (const id of [...order, ...unknown]) {
    const size = sizes.get(id);
    if (size === undefined) continue;
    bytes += size;
    if (bytes > bytesMax) going.push(id);
  }
  return going;
}
