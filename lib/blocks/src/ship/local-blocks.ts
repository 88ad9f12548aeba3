// The blocks in the data folder of a Prometheus server.
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "@deucalion/base";
import { BlocksError } from "../errors.ts";
import { blockIdOf } from "../fetch/block-lister.ts";
import { type BlockMeta, parseBlockMeta } from "../meta/block-meta.ts";

export interface LocalBlock {
  readonly meta: BlockMeta;
  /** When meta.json was written, in ms: since then the block is complete. */
  readonly writtenMs: number;
}

export interface LocalBlocks {
  /** Oldest first. */
  readonly blocks: readonly LocalBlock[];
  /** Folders that look like blocks and cannot be read, with the reason. */
  readonly failed: ReadonlyMap<string, string>;
}

/** Reads the meta.json of each block below `dir`. A block that vanishes meanwhile is none. */
export async function localBlocks(dir: string): Promise<LocalBlocks> {
  const blocks: LocalBlock[] = [];
  const failed = new Map<string, string>();
  for (const name of (await readdir(dir)).sort()) {
    if (blockIdOf(name) === undefined) continue;
    const folder = join(dir, name);
    try {
      if (!(await stat(folder)).isDirectory()) continue;
      const path = join(folder, "meta.json");
      const meta = parseBlockMeta(await readFile(path, "utf8"));
      if (meta.ulid !== name)
        throw new BlocksError("BLOCKS_META", `meta.json says ${meta.ulid}`, { name });
      blocks.push({ meta, writtenMs: (await stat(path)).mtimeMs });
    } catch (error) {
      if (await stat(folder).catch(() => undefined)) failed.set(name, messageOf(error));
    }
  }
  blocks.sort((a, b) => a.meta.minTime - b.meta.minTime);
  return { blocks, failed };
}
