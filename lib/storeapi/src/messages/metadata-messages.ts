// thanos.Metadata: type, help and unit of metrics.
import {
  defineMessage,
  enumField,
  mapField,
  messageField,
  repeated,
  scalarField,
} from "@deucalion/rpc";
import { PartialResponseStrategy } from "./store-types.ts";

export interface MetricMetadataRequest {
  metric: string;
  /** Negative is no limit. */
  limit: number;
  partialResponseStrategy: number;
}

export const MetricMetadataRequestMessage = defineMessage<MetricMetadataRequest>(
  "thanos.MetricMetadataRequest",
  [
    scalarField(1, "metric", "string"),
    scalarField(2, "limit", "int32"),
    enumField(3, "partial_response_strategy", PartialResponseStrategy),
  ],
);

export interface MetricMeta {
  type: string;
  help: string;
  unit: string;
}

const keep = { jsonKeep: true };

export const MetaMessage = defineMessage<MetricMeta>("thanos.Meta", [
  scalarField(1, "type", "string", keep),
  scalarField(2, "help", "string", keep),
  scalarField(3, "unit", "string", keep),
]);

export const MetricMetadataEntryMessage = defineMessage<{ metas: MetricMeta[] }>(
  "thanos.MetricMetadataEntry",
  [repeated(messageField(2, "metas", () => MetaMessage))],
);

export interface MetricMetadata {
  metadata: Map<string, { metas: MetricMeta[] }>;
}

export const MetricMetadataMessage = defineMessage<MetricMetadata>("thanos.MetricMetadata", [
  mapField(1, "metadata", () => MetricMetadataEntryMessage),
]);

export interface MetricMetadataResponse {
  metadata?: MetricMetadata;
  warning?: string;
}

export const MetricMetadataResponseMessage = defineMessage<MetricMetadataResponse>(
  "thanos.MetricMetadataResponse",
  [
    messageField(1, "metadata", () => MetricMetadataMessage, { oneof: "result" }),
    scalarField(2, "warning", "string", { oneof: "result" }),
  ],
);
