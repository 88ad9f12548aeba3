// What a compactor tells whoever counts, logs or shows.

export interface CompactorEvents {
  /** A plan of a group is about to run. */
  runStarted(resolutionMs: number): void;
  runCompleted(resolutionMs: number): void;
  runFailed(resolutionMs: number): void;
  /** A new block was made; `conflicts` timestamps had several values. */
  compacted(
    resolutionMs: number,
    vertical: boolean,
    counts: { readonly overlaps: number; readonly conflicts: number },
  ): void;
  downsampled(resolutionMs: number, seconds: number): void;
  downsampleFailed(resolutionMs: number): void;
  /** A mark was written. */
  marked(file: string, reason: string): void;
  garbageCollected(blocks: number, seconds: number): void;
  garbageCollectionFailed(): void;
  blockDeleted(): void;
  blockDeletionFailed(): void;
  partialDeletion(): void;
}

function nothing(): void {
  // Nobody listens.
}

/** For callers that do not count. */
export const silentEvents: CompactorEvents = {
  runStarted: nothing,
  runCompleted: nothing,
  runFailed: nothing,
  compacted: nothing,
  downsampled: nothing,
  downsampleFailed: nothing,
  marked: nothing,
  garbageCollected: nothing,
  garbageCollectionFailed: nothing,
  blockDeleted: nothing,
  blockDeletionFailed: nothing,
  partialDeletion: nothing,
};
