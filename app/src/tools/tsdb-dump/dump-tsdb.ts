// `deucalion tools tsdb dump`: a block, or the whole data folder of a Prometheus, as JSON lines.
import { access, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Matcher } from "@deucalion/model";
import { Block, Database, type ReplayDamage, TsdbError } from "@deucalion/tsdb";
import { dumpBlock } from "./dump-block.ts";
import { samplesJson } from "./sample-json.ts";

export interface DumpOptions {
  /** Also references, chunks, aggregates and tombstones; blocks only. */
  readonly chunks: boolean;
  /** Only series that match all; every series where absent or empty. */
  readonly match?: readonly Matcher[];
  /** Told of parts of a data folder that could not be read; the rest is dumped. */
  readonly report?: (damage: ReplayDamage) => void;
}

/** What a data folder holds: logs, head chunks, blocks. */
const dataFolderName = /^(wal|chunks_head|[0-7][0-9A-HJKMNP-TV-Z]{25})$/;

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/**
 * Writes one JSON line a series: those of a block in the order of its index, those of a data folder (blocks, logs, head
 * chunks) in order of labels. What `write` returns is awaited. Throws TSDB_NOT_A_BLOCK if `dir` is neither.
 */
export async function dumpTsdb(
  dir: string,
  options: DumpOptions,
  write: (line: string) => void | Promise<void>,
): Promise<void> {
  const match = options.match ?? [];
  if (await exists(join(dir, "index"))) {
    const block = await Block.open(dir);
    try {
      await dumpBlock(block, options.chunks, match, write);
    } finally {
      await block.close();
    }
    return;
  }
  const names = (await exists(dir)) ? await readdir(dir) : [];
  if (!names.some((name) => dataFolderName.test(name))) {
    throw new TsdbError("TSDB_NOT_A_BLOCK", `${dir} is neither a block nor a data folder`, { dir });
  }
  const database = await Database.open(dir);
  try {
    for (const damage of database.damage) options.report?.(damage);
    for await (const { labels, samples } of database.series(match)) {
      await write(
        `${JSON.stringify({ labels: labels.toJSON(), samples: samplesJson(samples) })}\n`,
      );
    }
  } finally {
    await database.close();
  }
}
