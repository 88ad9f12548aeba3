// Public names of @deucalion/blocks.

export type { CacheClient, CacheEvents } from "./cache/cache-client.ts";
export type { CacheBackend } from "./cache/cache-config.ts";
export { CacheFields, readCacheBackend } from "./cache/cache-config.ts";
export type { CachingBucketEvents, CachingBucketOptions } from "./cache/caching-bucket.ts";
export { CachingBucket } from "./cache/caching-bucket.ts";
export type { CachingBackend } from "./cache/caching-bucket-config.ts";
export { readCachingBucketConfig } from "./cache/caching-bucket-config.ts";
export { expireHeader, peerPath } from "./cache/groupcache/cache-peer.ts";
export { Groupcache } from "./cache/groupcache/groupcache.ts";
export type { IndexCache, IndexCacheEvents, IndexCacheItem } from "./cache/index-cache.ts";
export type { IndexCacheConfig } from "./cache/index-cache-config.ts";
export { openIndexCache, readIndexCacheConfig } from "./cache/index-cache-config.ts";
export type { RemoteCacheDeps } from "./cache/memcached-client.ts";
export { MemoryIndexCache } from "./cache/memory-index-cache.ts";
export { openCache } from "./cache/open-cache.ts";
export type { BlockExecutor, BlockTask } from "./compact/block-executor.ts";
export { WorkerExecutor } from "./compact/block-executor.ts";
export { markNoDownsample, readBlockMarks, retireBlock } from "./compact/bucket/block-marks.ts";
export type {
  BucketSnapshot,
  BucketViewDeps,
  BucketViewOptions,
} from "./compact/bucket/bucket-view.ts";
export { BucketView } from "./compact/bucket/bucket-view.ts";
export type { CleanDeps } from "./compact/bucket/clean-bucket.ts";
export {
  applyRetention,
  cleanPartialUploads,
  deleteMarkedBlocks,
  partialUploadAgeMs,
} from "./compact/bucket/clean-bucket.ts";
export { createsConditionally } from "./compact/bucket/creates-conditionally.ts";
export { deleteBlock } from "./compact/bucket/delete-block.ts";
export type { Lease, LeaseOptions } from "./compact/bucket/leases.ts";
export { Leases } from "./compact/bucket/leases.ts";
export { claimSolo } from "./compact/bucket/solo-instance.ts";
export type { UploadBlockOptions } from "./compact/bucket/upload-block.ts";
export { blockFiles, uploadBlock } from "./compact/bucket/upload-block.ts";
export type { RoundResult } from "./compact/compactor.ts";
export { Compactor } from "./compact/compactor.ts";
export type { CompactorEvents } from "./compact/compactor-events.ts";
export { silentEvents } from "./compact/compactor-events.ts";
export type { CompactorDeps, CompactorOptions } from "./compact/compactor-options.ts";
export { CompactionHalt } from "./compact/halt.ts";
export type { BlockHealth } from "./compact/merge/block-health.ts";
export { healthIssues, readBlockHealth } from "./compact/merge/block-health.ts";
export type { CompactionDedup } from "./compact/merge/merge-chunks.ts";
export type { BlockContent } from "./compact/merge/read-back.ts";
export { verifyWritten } from "./compact/merge/read-back.ts";
export { repairBlock } from "./compact/merge/repair-block.ts";
export { SourceBlockError } from "./compact/merge/source-error.ts";
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
export { ParquetConvertedFilter } from "./fetch/parquet-converted-filter.ts";
export type { SelectorRelabel } from "./fetch/selector-relabel.ts";
export {
  labelShardFilter,
  parseSelectorRelabel,
  relabelSelected,
} from "./fetch/selector-relabel.ts";
export { timePartitionFilter } from "./fetch/time-partition-filter.ts";
export {
  headersBeyond,
  indexHeaderSizes,
  removeIndexHeader,
} from "./index-header/header-files.ts";
export type { HeaderPoolEvents, HeaderPoolOptions } from "./index-header/header-pool.ts";
export { HeaderPool, headerPoolDefaults } from "./index-header/header-pool.ts";
export { IndexHeader } from "./index-header/index-header.ts";
export { PageCache } from "./index-header/page-cache.ts";
export { writeIndexHeader } from "./index-header/write-index-header.ts";
export type { BlockFile, BlockMeta, BlockStats, ThanosSection } from "./meta/block-meta.ts";
export { externalLabels, groupKey, parseBlockMeta, uploadTimeMs } from "./meta/block-meta.ts";
export type { BlockSet, HasMeta } from "./meta/block-set.ts";
export { chooseBlocks, groupBlocks } from "./meta/block-set.ts";
export { formatGoMeta, goMeta } from "./meta/go-meta.ts";
export type { DeletionMark, NoCompactMark } from "./meta/markers.ts";
export {
  deletionMarkFile,
  markForDeletion,
  markNoCompact,
  noCompactMarkFile,
  noDownsampleMarkFile,
  readDeletionMark,
} from "./meta/markers.ts";
export type { CompactionGroup } from "./plan/compaction-group.ts";
export { compactionGroups, describeGroup } from "./plan/compaction-group.ts";
export type { CompactionPlan, PlanInput } from "./plan/compaction-plan.ts";
export { planAll, planCompactions } from "./plan/compaction-plan.ts";
export { compactionRanges, compactionRangesMs, resolutionsMs } from "./plan/compaction-ranges.ts";
export { planDownsampling } from "./plan/plan-downsample.ts";
export { overlappingRun, planGroup } from "./plan/plan-group.ts";
export type { Retention } from "./plan/plan-retention.ts";
export { planRetention } from "./plan/plan-retention.ts";
export { BucketBlock } from "./serve/bucket-block.ts";
export type { BucketSourceDeps } from "./serve/bucket-source.ts";
export { BucketSource } from "./serve/bucket-source.ts";
export type { CallBudget } from "./serve/call-budget.ts";
export type { MemoryShares } from "./serve/memory-shares.ts";
export { memoryShares } from "./serve/memory-shares.ts";
export type { ServeOptions } from "./serve/serve-options.ts";
export { serveDefaults } from "./serve/serve-options.ts";
export type { TimeRange } from "./serve/time-ranges.ts";
export type { ShipperDeps, ShipperEvents, ShipperOptions } from "./ship/shipper.ts";
export { Shipper, shipperDefaults } from "./ship/shipper.ts";
export { shipperFileName } from "./ship/shipper-file.ts";
