// Range reads of one block, counted and charged.
import type { Bucket } from "@deucalion/objstore";
import type { IndexCache } from "../cache/index-cache.ts";
import { BlocksError } from "../errors.ts";
import type { CallBudget } from "./call-budget.ts";
import type { LazyReason } from "./lazy-groups.ts";
import type { ReadPlan } from "./plan-reads.ts";

/** Chunk references are segment × 2^32 + offset. */
const segmentSize = 4_294_967_296;
/** Reads of one block in flight. */
const readsInFlight = 8;

/** Reads the index and the chunk segments of a block for one call. */
export class BlockIo {
  readonly block: string;
  readonly #bucket: Bucket;
  readonly #budget: CallBudget;
  readonly #signal: AbortSignal;

  /** What earlier queries read, if anything is remembered. */
  readonly cache: IndexCache | undefined;

  constructor(
    bucket: Bucket,
    block: string,
    budget: CallBudget,
    signal: AbortSignal,
    cache?: IndexCache,
  ) {
    this.cache = cache;
    this.#bucket = bucket;
    this.block = block;
    this.#budget = budget;
    this.#signal = signal;
  }

  async #read(
    name: string,
    from: number,
    length: number,
    what: string,
    allocate?: (length: number) => Uint8Array,
  ): Promise<Uint8Array> {
    this.#budget.reads++;
    const data = await this.#bucket.getRange(name, from, length, this.#signal, allocate);
    this.#budget.chargeBytes(data.length, what);
    return data;
  }

  /** Fewer bytes only where the index ends. */
  index(from: number, length: number, what: "postings" | "series"): Promise<Uint8Array> {
    const name = `${this.block}/index`;
    if (this.cache === undefined) return this.#read(name, from, length, what);
    const item = what === "series" ? "Series" : "Postings";
    return this.cache.index(this.block, from, length, item, (start, bytes) =>
      this.#read(name, start, bytes, what),
    );
  }

  /** Throws BLOCKS_LIMIT_BYTES if reading so many bytes of the index would pass the limit of the call. */
  foresee(bytes: number, what: "postings" | "series"): void {
    this.#budget.foreseeBytes(bytes, what);
  }

  /** Told of postings that are not read. */
  leftLazy(reason: LazyReason, bytes: number): void {
    this.#budget.leftLazy(reason, bytes);
  }

  get signal(): AbortSignal {
    return this.#signal;
  }

  /** Reads at a chunk reference; fewer bytes only where the segment ends. May be in memory of `allocate`. */
  chunks(
    reference: number,
    length: number,
    allocate: (length: number) => Uint8Array,
  ): Promise<Uint8Array> {
    const segment = Math.floor(reference / segmentSize) + 1;
    const name = `${this.block}/chunks/${String(segment).padStart(6, "0")}`;
    return this.#read(name, reference % segmentSize, length, "chunks", allocate);
  }

  /** All reads of a plan, a few at once, in order. `read` gives one; once one has failed no more are begun. */
  async all<T>(plan: ReadPlan, read: (from: number, length: number) => Promise<T>): Promise<T[]> {
    const results = new Array<T>(plan.count);
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < plan.count) {
        const i = next++;
        try {
          results[i] = await read(plan.from[i]!, plan.to[i]! - plan.from[i]!);
        } catch (error) {
          next = plan.count;
          throw error;
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(readsInFlight, plan.count) }, worker));
    return results;
  }
}

/** An error of one block, naming it. */
export function blockError(block: string, message: string, cause?: unknown): BlocksError {
  return new BlocksError("BLOCKS_SERVE", `block ${block}: ${message}`, { block }, { cause });
}
