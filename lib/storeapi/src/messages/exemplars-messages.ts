// thanos.Exemplars. JSON is that of the HTTP API.
import { formatGoFloat } from "@deucalion/kernels";
import type { Labels } from "@deucalion/model";
import { defineMessage, enumField, messageField, repeated, scalarField } from "@deucalion/rpc";
import { LabelSet } from "./label-set.ts";
import { PartialResponseStrategy } from "./store-types.ts";

export interface ExemplarsRequest {
  query: string;
  /** Milliseconds. */
  start: number;
  end: number;
  partialResponseStrategy: number;
}

export const ExemplarsRequestMessage = defineMessage<ExemplarsRequest>("thanos.ExemplarsRequest", [
  scalarField(1, "query", "string"),
  scalarField(2, "start", "int64"),
  scalarField(3, "end", "int64"),
  enumField(4, "partial_response_strategy", PartialResponseStrategy),
]);

export interface Exemplar {
  labels: Labels;
  value: number;
  /** Milliseconds. */
  ts: number;
}

export const ExemplarMessage = defineMessage<Exemplar>(
  "thanos.Exemplar",
  [
    messageField(1, "labels", () => LabelSet, { nonNull: true }),
    scalarField(2, "value", "double"),
    scalarField(3, "ts", "int64"),
  ],
  {
    toJson: ({ labels, value, ts }) => ({
      labels: labels.toJSON(),
      value: formatGoFloat(value),
      timestamp: ts / 1000,
    }),
  },
);

export interface ExemplarData {
  seriesLabels: Labels;
  exemplars: Exemplar[];
}

export const ExemplarDataMessage = defineMessage<ExemplarData>("thanos.ExemplarData", [
  messageField(1, "seriesLabels", () => LabelSet, { nonNull: true }),
  repeated(messageField(2, "exemplars", () => ExemplarMessage, { jsonKeep: true })),
]);

export interface ExemplarsResponse {
  data?: ExemplarData;
  warning?: string;
}

export const ExemplarsResponseMessage = defineMessage<ExemplarsResponse>(
  "thanos.ExemplarsResponse",
  [
    messageField(1, "data", () => ExemplarDataMessage, { oneof: "result" }),
    scalarField(2, "warning", "string", { oneof: "result" }),
  ],
);
