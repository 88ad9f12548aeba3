// Settings of serving blocks from a bucket.

export interface ServeOptions {
  /** Series entries read and decoded at once, per block. */
  readonly seriesBatch: number;
  /** Bytes of series entries read at once, per block, gaps included. */
  readonly entryBytes: number;
  /** Ranges closer than this are read together. */
  readonly gapBytes: number;
  /** Longest single read; longer ranges are split where they can be. */
  readonly readBytesMax: number;
  /** What a series entry of unknown length is taken for; a longer one is read again. */
  readonly seriesBytesGuess: number;
  /** What a chunk of unknown length is taken for; a longer one is read again. */
  readonly chunkBytesGuess: number;
  /** Chunk bytes held by one call, over all its blocks. */
  readonly callBytes: number;
  /** Chunk bytes held by all calls: with many at once each gets smaller pieces. */
  readonly sourceBytes: number;
  /** Most series, samples and bytes read of one call; 0 is no limit. Past it the call fails with BLOCKS_LIMIT_*. */
  readonly seriesMax: number;
  readonly samplesMax: number;
  readonly bytesMax: number;
  /** Most bytes of postings and series that all calls, and one call, may hold; 0 is no limit: BLOCKS_LIMIT_MEMORY. */
  readonly heldMax: number;
  readonly callHeldMax: number;
  /** Leave postings unread that are larger than the series they would spare, and filter series instead. */
  readonly lazyPostings: boolean;
  /** With it: a label with so many times more values than there are series is left to the filter, too; 0 never. */
  readonly lazyKeySeriesRatio: number;
}

export const serveDefaults: ServeOptions = {
  seriesBatch: 10_000,
  entryBytes: 16 << 20,
  gapBytes: 512 << 10,
  readBytesMax: 16 << 20,
  seriesBytesGuess: 64 << 10,
  chunkBytesGuess: 16_000,
  callBytes: 64 << 20,
  sourceBytes: 256 << 20,
  seriesMax: 0,
  samplesMax: 0,
  bytesMax: 0,
  heldMax: 0,
  callHeldMax: 0,
  lazyPostings: false,
  lazyKeySeriesRatio: 100,
};
