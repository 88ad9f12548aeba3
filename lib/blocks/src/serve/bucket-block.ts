// One block of a bucket: its meta, its external labels, and its index-header, made when it is first needed.
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Log } from "@deucalion/base";
import type { Labels, Matcher } from "@deucalion/model";
import type { Bucket } from "@deucalion/objstore";
import { BlocksError } from "../errors.ts";
import type { HeaderPool, PooledHeader } from "../index-header/header-pool.ts";
import { IndexHeader } from "../index-header/index-header.ts";
import type { PageCache } from "../index-header/page-cache.ts";
import { writeIndexHeader } from "../index-header/write-index-header.ts";
import { type BlockMeta, externalLabels } from "../meta/block-meta.ts";
import type { HasMeta } from "../meta/block-set.ts";

export interface BucketBlockDeps {
  readonly bucket: Bucket;
  /** Index-headers are kept in `<dataDir>/<ulid>/index-header`. */
  readonly dataDir: string;
  readonly pages: PageCache;
  /** Closes headers that are idle or too many. */
  readonly pool: HeaderPool;
  /** Every so manieth value of a label is kept in memory. */
  readonly sampling?: number | undefined;
  /** Told when the header was closed: what was made of it is worth nothing any more. */
  readonly closed: (id: string) => void;
  readonly log: Log;
  /** Aborted when the process stops; a header that is being made outlives the query that asked for it. */
  readonly signal: AbortSignal;
}

/** A block that can be read from. `close` waits for nobody: it is called when no query uses the block any more. */
export class BucketBlock implements HasMeta, PooledHeader {
  readonly meta: BlockMeta;
  readonly id: string;
  readonly labels: Labels;
  readonly #blockLabels: Labels;
  readonly #deps: BucketBlockDeps;
  #opening: Promise<IndexHeader> | undefined;
  #header: IndexHeader | undefined;
  #making: Promise<void> | undefined;
  #failed = false;
  #users = 0;
  /** When the last query ended, 0 before the first. */
  usedAt = 0;
  #closed = false;

  constructor(meta: BlockMeta, deps: BucketBlockDeps) {
    this.meta = meta;
    this.id = meta.ulid;
    this.labels = externalLabels(meta);
    this.#blockLabels = this.labels.with("__block_id", meta.ulid);
    this.#deps = deps;
  }

  /** True if samples of [minTime, maxTime] (ms, inclusive) can be in the block. */
  overlaps(minTime: number, maxTime: number): boolean {
    return this.meta.minTime <= maxTime && minTime < this.meta.maxTime;
  }

  /** True if its external labels and `__block_id` match. */
  matchesBlock(matchers: readonly Matcher[]): boolean {
    return matchers.every((matcher) => matcher.matches(this.#blockLabels.get(matcher.name)));
  }

  /** The matchers that are left for the series, or null if the external labels do not match. */
  seriesMatchers(matchers: readonly Matcher[]): Matcher[] | null {
    const left: Matcher[] = [];
    for (const matcher of matchers) {
      const value = this.labels.get(matcher.name);
      if (value === "") left.push(matcher);
      else if (!matcher.matches(value)) return null;
    }
    return left;
  }

  /** Keeps the block open until `release`. */
  acquire(): void {
    this.#users++;
  }

  release(): void {
    this.#users--;
    if (this.#users > 0) return;
    this.usedAt = this.#deps.pool.now();
    if (this.#closed) this.#closeHeader();
    else this.#deps.pool.used(this);
  }

  get headerBytes(): number {
    return this.#header?.memoryBytes ?? 0;
  }

  closeIfIdle(): boolean {
    if (this.#users > 0 || this.#header === undefined) return false;
    this.#closeHeader();
    return true;
  }

  #closeHeader(): void {
    if (this.#header === undefined) return;
    this.#header.close();
    this.#header = undefined;
    this.#opening = undefined;
    this.#deps.pool.remove(this);
    this.#deps.closed(this.id);
  }

  /** Whether the index-header is open already. */
  get isOpen(): boolean {
    return this.#header !== undefined;
  }

  /** The index-header, opened once. An error is remembered until `forgetFailure`. */
  header(): Promise<IndexHeader> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#failed = true;
      this.#deps.pool.events.opened(false, 0);
      throw error;
    });
    return this.#opening;
  }

  async #open(): Promise<IndexHeader> {
    const { dataDir, pages, pool, sampling, log } = this.#deps;
    const path = join(dataDir, this.id, "index-header");
    const begun = pool.now();
    let header: IndexHeader | undefined;
    try {
      header = await IndexHeader.open(path, pages, sampling);
    } catch (error) {
      if (error instanceof BlocksError) {
        log.warn("index-header is damaged and is made again", { block: this.id, err: error });
        await rm(path, { force: true });
      } else if (!(error instanceof Error && "code" in error && error.code === "ENOENT"))
        throw error;
    }
    if (header === undefined) {
      await this.#make(path);
      header = await IndexHeader.open(path, pages, sampling);
    }
    pool.events.opened(true, (pool.now() - begun) / 1000);
    if (this.#closed && this.#users === 0) {
      header.close();
      return header;
    }
    this.#header = header;
    pool.add(this);
    return header;
  }

  /** Makes the header, once for all who ask at the same time. */
  #make(path: string): Promise<void> {
    const { bucket, pool, signal } = this.#deps;
    const begun = pool.now();
    this.#making ??= writeIndexHeader(bucket, this.id, path, signal)
      .then(() => pool.events.made((pool.now() - begun) / 1000))
      .finally(() => {
        this.#making = undefined;
      });
    return this.#making;
  }

  /**
   * Has the index-header ready for the next query: open, or on disk where `open` is false or no more should be open.
   * Gives the bytes that were written.
   */
  async prepare(open = true): Promise<number> {
    if (this.isOpen) return 0;
    const path = join(this.#deps.dataDir, this.id, "index-header");
    const there = (await stat(path).catch(() => undefined))?.size;
    if (open && this.#deps.pool.hasRoom) await this.header();
    else if (there === undefined) await this.#make(path);
    return there === undefined ? (await stat(path)).size : 0;
  }

  /** Lets a failed header be tried again. */
  forgetFailure(): void {
    if (!this.#failed) return;
    this.#failed = false;
    this.#opening = undefined;
  }

  /** No new queries come; the header is closed when the last one has ended. */
  close(): void {
    this.#closed = true;
    if (this.#users === 0) this.#closeHeader();
  }
}
