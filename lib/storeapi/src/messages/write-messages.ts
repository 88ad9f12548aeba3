// thanos.WriteableStore: how receivers hand series on to each other. The hot path of receiving has a codec of its own.
import { defineMessage, messageField, repeated, scalarField } from "@deucalion/rpc";
import { TimeSeriesMessage, type WireTimeSeries } from "./prometheus-types.ts";

export interface TimeSeriesOfTenant {
  timeseries: WireTimeSeries[];
  tenant: string;
}

export const TimeSeriesTenantTupleMessage = defineMessage<TimeSeriesOfTenant>(
  "thanos.TimeSeriesTenantTuple",
  [
    repeated(messageField(1, "timeseries", () => TimeSeriesMessage)),
    scalarField(2, "tenant", "string"),
  ],
);

export interface WriteRequest {
  /** Only read where `timeseriesTenantData` is empty. */
  timeseries: WireTimeSeries[];
  tenant: string;
  /** From 1; 0 is not replicated yet. */
  replica: number;
  timeseriesTenantData: TimeSeriesOfTenant[];
}

export const WriteRequestMessage = defineMessage<WriteRequest>("thanos.WriteRequest", [
  repeated(messageField(1, "timeseries", () => TimeSeriesMessage)),
  scalarField(2, "tenant", "string"),
  scalarField(3, "replica", "int64"),
  repeated(messageField(4, "timeseriesTenantData", () => TimeSeriesTenantTupleMessage)),
]);

export const WriteResponseMessage = defineMessage<object>("thanos.WriteResponse", []);
