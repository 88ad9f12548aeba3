// Requests and responses of thanos.Store. Series responses are hot and have codecs of their own.
import {
  defineMessage,
  type EnumType,
  enumField,
  messageField,
  repeated,
  scalarField,
} from "@deucalion/rpc";
import {
  type LabelMatcher,
  LabelMatcherMessage,
  type MatcherSet,
  MatcherSetMessage,
  PartialResponseStrategy,
  SeriesBatchMessage,
  SeriesMessage,
  type WireSeries,
} from "./store-types.ts";
import { type Any, AnyMessage } from "./well-known.ts";

export const AggrEnum: EnumType = {
  name: "thanos.Aggr",
  values: { RAW: 0, COUNT: 1, SUM: 2, MIN: 3, MAX: 4, COUNTER: 5 },
  json: "name",
};

export const FuncMessage = defineMessage<{ name: string }>("thanos.Func", [
  scalarField(1, "name", "string"),
]);
export const GroupingMessage = defineMessage<{ by: boolean; labels: string[] }>("thanos.Grouping", [
  scalarField(1, "by", "bool"),
  repeated(scalarField(3, "labels", "string")),
]);
export const RangeMessage = defineMessage<{ millis: number }>("thanos.Range", [
  scalarField(1, "millis", "int64"),
]);

export interface QueryHints {
  stepMillis: number;
  func?: { name: string };
  grouping?: { by: boolean; labels: string[] };
  range?: { millis: number };
  projectionLabels: string[];
  projectionInclude: boolean;
  seriesHashLabelName: string;
}

export const QueryHintsMessage = defineMessage<QueryHints>("thanos.QueryHints", [
  scalarField(1, "step_millis", "int64"),
  messageField(2, "func", () => FuncMessage),
  messageField(4, "grouping", () => GroupingMessage),
  messageField(5, "range", () => RangeMessage),
  repeated(scalarField(6, "projection_labels", "string")),
  scalarField(7, "projection_include", "bool"),
  scalarField(8, "series_hash_label_name", "string"),
]);

export interface ShardInfo {
  shardIndex: number;
  totalShards: number;
  by: boolean;
  labels: string[];
}

export const ShardInfoMessage = defineMessage<ShardInfo>("thanos.ShardInfo", [
  scalarField(1, "shard_index", "int64"),
  scalarField(2, "total_shards", "int64"),
  scalarField(3, "by", "bool"),
  repeated(scalarField(4, "labels", "string")),
]);

export interface WireSeriesRequest {
  minTime: number;
  maxTime: number;
  matchers: LabelMatcher[];
  maxResolutionWindow: number;
  aggregates: number[];
  partialResponseDisabled: boolean;
  partialResponseStrategy: number;
  skipChunks: boolean;
  hints?: Any;
  step: number;
  range: number;
  queryHints?: QueryHints;
  shardInfo?: ShardInfo;
  withoutReplicaLabels: string[];
  limit: number;
  responseBatchSize: number;
  /** Sent only to who announces it; others would skip it and send more. */
  anyOf: MatcherSet[];
}

export const SeriesRequestMessage = defineMessage<WireSeriesRequest>("thanos.SeriesRequest", [
  scalarField(1, "min_time", "int64"),
  scalarField(2, "max_time", "int64"),
  repeated(messageField(3, "matchers", () => LabelMatcherMessage)),
  scalarField(4, "max_resolution_window", "int64"),
  repeated(enumField(5, "aggregates", AggrEnum)),
  scalarField(6, "partial_response_disabled", "bool"),
  enumField(7, "partial_response_strategy", PartialResponseStrategy),
  scalarField(8, "skip_chunks", "bool"),
  messageField(9, "hints", () => AnyMessage),
  scalarField(10, "step", "int64"),
  scalarField(11, "range", "int64"),
  messageField(12, "query_hints", () => QueryHintsMessage),
  messageField(13, "shard_info", () => ShardInfoMessage),
  repeated(scalarField(14, "without_replica_labels", "string")),
  scalarField(15, "limit", "int64"),
  scalarField(16, "response_batch_size", "int64"),
  repeated(messageField(1001, "any_of", () => MatcherSetMessage)),
]);

export interface WireSeriesResponse {
  series?: WireSeries;
  warning?: string;
  hints?: Any;
  batch?: { series: WireSeries[] };
}

const result = { oneof: "result" };

/** For tools and tests; the query path uses series-decoder.ts. */
export const SeriesResponseMessage = defineMessage<WireSeriesResponse>("thanos.SeriesResponse", [
  messageField(1, "series", () => SeriesMessage, result),
  scalarField(2, "warning", "string", result),
  messageField(3, "hints", () => AnyMessage, result),
  messageField(4, "batch", () => SeriesBatchMessage, result),
]);

export interface WireLabelNamesRequest {
  partialResponseDisabled: boolean;
  partialResponseStrategy: number;
  start: number;
  end: number;
  hints?: Any;
  matchers: LabelMatcher[];
  withoutReplicaLabels: string[];
  limit: number;
}

export const LabelNamesRequestMessage = defineMessage<WireLabelNamesRequest>(
  "thanos.LabelNamesRequest",
  [
    scalarField(1, "partial_response_disabled", "bool"),
    enumField(2, "partial_response_strategy", PartialResponseStrategy),
    scalarField(3, "start", "int64"),
    scalarField(4, "end", "int64"),
    messageField(5, "hints", () => AnyMessage),
    repeated(messageField(6, "matchers", () => LabelMatcherMessage)),
    repeated(scalarField(7, "without_replica_labels", "string")),
    scalarField(8, "limit", "int64"),
  ],
);

export interface WireLabelNamesResponse {
  names: string[];
  warnings: string[];
  hints?: Any;
}

export const LabelNamesResponseMessage = defineMessage<WireLabelNamesResponse>(
  "thanos.LabelNamesResponse",
  [
    repeated(scalarField(1, "names", "string")),
    repeated(scalarField(2, "warnings", "string")),
    messageField(3, "hints", () => AnyMessage),
  ],
);

export interface WireLabelValuesRequest extends WireLabelNamesRequest {
  label: string;
}

export const LabelValuesRequestMessage = defineMessage<WireLabelValuesRequest>(
  "thanos.LabelValuesRequest",
  [
    scalarField(1, "label", "string"),
    scalarField(2, "partial_response_disabled", "bool"),
    enumField(3, "partial_response_strategy", PartialResponseStrategy),
    scalarField(4, "start", "int64"),
    scalarField(5, "end", "int64"),
    messageField(6, "hints", () => AnyMessage),
    repeated(messageField(7, "matchers", () => LabelMatcherMessage)),
    repeated(scalarField(8, "without_replica_labels", "string")),
    scalarField(9, "limit", "int64"),
  ],
);

export interface WireLabelValuesResponse {
  values: string[];
  warnings: string[];
  hints?: Any;
}

export const LabelValuesResponseMessage = defineMessage<WireLabelValuesResponse>(
  "thanos.LabelValuesResponse",
  [
    repeated(scalarField(1, "values", "string")),
    repeated(scalarField(2, "warnings", "string")),
    messageField(3, "hints", () => AnyMessage),
  ],
);
