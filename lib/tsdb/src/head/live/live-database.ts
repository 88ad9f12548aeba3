// A folder with blocks and a head that is written to: what one Prometheus, or one tenant of a receiver, stores.
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "@deucalion/base";
import type {
  LabelRequest,
  SeriesBatch,
  SeriesRequest,
  SeriesSource,
  SourceContext,
  SourceInfo,
} from "@deucalion/model";
import { Block } from "../../block/block.ts";
import { syncDirectory } from "../../block/durable-files.ts";
import type { BlockMeta } from "../../block/meta.ts";
import { rangeEnd } from "../head-series.ts";
import { cutBlock } from "./cut-block.ts";
import { HeadSource } from "./head-source.ts";
import type { LiveHead } from "./live-head.ts";
import { type LiveHeadDeps, type LiveHeadOptions, liveHeadDefaults } from "./live-options.ts";
import { openLiveHead } from "./log/live-replay.ts";
import {
  dropOutOfOrder,
  markOutOfOrder,
  removeUnusedFiles,
  truncateLog,
  truncateMemory,
} from "./truncate-head.ts";

export interface LiveDatabaseOptions extends LiveHeadOptions {
  /** Blocks that end so long before the newest one are deleted, milliseconds; 0 keeps them. */
  readonly retentionMs: number;
  /** Blocks are deleted, oldest first, while they and the logs take more; 0 is no limit. */
  readonly retentionBytes: number;
}

export const liveDatabaseDefaults: LiveDatabaseOptions = {
  ...liveHeadDefaults,
  retentionMs: 15 * 24 * 3600 * 1000,
  retentionBytes: 0,
};

export interface LiveDatabaseDeps extends LiveHeadDeps {
  readonly now: () => number;
  /** True for blocks that must stay although they are due (not uploaded yet). */
  readonly mustKeep?: (ulid: string) => boolean;
}

const blockName = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
const leftover = /\.tmp-for-(creation|deletion)$|\.tmp$/;
/** Hints of blocks that do not say up to where the head's in-order samples are in blocks. */
const notInOrder = ["from-out-of-order", "from-stale-series", "from-selected-series"];

/** A block in use: it is closed, and its folder removed, when the last reader is gone. */
class HeldBlock implements SeriesSource {
  readonly block: Block;
  #readers = 0;
  #ending: (() => Promise<void>) | null = null;

  constructor(block: Block) {
    this.block = block;
  }

  get meta(): BlockMeta {
    return this.block.meta;
  }

  info(): SourceInfo {
    return this.block.info();
  }

  async *series(request: SeriesRequest, context: SourceContext): AsyncIterable<SeriesBatch> {
    this.#readers++;
    try {
      context.queriedBlock?.(this.meta.ulid);
      yield* this.block.series(request, context);
    } finally {
      await this.#done();
    }
  }

  async labelNames(request: LabelRequest, context: SourceContext): Promise<string[]> {
    this.#readers++;
    try {
      return await this.block.labelNames(request, context);
    } finally {
      await this.#done();
    }
  }

  async labelValues(
    name: string,
    request: LabelRequest,
    context: SourceContext,
  ): Promise<string[]> {
    this.#readers++;
    try {
      return await this.block.labelValues(name, request, context);
    } finally {
      await this.#done();
    }
  }

  async #done(): Promise<void> {
    this.#readers--;
    if (this.#readers === 0) await this.#ending?.();
  }

  /** Runs `work` once nobody reads. */
  async end(work: () => Promise<void>): Promise<void> {
    this.#ending = async () => {
      this.#ending = null;
      await this.block.close();
      await work();
    };
    if (this.#readers === 0) await this.#ending();
  }
}

/** Opens with `LiveDatabase.open`. One process at a time may have a folder open. */
export class LiveDatabase {
  readonly dir: string;
  readonly head: LiveHead;
  readonly headSource: HeadSource;
  readonly #options: LiveDatabaseOptions;
  readonly #deps: LiveDatabaseDeps;
  #blocks: HeldBlock[];
  #turn: Promise<unknown> = Promise.resolve();
  /** Unix milliseconds of the last cut that ended well, 0 for none. */
  lastCutMs = 0;

  private constructor(
    dir: string,
    head: LiveHead,
    blocks: HeldBlock[],
    options: LiveDatabaseOptions,
    deps: LiveDatabaseDeps,
  ) {
    this.dir = dir;
    this.head = head;
    this.headSource = new HeadSource(head);
    this.#options = options;
    this.#deps = deps;
    this.#blocks = blocks;
  }

  /** Opens the folder, made if needed: its blocks, then its head. A block that does not open is reported and left. */
  static async open(
    dir: string,
    options: LiveDatabaseOptions,
    deps: LiveDatabaseDeps,
  ): Promise<LiveDatabase> {
    await mkdir(dir, { recursive: true });
    const blocks: HeldBlock[] = [];
    try {
      for (const name of (await readdir(dir)).sort()) {
        const path = join(dir, name);
        if (leftover.test(name)) await rm(path, { recursive: true, force: true });
        if (!blockName.test(name)) continue;
        try {
          blocks.push(new HeldBlock(await Block.open(path)));
        } catch (thrown) {
          deps.report({ file: path, offset: 0, reason: messageOf(thrown) });
        }
      }
      for (const log of ["wal", "wbl"]) await removeLeftovers(join(dir, log));
      let minValidTime = Number.NEGATIVE_INFINITY;
      for (const { meta } of blocks) {
        if (meta.compaction.hints?.some((hint) => notInOrder.includes(hint))) continue;
        minValidTime = Math.max(minValidTime, meta.maxTime);
      }
      const head = await openLiveHead(dir, minValidTime, options, deps);
      const db = new LiveDatabase(dir, head, [], options, deps);
      db.#blocks = await db.#withoutReplaced(blocks);
      return db;
    } catch (thrown) {
      await Promise.all(blocks.map((held) => held.block.close()));
      throw thrown;
    }
  }

  async #withoutReplaced(blocks: readonly HeldBlock[]): Promise<HeldBlock[]> {
    const replaced = new Set<string>();
    for (const { meta } of blocks) {
      for (const parent of meta.compaction.parents ?? []) replaced.add(parent.ulid);
    }
    const kept: HeldBlock[] = [];
    for (const held of blocks) {
      const { ulid, compaction } = held.meta;
      if (replaced.has(ulid) || compaction.deletable === true) await this.#delete(held);
      else kept.push(held);
    }
    return kept.sort((a, b) => a.meta.minTime - b.meta.minTime);
  }

  /** Metas of the blocks, oldest first. */
  get blocks(): readonly BlockMeta[] {
    return this.#blocks.map((held) => held.meta);
  }

  /** The head, if it has samples, and every block. */
  sources(): SeriesSource[] {
    return [...this.#blocks, ...(this.head.seriesCount > 0 ? [this.headSource] : [])];
  }

  /** Oldest and newest sample of head and blocks, milliseconds, inclusive; the wrong way round without any. */
  get timeRange(): { readonly minTime: number; readonly maxTime: number } {
    let { minTime, maxTime } = this.headSource.info();
    for (const { meta } of this.#blocks) {
      minTime = Math.min(minTime, meta.minTime);
      maxTime = Math.max(maxTime, meta.maxTime - 1);
    }
    return { minTime, maxTime };
  }

  /** Runs maintenance one at a time. */
  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#turn.then(work);
    this.#turn = next.catch(() => undefined);
    return next;
  }

  /**
   * Cuts blocks while the head spans more than one and a half of them, by its samples or by the clock; then those of
   * samples out of order; then deletes what is past retention. Returns the new blocks.
   */
  compact(): Promise<BlockMeta[]> {
    return this.#exclusive(async () => {
      const made: BlockMeta[] = [];
      const range = this.#options.chunkRangeMs;
      while (this.#isDue(range)) {
        const { minTime } = this.head;
        made.push(...(await this.#cutInOrder(rangeEnd(minTime, range))));
      }
      if (made.length > 0 || this.#outOfOrderIsDue(range)) {
        made.push(...(await this.#cutOutOfOrder()));
      }
      await this.#retain();
      removeUnusedFiles(this.head);
      return made;
    });
  }

  #isDue(range: number): boolean {
    const { minTime, maxTime } = this.head;
    if (!Number.isFinite(minTime)) return false;
    if (maxTime - minTime > 1.5 * range) return true;
    // A series of writes that has ended: nothing pushes the head on but the clock.
    return (
      this.#deps.now() - minTime > 1.5 * range &&
      rangeEnd(minTime, range) <= this.#deps.now() - range / 2
    );
  }

  #outOfOrderIsDue(range: number): boolean {
    const { head } = this;
    return (
      head.late.series.size > 0 &&
      this.#deps.now() - this.lastCutMs > range &&
      head.late.minTime < this.#deps.now() - 1.5 * range
    );
  }

  /** Cuts everything in the head into blocks, as before a change of who owns which series, or a removal. */
  flush(): Promise<BlockMeta[]> {
    return this.#exclusive(async () => {
      const made: BlockMeta[] = [];
      const range = this.#options.chunkRangeMs;
      while (Number.isFinite(this.head.minTime)) {
        const { minTime, maxTime } = this.head;
        made.push(...(await this.#cutInOrder(Math.min(rangeEnd(minTime, range), maxTime + 1))));
      }
      made.push(...(await this.#cutOutOfOrder()));
      return made;
    });
  }

  async #cutInOrder(end: number): Promise<BlockMeta[]> {
    const { head } = this;
    // Blocks follow each other without a gap, where what is before is in a block.
    const before = head.minValidTime;
    const start = rangeEnd(head.minTime, this.#options.chunkRangeMs) - this.#options.chunkRangeMs;
    const minTime = before >= start && before <= head.minTime ? before : head.minTime;
    // From now on nothing may be added to what is being cut.
    head.minValidTime = Math.max(head.minValidTime, end);
    const options = { minTime, maxTime: end, outOfOrder: false, now: this.#deps.now() };
    const meta = await cutBlock(head, options);
    if (meta !== null) await this.#add(meta.ulid);
    truncateMemory(head, end);
    // A block whose name may be lost with the power must not cost the log: where this fails both stay.
    await syncDirectory(this.dir);
    await truncateLog(head, end);
    this.lastCutMs = this.#deps.now();
    return meta === null ? [] : [meta];
  }

  async #cutOutOfOrder(): Promise<BlockMeta[]> {
    const { head } = this;
    if (head.late.series.size === 0) return [];
    const mark = markOutOfOrder(head);
    const made: BlockMeta[] = [];
    const range = this.#options.chunkRangeMs;
    for (let from = nextLate(head, Number.NEGATIVE_INFINITY); from < Infinity; ) {
      const start = Math.floor(from / range) * range;
      const options = {
        minTime: start,
        maxTime: start + range,
        outOfOrder: true,
        now: this.#deps.now(),
      };
      const meta = await cutBlock(head, options);
      if (meta !== null) {
        await this.#add(meta.ulid);
        made.push(meta);
      }
      from = nextLate(head, start + range);
    }
    await syncDirectory(this.dir);
    await dropOutOfOrder(head, mark);
    return made;
  }

  async #add(ulid: string): Promise<void> {
    const held = new HeldBlock(await Block.open(join(this.dir, ulid)));
    this.#blocks = [...this.#blocks, held].sort((a, b) => a.meta.minTime - b.meta.minTime);
  }

  async #retain(): Promise<void> {
    const due = new Set<HeldBlock>();
    const newest = Math.max(...this.#blocks.map((held) => held.meta.maxTime));
    const { retentionMs, retentionBytes } = this.#options;
    if (retentionMs > 0) {
      for (const held of this.#blocks) {
        if (newest - held.meta.maxTime > retentionMs) due.add(held);
      }
    }
    if (retentionBytes > 0) {
      let bytes = await folderBytes(join(this.dir, "wal"));
      bytes += await folderBytes(join(this.dir, "wbl"));
      bytes += await folderBytes(join(this.dir, "chunks_head"));
      for (const held of [...this.#blocks].reverse()) {
        bytes += await folderBytes(held.block.dir);
        if (bytes > retentionBytes) due.add(held);
      }
    }
    for (const held of due) {
      if (this.#deps.mustKeep?.(held.meta.ulid) === true) continue;
      this.#blocks = this.#blocks.filter((other) => other !== held);
      await this.#delete(held);
    }
  }

  async #delete(held: HeldBlock): Promise<void> {
    const { dir } = held.block;
    await held.end(async () => {
      const doomed = `${dir}.tmp-for-deletion`;
      await rename(dir, doomed);
      await syncDirectory(this.dir);
      await rm(doomed, { recursive: true, force: true });
    });
  }

  /** Waits for maintenance, writes the logs and closes. The head stays in its log. */
  async close(): Promise<void> {
    await this.#turn;
    try {
      await this.head.close();
    } finally {
      await Promise.all(this.#blocks.map((held) => held.end(async () => undefined)));
    }
  }
}

/** The first time from `from` on at which a closed out-of-order chunk may have samples, +Infinity for none. */
function nextLate(head: LiveHead, from: number): number {
  const { chunks } = head;
  let next = Number.POSITIVE_INFINITY;
  for (const { first } of head.late.series.values()) {
    for (let row = first; row >= 0; row = chunks.next[row]!) {
      if (chunks.maxTime[row]! >= from) next = Math.min(next, Math.max(from, chunks.minTime[row]!));
    }
  }
  return next;
}

async function removeLeftovers(dir: string): Promise<void> {
  let names: string[];
  try {
    names = await readdir(dir);
  } catch {
    return;
  }
  for (const name of names) {
    if (/\.tmp$/.test(name)) await rm(join(dir, name), { recursive: true, force: true });
  }
}

async function folderBytes(dir: string): Promise<number> {
  let sum = 0;
  try {
    for (const entry of await readdir(dir, { recursive: true })) {
      const found = await stat(join(dir, entry));
      if (found.isFile()) sum += found.size;
    }
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== "ENOENT") throw thrown;
  }
  return sum;
}
