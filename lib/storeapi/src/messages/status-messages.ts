// thanos.Status: cardinality of heads. JSON is that of the HTTP API.
import {
  defineMessage,
  enumField,
  mapField,
  messageField,
  repeated,
  scalarField,
} from "@deucalion/rpc";
import { type LabelMatcher, LabelMatcherMessage, PartialResponseStrategy } from "./store-types.ts";

export interface TsdbStatisticsRequest {
  tenant: string;
  limit: number;
  partialResponseStrategy: number;
  matchers: LabelMatcher[];
}

export const TsdbStatisticsRequestMessage = defineMessage<TsdbStatisticsRequest>(
  "thanos.TSDBStatisticsRequest",
  [
    scalarField(1, "tenant", "string"),
    scalarField(2, "limit", "int32"),
    enumField(3, "partial_response_strategy", PartialResponseStrategy),
    repeated(messageField(4, "matchers", () => LabelMatcherMessage)),
  ],
);

export interface HeadStatistics {
  numSeries: number;
  numLabelPairs: number;
  chunkCount: number;
  minTime: number;
  maxTime: number;
}

const keep = { jsonKeep: true };

export const HeadStatisticsMessage = defineMessage<HeadStatistics>("thanos.HeadStatistics", [
  scalarField(1, "num_series", "uint64", { json: "numSeries", ...keep }),
  scalarField(2, "num_label_pairs", "int64", { json: "numLabelPairs", ...keep }),
  scalarField(3, "chunk_count", "int64", { json: "chunkCount", ...keep }),
  scalarField(4, "min_time", "int64", { json: "minTime", ...keep }),
  scalarField(5, "max_time", "int64", { json: "maxTime", ...keep }),
]);

export interface Statistic {
  name: string;
  value: number;
}

export const StatisticMessage = defineMessage<Statistic>("thanos.Statistic", [
  scalarField(1, "name", "string", keep),
  scalarField(2, "value", "uint64", keep),
]);

export interface TsdbStatisticsEntry {
  headStatistics: HeadStatistics;
  seriesCountByMetricName: Statistic[];
  labelValueCountByLabelName: Statistic[];
  memoryInBytesByLabelName: Statistic[];
  seriesCountByLabelValuePair: Statistic[];
}

const list = (number: number, name: string, json: string) =>
  repeated(messageField(number, name, () => StatisticMessage, { json, ...keep }));

export const TsdbStatisticsEntryMessage = defineMessage<TsdbStatisticsEntry>(
  "thanos.TSDBStatisticsEntry",
  [
    messageField(1, "head_statistics", () => HeadStatisticsMessage, {
      json: "headStats",
      nonNull: true,
    }),
    list(2, "series_count_by_metric_name", "seriesCountByMetricName"),
    list(3, "label_value_count_by_label_name", "labelValueCountByLabelName"),
    list(4, "memory_in_bytes_by_label_name", "memoryInBytesByLabelName"),
    list(5, "series_count_by_label_value_pair", "seriesCountByLabelValuePair"),
  ],
);

/** By tenant; "" where there are none. */
export interface TsdbStatistics {
  statistics: Map<string, TsdbStatisticsEntry>;
}

export const TsdbStatisticsMessage = defineMessage<TsdbStatistics>("thanos.TSDBStatistics", [
  mapField(1, "statistics", () => TsdbStatisticsEntryMessage),
]);

export interface TsdbStatisticsResponse {
  statistics?: TsdbStatistics;
  warning?: string;
}

export const TsdbStatisticsResponseMessage = defineMessage<TsdbStatisticsResponse>(
  "thanos.TSDBStatisticsResponse",
  [
    messageField(1, "statistics", () => TsdbStatisticsMessage, { oneof: "result" }),
    scalarField(2, "warning", "string", { oneof: "result" }),
  ],
);
