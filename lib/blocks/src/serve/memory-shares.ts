// How the memory that a store may use is shared out.

/** All in bytes. */
export interface MemoryShares {
  /** Index cache, at most. */
  readonly indexCache: number;
  /** Chunks of all calls. */
  readonly chunks: number;
  /** Pages of index-headers. */
  readonly pages: number;
  /** Encoded labels. */
  readonly memos: number;
  /** Tables of open index-headers. */
  readonly headers: number;
  /** What calls hold beside chunks: postings and series. */
  readonly held: number;
}

/** Shares of `bytes`; what needs no more than some size gets no more. */
export function memoryShares(bytes: number): MemoryShares {
  const share = (part: number, enough = Number.POSITIVE_INFINITY): number =>
    Math.floor(Math.min(bytes / part, enough));
  return {
    indexCache: share(4),
    chunks: share(4, 256 << 20),
    pages: share(16, 64 << 20),
    memos: share(16, 64 << 20),
    headers: share(16, 128 << 20),
    held: share(4),
  };
}
