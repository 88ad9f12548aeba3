// Public names of @deucalion/tsdb.

export { Block } from "./block/block.ts";
export type { BlockWriterOptions } from "./block/block-writer.ts";
export { BlockWriter, writeBlock } from "./block/block-writer.ts";
export {
  appendChunkFrame,
  ChunkFrame,
  checkSegmentHeader,
  chunkFrameBytesMax,
  encodeSegmentHeader,
  segmentHeaderBytes,
  segmentMagic,
} from "./block/chunk-frame.ts";
export type { ReadChunks } from "./block/chunk-segments.ts";
export { ChunkSegments, openSegmentFiles } from "./block/chunk-segments.ts";
export { AppendFile, syncDirectory, writeFileDurably } from "./block/durable-files.ts";
export type { FileRanges } from "./block/file-ranges.ts";
export { openFileRanges } from "./block/file-ranges.ts";
export type {
  BlockCompaction,
  BlockMeta,
  BlockParent,
  BlockStats,
  ThanosMeta,
} from "./block/meta.ts";
export {
  formatBlockMeta,
  metaFileName,
  parseBlockMeta,
  readBlockMeta,
  writeBlockMeta,
} from "./block/meta.ts";
export { SegmentWriter, segmentBytesMax } from "./block/segment-writer.ts";
export type { Interval, Tombstones } from "./block/tombstones.ts";
export {
  addInterval,
  coversRange,
  decodeTombstones,
  encodeTombstones,
  meetsRange,
  readTombstones,
  removeDeleted,
  writeTombstones,
} from "./block/tombstones.ts";
export type { AggregateChunk } from "./chunk/aggregate-chunks.ts";
export { AggregateParts, aggregateChunks, encodeAggregateChunk } from "./chunk/aggregate-chunks.ts";
export { chunkSampleCount, decodeChunkInto } from "./chunk/decode-chunk.ts";
export type { EncodedChunk, EncodeSamplesOptions, XorEncoder } from "./chunk/encode-samples.ts";
export { encodeSamples, encodeSamplesDefaults } from "./chunk/encode-samples.ts";
export type { AppendVerdict } from "./chunk/histogram-appender.ts";
export {
  appendHistogram,
  CounterResetHeader,
  HistogramAppender,
} from "./chunk/histogram-appender.ts";
export { Xor2Appender } from "./chunk/xor2-appender.ts";
export type { TsdbErrorCode } from "./errors.ts";
export { TsdbError } from "./errors.ts";
export { chainSamplesInto } from "./head/chain-samples.ts";
export type { DatabaseSeries } from "./head/database.ts";
export { Database } from "./head/database.ts";
export { Head } from "./head/head.ts";
export type { ClosedChunk, HeadOptions } from "./head/head-series.ts";
export { HeadSeries, headDefaults } from "./head/head-series.ts";
export type { HeadExemplar } from "./head/live/exemplar-ring.ts";
export { HeadSource } from "./head/live/head-source.ts";
export type { LiveDatabaseDeps, LiveDatabaseOptions } from "./head/live/live-database.ts";
export { LiveDatabase, liveDatabaseDefaults } from "./head/live/live-database.ts";
export { LiveHead } from "./head/live/live-head.ts";
export type { LiveHeadDeps, LiveHeadOptions } from "./head/live/live-options.ts";
export { liveHeadDefaults } from "./head/live/live-options.ts";
export { openLiveHead } from "./head/live/log/live-replay.ts";
export type { SeriesMetadata } from "./head/live/series/metadata-table.ts";
export { familyOf, MetadataTable } from "./head/live/series/metadata-table.ts";
export { Verdict } from "./head/live/verdict.ts";
export type { ReplayDamage, ReplayDeps } from "./head/replay.ts";
export { replayHead } from "./head/replay.ts";
export type { ByteRange } from "./index/coalesce-ranges.ts";
export { coalesceRanges } from "./index/coalesce-ranges.ts";
export { IndexReader } from "./index/index-reader.ts";
export type { ChunkMeta } from "./index/index-writer.ts";
export { ChunkPlaces, IndexWriter } from "./index/index-writer.ts";
export type { PostingsGroup, PostingsPlan } from "./index/match-postings.ts";
export { planPostings, runPostingsPlan } from "./index/match-postings.ts";
export {
  intersectPostings,
  mergePostings,
  noPostings,
  readPostings,
  subtractPostings,
} from "./index/postings.ts";
export type { LabelIndex, PostingsEntryVisitor, ValueRange } from "./index/postings-table.ts";
export { PostingsTable, visitPostingsTable } from "./index/postings-table.ts";
export type { RangeReader } from "./index/range-reader.ts";
export { memoryRanges } from "./index/range-reader.ts";
export { SeriesEntry } from "./index/series-entry.ts";
export { appendLabel, appendSeriesLabels, seriesLabels } from "./index/series-labels.ts";
export { Symbols } from "./index/symbols.ts";
export type { IndexToc } from "./index/toc.ts";
export {
  encodeIndexToc,
  indexHeaderBytes,
  indexMagic,
  indexTocBytes,
  readIndexHeader,
  readIndexToc,
  seriesEnd,
} from "./index/toc.ts";
export type { HeadChunkEntry } from "./wal/head-chunks.ts";
export { readHeadChunks } from "./wal/head-chunks.ts";
export type { NumberedName } from "./wal/log-directory.ts";
export {
  lastCheckpoint,
  lastSnapshot,
  listSegments,
  readSegmentFile,
} from "./wal/log-directory.ts";
export type { LogDamage, LogRecord } from "./wal/log-reader.ts";
export { readLogSegment, walPageBytes } from "./wal/log-reader.ts";
export type { SnapshotChunk, SnapshotRecord } from "./wal/snapshot-record.ts";
export { decodeSnapshotRecord } from "./wal/snapshot-record.ts";
export type {
  WalExemplar,
  WalHistogram,
  WalMetadata,
  WalMmapMarker,
  WalRecord,
  WalSamples,
  WalSeries,
  WalTombstone,
} from "./wal/wal-record.ts";
export { decodeWalRecord, WalRecordType } from "./wal/wal-record.ts";
