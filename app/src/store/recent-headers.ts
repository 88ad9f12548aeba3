// Which blocks are asked most: their index-headers are opened first after a restart, and stay longest on a full disk.
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Log, messageOf } from "@deucalion/base";
import {
  type BucketBlock,
  headersBeyond,
  indexHeaderSizes,
  removeIndexHeader,
} from "@deucalion/blocks";

const fileName = "recently-used.json";
/** Blocks that are remembered over restarts. */
const rememberedMax = 1000;

export interface RecentHeadersOptions {
  readonly dataDir: string;
  /** Most bytes of all index-headers on disk; 0 for no limit. */
  readonly diskMax: number;
}

/** Orders blocks by use, and keeps the folder of their index-headers within its limit. */
export class RecentHeaders {
  readonly #options: RecentHeadersOptions;
  readonly #log: Log;
  /** From before the restart, the one used last first. */
  #remembered: readonly string[] = [];
  #saved = "";

  constructor(options: RecentHeadersOptions, log: Log) {
    this.#options = options;
    this.#log = log;
  }

  /** Reads what the process before this one remembered. */
  async load(): Promise<void> {
    try {
      const text = await readFile(join(this.#options.dataDir, fileName), "utf8");
      const list: unknown = JSON.parse(text);
      if (Array.isArray(list)) this.#remembered = list.map(String);
    } catch {
      // None yet, or not readable: nothing is preferred.
    }
  }

  /** Blocks used last first, then those of before, then the youngest data. */
  order(blocks: Iterable<BucketBlock>): BucketBlock[] {
    const rank = new Map(this.#remembered.map((id, i) => [id, i]));
    const last = Number.POSITIVE_INFINITY;
    return [...blocks].sort(
      (a, b) =>
        b.usedAt - a.usedAt ||
        (rank.get(a.id) ?? last) - (rank.get(b.id) ?? last) ||
        b.meta.maxTime - a.meta.maxTime,
    );
  }

  /** Remembers the order for the next process. Failures are logged: it is only a preference. */
  async save(blocks: Iterable<BucketBlock>): Promise<void> {
    const known = new Set(this.#remembered);
    const used = this.order(blocks)
      .filter(({ id, usedAt }) => usedAt > 0 || known.has(id))
      .slice(0, rememberedMax);
    const text = JSON.stringify(used.map(({ id }) => id));
    if (text === this.#saved || used.length === 0) return;
    const path = join(this.#options.dataDir, fileName);
    try {
      await writeFile(`${path}.tmp`, text);
      await rename(`${path}.tmp`, path);
      this.#saved = text;
    } catch (error) {
      this.#log.warn("remembering the blocks in use failed", { err: messageOf(error) });
    }
  }

  /** Bytes that may still be written; infinite without a limit. */
  async roomOnDisk(): Promise<number> {
    const { dataDir, diskMax } = this.#options;
    if (diskMax === 0) return Number.POSITIVE_INFINITY;
    let bytes = 0;
    for (const size of (await indexHeaderSizes(dataDir)).values()) bytes += size;
    return diskMax - bytes;
  }

  /** Removes the index-headers that are beyond the limit; those that are open stay readable. Gives how many went. */
  async trim(blocks: Iterable<BucketBlock>): Promise<number> {
    const { dataDir, diskMax } = this.#options;
    if (diskMax === 0) return 0;
    const order = this.order(blocks).map(({ id }) => id);
    const going = headersBeyond(await indexHeaderSizes(dataDir), order, diskMax);
    for (const id of going) await removeIndexHeader(dataDir, id);
    return going.length;
  }
}
