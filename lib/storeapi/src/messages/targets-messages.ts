// thanos.Targets: what the Prometheus servers scrape. JSON is that of the HTTP API.
import type { Labels } from "@deucalion/model";
import {
  defineMessage,
  type EnumType,
  enumField,
  messageField,
  repeated,
  scalarField,
} from "@deucalion/rpc";
import { LabelSet } from "./label-set.ts";
import { PartialResponseStrategy } from "./store-types.ts";
import { type Timestamp, TimestampMessage } from "./well-known.ts";

export const TargetsRequestState: EnumType = {
  name: "thanos.TargetsRequest.State",
  values: { ANY: 0, ACTIVE: 1, DROPPED: 2 },
  json: "name",
};

export interface TargetsRequest {
  state: number;
  partialResponseStrategy: number;
}

export const TargetsRequestMessage = defineMessage<TargetsRequest>("thanos.TargetsRequest", [
  enumField(1, "state", TargetsRequestState),
  enumField(2, "partial_response_strategy", PartialResponseStrategy),
]);

export const TargetHealth: EnumType = {
  name: "thanos.TargetHealth",
  values: { DOWN: 0, UP: 1, UNKNOWN: 2 },
  json: "lower",
};

export interface ActiveTarget {
  discoveredLabels: Labels;
  labels: Labels;
  scrapePool: string;
  scrapeUrl: string;
  globalUrl: string;
  lastError: string;
  lastScrape: Timestamp;
  lastScrapeDuration: number;
  health: number;
}

const keep = { jsonKeep: true };

export const ActiveTargetMessage = defineMessage<ActiveTarget>("thanos.ActiveTarget", [
  messageField(1, "discoveredLabels", () => LabelSet, { nonNull: true }),
  messageField(2, "labels", () => LabelSet, { nonNull: true }),
  scalarField(3, "scrapePool", "string", keep),
  scalarField(4, "scrapeUrl", "string", keep),
  scalarField(5, "globalUrl", "string", keep),
  scalarField(6, "lastError", "string", keep),
  messageField(7, "lastScrape", () => TimestampMessage, { nonNull: true }),
  scalarField(8, "lastScrapeDuration", "double", keep),
  enumField(9, "health", TargetHealth, keep),
]);

export const DroppedTargetMessage = defineMessage<{ discoveredLabels: Labels }>(
  "thanos.DroppedTarget",
  [messageField(1, "discoveredLabels", () => LabelSet, { nonNull: true })],
);

export interface TargetDiscovery {
  activeTargets: ActiveTarget[];
  droppedTargets: { discoveredLabels: Labels }[];
}

export const TargetDiscoveryMessage = defineMessage<TargetDiscovery>("thanos.TargetDiscovery", [
  repeated(messageField(1, "activeTargets", () => ActiveTargetMessage, keep)),
  repeated(messageField(2, "droppedTargets", () => DroppedTargetMessage, keep)),
]);

export interface TargetsResponse {
  targets?: TargetDiscovery;
  warning?: string;
}

export const TargetsResponseMessage = defineMessage<TargetsResponse>("thanos.TargetsResponse", [
  messageField(1, "targets", () => TargetDiscoveryMessage, { oneof: "result" }),
  scalarField(2, "warning", "string", { oneof: "result" }),
]);
