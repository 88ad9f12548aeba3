// Public names of @deucalion/model.
export { ChunkColumns, ChunkEncoding } from "./chunk-columns.ts";
export { giveColumns, takeColumns } from "./column-pool.ts";
export { mergeChain } from "./dedup/chain.ts";
export type { FillOptions } from "./dedup/fill.ts";
export { mergeFill } from "./dedup/fill.ts";
export { splitOverlaps } from "./dedup/overlap-split.ts";
export { mergePenalty } from "./dedup/penalty.ts";
export type { ChunkDecoder } from "./encoded-batch.ts";
export { EncodedBatch, sortByTime } from "./encoded-batch.ts";
export type { ModelErrorCode } from "./errors.ts";
export { ModelError } from "./errors.ts";
export type { AddResult } from "./histogram/arithmetic/accumulator.ts";
export { HistogramSum } from "./histogram/arithmetic/accumulator.ts";
export type { HistogramOutcome } from "./histogram/arithmetic/add.ts";
export {
  addHistograms,
  subtractHistograms,
  usesCustomBuckets,
} from "./histogram/arithmetic/add.ts";
export { detectReset } from "./histogram/arithmetic/detect-reset.ts";
export { HistogramMean } from "./histogram/arithmetic/mean.ts";
export { divideHistogram, multiplyHistogram, withHint } from "./histogram/arithmetic/scale.ts";
export { scaledDifference } from "./histogram/arithmetic/scaled-difference.ts";
export { fractionBelow, trimHistogram } from "./histogram/arithmetic/trim.ts";
export { bucketBound, exponentialBound, sameCustomBounds } from "./histogram/buckets/bounds.ts";
export { copyBuckets, newBuckets } from "./histogram/buckets/bucket-columns.ts";
export type { BucketOrder } from "./histogram/buckets/bucket-cursor.ts";
export { BucketCursor } from "./histogram/buckets/bucket-cursor.ts";
export { compactHistogram } from "./histogram/buckets/compact.ts";
export { bucketIndexes, spansOf } from "./histogram/buckets/layout.ts";
export { reduceResolution } from "./histogram/buckets/reduce.ts";
export { equalHistograms } from "./histogram/equals.ts";
export {
  eachApiBucket,
  formatFloatJson,
  histogramJson,
  histogramTestExpression,
  histogramText,
} from "./histogram/format.ts";
export { formatFloatG } from "./histogram/format-float.ts";
export { goExp2, goLog2 } from "./histogram/go-exponent.ts";
export { emptyHistogram } from "./histogram/make.ts";
export { validateHistogram } from "./histogram/validate.ts";
export type { BucketSpan, CounterResetHint, FloatHistogram } from "./histogram.ts";
export { customBucketsSchema } from "./histogram.ts";
export type { HistogramBlock, HistogramRowsLayout } from "./histogram-rows.ts";
export { HistogramRows, rowHead } from "./histogram-rows.ts";
export type { LabelBytes } from "./label-bytes.ts";
export {
  compareBytes,
  compareLabelBytes,
  decodeLabels,
  decodeText,
  encodeLabel,
  encodeLabelParts,
  encodeLabels,
  equalLabelBytes,
  LabelCursor,
} from "./label-bytes.ts";
export { compareLabels, compareStrings, Labels } from "./labels.ts";
export type { MatchType } from "./matcher.ts";
export { Matcher } from "./matcher.ts";
export type { CompiledRegex, Replacer } from "./regex.ts";
export { compileRegex, compileReplacer, quoteRegex } from "./regex.ts";
export type { RegexSearch } from "./regex-search.ts";
export { compileSearch } from "./regex-search.ts";
export { SampleColumns } from "./sample-columns.ts";
export type {
  LabelRequest,
  SelectHints,
  SeriesBatch,
  SeriesRequest,
  SeriesSource,
  ShardSelector,
  SourceContext,
  SourceInfo,
} from "./series-source.ts";
export { Aggregate } from "./series-source.ts";
export { isStale, isStaleAt, putStale, staleNaN } from "./stale.ts";
