// What is remembered of blocks' indexes between queries.
import type { Matcher } from "@deucalion/model";

export type IndexCacheItem = "Postings" | "Series" | "ExpandedPostings";

/** Where the figures go; names are those of `thanos_store_index_cache_*`. */
export interface IndexCacheEvents {
  requests(item: IndexCacheItem, count: number): void;
  hits(item: IndexCacheItem, count: number): void;
  stored(item: IndexCacheItem, bytes: number): void;
  seconds(item: IndexCacheItem, seconds: number): void;
}

/** What one list of postings is of. */
export interface PostingsLabel {
  readonly name: string;
  readonly value: string;
}

/** Reads bytes of an index from the bucket. */
export type ReadIndex = (from: number, length: number) => Promise<Uint8Array>;

/** Remembers results of one query for the next. Never fails: what is lost is read again. */
export interface IndexCache {
  /** Postings of all series that `matchers` select. */
  expanded(
    block: string,
    matchers: readonly Matcher[],
    signal: AbortSignal,
  ): Promise<Uint32Array | undefined>;
  storeExpanded(block: string, matchers: readonly Matcher[], postings: Uint32Array): void;
  /**
   * Postings of single labels, in the order of `labels`; undefined where they are not kept one by one. Of the label
   * with neither name nor value: those of all series.
   */
  lists(
    block: string,
    labels: readonly PostingsLabel[],
    signal: AbortSignal,
  ): Promise<readonly (Uint32Array | undefined)[]> | undefined;
  storeList(block: string, label: PostingsLabel, postings: Uint32Array): void;
  /**
   * Bytes of an index, from memory as far as they are there and by `read` for the rest. Fewer only where the index ends.
   * `item` says what they are read for.
   */
  index(
    block: string,
    from: number,
    length: number,
    item: "Postings" | "Series",
    read: ReadIndex,
  ): Promise<Uint8Array>;
  /** Entries of series by their references, without length and checksum; undefined where they are not kept one by one. */
  series(
    block: string,
    references: readonly number[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<number, Uint8Array>> | undefined;
  storeSeries(block: string, reference: number, entry: Uint8Array): void;
  /** Drops what is held of these bytes of an index: they were damaged, perhaps on their way only. */
  forget(block: string, from: number, length: number): void;
  close(): Promise<void>;
}

const typeOrder = ["=", "!=", "=~", "!~"];

/** One text for the same matchers in any order; the order is Thanos'. */
export function matchersKey(matchers: readonly Matcher[]): string {
  const compare = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
  return [...matchers]
    .sort(
      (a, b) =>
        typeOrder.indexOf(a.type) - typeOrder.indexOf(b.type) ||
        compare(a.name, b.name) ||
        compare(a.value, b.value),
    )
    .map((matcher) => matcher.toString())
    .join(";");
}
