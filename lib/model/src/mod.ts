// Public names of @deucalion/model.
export { ChunkColumns, ChunkEncoding } from "./chunk-columns.ts";
export { EncodedBatch, sortByTime } from "./encoded-batch.ts";
export type { ChunkDecoder } from "./encoded-batch.ts";
export { ModelError } from "./errors.ts";
export type { ModelErrorCode } from "./errors.ts";
export { customBucketsSchema } from "./histogram.ts";
export type { BucketSpan, CounterResetHint, FloatHistogram } from "./histogram.ts";
export {
  compareLabelBytes,
  decodeLabels,
  decodeText,
  encodeLabel,
  encodeLabelParts,
  encodeLabels,
  equalLabelBytes,
  LabelCursor,
} from "./label-bytes.ts";
export type { LabelBytes } from "./label-bytes.ts";
export { compareLabels, compareStrings, Labels } from "./labels.ts";
export { Matcher } from "./matcher.ts";
export type { MatchType } from "./matcher.ts";
export { compileRegex } from "./regex.ts";
export type { CompiledRegex } from "./regex.ts";
export { SampleColumns } from "./sample-columns.ts";
export { Aggregate } from "./series-source.ts";
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
export { isStale, isStaleAt, putStale, staleNaN } from "./stale.ts";
