// thanos.Query: PromQL by gRPC, as queriers use it among themselves.
import {
  defineMessage,
  type EnumType,
  enumField,
  type Field,
  messageField,
  repeated,
  scalarField,
} from "@deucalion/rpc";
import { TimeSeriesMessage, type WireTimeSeries } from "./prometheus-types.ts";
import { type ShardInfo, ShardInfoMessage } from "./store-messages.ts";
import { type LabelMatcher, LabelMatcherMessage } from "./store-types.ts";

export const EngineTypeEnum: EnumType = {
  name: "thanos.EngineType",
  values: { default: 0, prometheus: 1, thanos: 2 },
  json: "number",
};

export const StoreMatchersMessage = defineMessage<{ labelMatchers: LabelMatcher[] }>(
  "thanos.StoreMatchers",
  [repeated(messageField(1, "labelMatchers", () => LabelMatcherMessage))],
);

export const QueryPlanMessage = defineMessage<{ json?: Uint8Array }>("thanos.QueryPlan", [
  scalarField(1, "json", "bytes", { oneof: "encoding" }),
]);

/** What both requests have. Times in whole seconds. */
export interface QueryRequestBase {
  query: string;
  timeoutSeconds: number;
  maxResolutionSeconds: number;
  replicaLabels: string[];
  storeMatchers: { labelMatchers: LabelMatcher[] }[];
  enableDedup: boolean;
  enablePartialResponse: boolean;
  skipChunks: boolean;
  shardInfo?: ShardInfo;
  lookbackDeltaSeconds: number;
  engine: number;
  queryPlan?: { json?: Uint8Array };
  responseBatchSize: number;
}

function baseFields(first: number): Field[] {
  return [
    scalarField(first, "timeout_seconds", "int64"),
    scalarField(first + 1, "max_resolution_seconds", "int64"),
    repeated(scalarField(first + 2, "replica_labels", "string")),
    repeated(messageField(first + 3, "storeMatchers", () => StoreMatchersMessage)),
    scalarField(first + 4, "enableDedup", "bool"),
    scalarField(first + 5, "enablePartialResponse", "bool"),
    scalarField(first + 7, "skipChunks", "bool"),
    messageField(first + 8, "shard_info", () => ShardInfoMessage),
    scalarField(first + 9, "lookback_delta_seconds", "int64"),
    enumField(first + 10, "engine", EngineTypeEnum),
    messageField(first + 11, "queryPlan", () => QueryPlanMessage),
    scalarField(first + 12, "response_batch_size", "int64"),
  ];
}

export interface InstantQueryRequest extends QueryRequestBase {
  /** 0 is now. */
  timeSeconds: number;
}

export const QueryRequestMessage = defineMessage<InstantQueryRequest>("thanos.QueryRequest", [
  scalarField(1, "query", "string"),
  scalarField(2, "time_seconds", "int64"),
  ...baseFields(3),
]);

export interface RangeQueryRequest extends QueryRequestBase {
  startTimeSeconds: number;
  endTimeSeconds: number;
  intervalSeconds: number;
}

export const QueryRangeRequestMessage = defineMessage<RangeQueryRequest>(
  "thanos.QueryRangeRequest",
  [
    scalarField(1, "query", "string"),
    scalarField(2, "start_time_seconds", "int64"),
    scalarField(3, "end_time_seconds", "int64"),
    scalarField(4, "interval_seconds", "int64"),
    ...baseFields(5),
  ],
);

export interface QueryStatistics {
  samplesTotal: number;
  peakSamples: number;
}

export const QueryStatsMessage = defineMessage<QueryStatistics>("thanos.QueryStats", [
  scalarField(1, "samples_total", "int64"),
  scalarField(2, "peak_samples", "int64"),
]);

export const TimeSeriesBatchMessage = defineMessage<{ series: WireTimeSeries[] }>(
  "thanos.TimeSeriesBatch",
  [repeated(messageField(1, "series", () => TimeSeriesMessage))],
);

export interface QueryResponse {
  warnings?: string;
  timeseries?: WireTimeSeries;
  stats?: QueryStatistics;
  timeseriesBatch?: { series: WireTimeSeries[] };
}

const responseFields = [
  scalarField(1, "warnings", "string", { oneof: "result" }),
  messageField(2, "timeseries", () => TimeSeriesMessage, { oneof: "result" }),
  messageField(3, "stats", () => QueryStatsMessage, { oneof: "result" }),
  messageField(4, "timeseries_batch", () => TimeSeriesBatchMessage, { oneof: "result" }),
];

export const QueryResponseMessage = defineMessage<QueryResponse>(
  "thanos.QueryResponse",
  responseFields,
);
export const QueryRangeResponseMessage = defineMessage<QueryResponse>(
  "thanos.QueryRangeResponse",
  responseFields,
);
