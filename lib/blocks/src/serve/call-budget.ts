// What one call may touch, and what it has touched.
import { BlocksError } from "../errors.ts";
import type { LazyReason } from "./lazy-groups.ts";
import type { ServeOptions } from "./serve-options.ts";

/** Samples that one chunk is charged for. */
const chunkSamples = 120;

/** Shared by all blocks of a call. Throws as soon as a limit is passed. */
export class CallBudget {
  readonly #options: ServeOptions;
  series = 0;
  chunks = 0;
  bytes = 0;
  /** Range reads asked of the bucket. */
  reads = 0;
  /** Groups of postings that were left to a filter, by reason, and their bytes. */
  readonly lazyGroups: Record<LazyReason, number> = { keys_limit: 0, postings_size: 0 };
  lazyBytes = 0;
  /** Entries of series that the filter threw away. */
  filtered = 0;

  constructor(options: ServeOptions) {
    this.#options = options;
  }

  chargeSeries(count: number): void {
    this.series += count;
    const limit = this.#options.seriesMax;
    if (limit > 0 && this.series > limit) throw limitError("SERIES", "series", limit, this.series);
  }

  chargeChunks(count: number): void {
    this.chunks += count;
    const limit = this.#options.samplesMax;
    if (limit > 0 && this.chunks * chunkSamples > limit)
      throw limitError("SAMPLES", "samples", limit, this.chunks * chunkSamples);
  }

  leftLazy(reason: LazyReason, bytes: number): void {
    this.lazyGroups[reason]++;
    this.lazyBytes += bytes;
  }

  /** Throws if so many bytes more are over the limit; to be asked before they are read. */
  foreseeBytes(count: number, what: string): void {
    const limit = this.#options.bytesMax;
    const got = this.bytes + count;
    if (limit === 0 || got <= limit) return;
    throw new BlocksError(
      "BLOCKS_LIMIT_BYTES",
      `exceeded bytes limit while fetching ${what}: limit ${limit} violated (got ${got}, known before they are read); see --store.grpc.downloaded-bytes-limit`,
      { limit, got },
    );
  }

  chargeBytes(count: number, what: string): void {
    this.bytes += count;
    const limit = this.#options.bytesMax;
    if (limit > 0 && this.bytes > limit)
      throw limitError("BYTES", `bytes limit while fetching ${what}: bytes`, limit, this.bytes);
  }
}

function limitError(
  kind: "SERIES" | "SAMPLES" | "BYTES",
  what: string,
  limit: number,
  got: number,
): BlocksError {
  const subject = kind === "BYTES" ? what : `${what} limit`;
  return new BlocksError(
    `BLOCKS_LIMIT_${kind}`,
    `exceeded ${subject.replace(/: bytes$/, "")}: limit ${limit} violated (got ${got})`,
    { limit, got },
  );
}
