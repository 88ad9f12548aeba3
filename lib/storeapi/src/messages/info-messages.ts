// thanos.info.Info: what an endpoint offers.
import type { Labels } from "@deucalion/model";
import { defineMessage, messageField, repeated, scalarField } from "@deucalion/rpc";
import { LabelSet } from "./label-set.ts";

export interface InfoRequest {
  /** Whoever asks knows `supportsAnyOf`, and only then it is told. Not in Thanos. */
  knowsAnyOf: boolean;
}

export interface TsdbInfo {
  labels: Labels;
  minTime: number;
  maxTime: number;
}

export interface StoreInfo {
  minTime: number;
  maxTime: number;
  supportsSharding: boolean;
  supportsWithoutReplicaLabels: boolean;
  tsdbInfos: TsdbInfo[];
  supportsProjections: boolean;
  /** `any_of` of a Series request is understood. Not in Thanos. */
  supportsAnyOf: boolean;
}

/** Presence of a part says that the API is there. */
export interface InfoResponse {
  labelSets: Labels[];
  componentType: string;
  store?: StoreInfo;
  rules?: object;
  metricMetadata?: object;
  targets?: object;
  exemplars?: { minTime: number; maxTime: number };
  query?: object;
  status?: object;
}

const times = [scalarField(1, "min_time", "int64"), scalarField(2, "max_time", "int64")];

export const InfoRequestMessage = defineMessage<InfoRequest>("thanos.info.InfoRequest", [
  scalarField(1001, "knows_any_of", "bool"),
]);
export const TsdbInfoMessage = defineMessage<TsdbInfo>("thanos.info.TSDBInfo", [
  messageField(1, "labels", () => LabelSet, { nonNull: true }),
  scalarField(2, "min_time", "int64"),
  scalarField(3, "max_time", "int64"),
]);
export const StoreInfoMessage = defineMessage<StoreInfo>("thanos.info.StoreInfo", [
  ...times,
  scalarField(3, "supports_sharding", "bool"),
  scalarField(5, "supports_without_replica_labels", "bool"),
  repeated(messageField(6, "tsdb_infos", () => TsdbInfoMessage)),
  scalarField(7, "supports_projections", "bool"),
  scalarField(1001, "supports_any_of", "bool"),
]);
export const RulesInfoMessage = defineMessage<object>("thanos.info.RulesInfo", []);
export const MetricMetadataInfoMessage = defineMessage<object>(
  "thanos.info.MetricMetadataInfo",
  [],
);
export const TargetsInfoMessage = defineMessage<object>("thanos.info.TargetsInfo", []);
export const ExemplarsInfoMessage = defineMessage<{ minTime: number; maxTime: number }>(
  "thanos.info.ExemplarsInfo",
  times,
);
export const QueryApiInfoMessage = defineMessage<object>("thanos.info.QueryAPIInfo", []);
export const StatusInfoMessage = defineMessage<object>("thanos.info.StatusInfo", []);

export const InfoResponseMessage = defineMessage<InfoResponse>("thanos.info.InfoResponse", [
  repeated(messageField(1, "label_sets", () => LabelSet)),
  scalarField(2, "ComponentType", "string", { key: "componentType" }),
  messageField(3, "store", () => StoreInfoMessage),
  messageField(4, "rules", () => RulesInfoMessage),
  messageField(5, "metric_metadata", () => MetricMetadataInfoMessage),
  messageField(6, "targets", () => TargetsInfoMessage),
  messageField(7, "exemplars", () => ExemplarsInfoMessage),
  messageField(8, "query", () => QueryApiInfoMessage),
  messageField(9, "status", () => StatusInfoMessage),
]);

/** Known component types; anything else counts as `unknown-store-api`. */
export type ComponentType =
  | "sidecar"
  | "store"
  | "query"
  | "rule"
  | "receive"
  | "debug"
  | "unknown-store-api";

const known: ReadonlySet<string> = new Set([
  "sidecar",
  "store",
  "query",
  "rule",
  "receive",
  "debug",
]);

export function componentType(text: string): ComponentType {
  return known.has(text) ? (text as ComponentType) : "unknown-store-api";
}

export const int64Min: number = -(2 ** 63);
export const int64Max: number = 2 ** 63;
