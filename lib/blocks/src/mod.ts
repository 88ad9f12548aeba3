// Public names of @deucalion/blocks.

export type { BlocksErrorCode } from "./errors.ts";
export { BlocksError, isLimit } from "./errors.ts";
export type { BlockListing, DiscoveryStrategy } from "./fetch/block-lister.ts";
export { blockIdOf, listBlocks } from "./fetch/block-lister.ts";
export { consistencyDelayFilter } from "./fetch/consistency-delay-filter.ts";
export { DeletionMarkFilter } from "./fetch/deletion-mark-filter.ts";
export { duplicateFilter } from "./fetch/duplicate-filter.ts";
export type { MetaFetcherDeps, MetaFetcherOptions, MetaView } from "./fetch/meta-fetcher.ts";
export { MetaFetcher } from "./fetch/meta-fetcher.ts";
export type { BlockState, MetaFilter } from "./fetch/meta-filter.ts";
export type { SelectorRelabel } from "./fetch/selector-relabel.ts";
export {
  labelShardFilter,
  parseSelectorRelabel,
  relabelSelected,
} from "./fetch/selector-relabel.ts";
export { timePartitionFilter } from "./fetch/time-partition-filter.ts";
export { IndexHeader } from "./index-header/index-header.ts";
export { PageCache } from "./index-header/page-cache.ts";
export { writeIndexHeader } from "./index-header/write-index-header.ts";
export type { BlockFile, BlockMeta, BlockStats, ThanosSection } from "./meta/block-meta.ts";
export { externalLabels, groupKey, parseBlockMeta, uploadTimeMs } from "./meta/block-meta.ts";
export type { BlockSet, HasMeta } from "./meta/block-set.ts";
export { chooseBlocks, groupBlocks } from "./meta/block-set.ts";
export { formatGoMeta, goMeta } from "./meta/go-meta.ts";
export type { DeletionMark, NoCompactMark } from "./meta/markers.ts";
export { markForDeletion, markNoCompact, readDeletionMark } from "./meta/markers.ts";
export { BucketBlock } from "./serve/bucket-block.ts";
export type { BucketSourceDeps } from "./serve/bucket-source.ts";
export { BucketSource } from "./serve/bucket-source.ts";
export type { CallBudget } from "./serve/call-budget.ts";
export type { ServeOptions } from "./serve/serve-options.ts";
export { serveDefaults } from "./serve/serve-options.ts";
export type { TimeRange } from "./serve/time-ranges.ts";
