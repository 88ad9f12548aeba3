// Time series as Prometheus writes them (package prometheus_copy): what thanos.Query answers with.
import type { BucketSpan, FloatHistogram } from "@deucalion/model";
import {
  defineMessage,
  type EnumType,
  enumField,
  messageField,
  repeated,
  scalarField,
} from "@deucalion/rpc";
import { type Label, LabelMessage } from "./label-set.ts";

const pkg = "prometheus_copy";

export interface WireSample {
  value: number;
  timestamp: number;
}

export const SampleMessage = defineMessage<WireSample>(`${pkg}.Sample`, [
  scalarField(1, "value", "double"),
  scalarField(2, "timestamp", "int64"),
]);

export const ExemplarCopyMessage = defineMessage<{
  labels: Label[];
  value: number;
  timestamp: number;
}>(`${pkg}.Exemplar`, [
  repeated(messageField(1, "labels", () => LabelMessage)),
  scalarField(2, "value", "double"),
  scalarField(3, "timestamp", "int64"),
]);

export const BucketSpanMessage = defineMessage<BucketSpan>(`${pkg}.BucketSpan`, [
  scalarField(1, "offset", "sint32"),
  scalarField(2, "length", "uint32"),
]);

export const ResetHintEnum: EnumType = {
  name: `${pkg}.Histogram.ResetHint`,
  values: { UNKNOWN: 0, YES: 1, NO: 2, GAUGE: 3 },
  json: "number",
};

export interface WireHistogram {
  countInt?: number;
  countFloat?: number;
  sum: number;
  schema: number;
  zeroThreshold: number;
  zeroCountInt?: number;
  zeroCountFloat?: number;
  negativeSpans: BucketSpan[];
  negativeDeltas: number[];
  negativeCounts: number[];
  positiveSpans: BucketSpan[];
  positiveDeltas: number[];
  positiveCounts: number[];
  resetHint: number;
  timestamp: number;
  customValues: number[];
}

export const HistogramMessage = defineMessage<WireHistogram>(`${pkg}.Histogram`, [
  scalarField(1, "count_int", "uint64", { oneof: "count" }),
  scalarField(2, "count_float", "double", { oneof: "count" }),
  scalarField(3, "sum", "double"),
  scalarField(4, "schema", "sint32"),
  scalarField(5, "zero_threshold", "double"),
  scalarField(6, "zero_count_int", "uint64", { oneof: "zero_count" }),
  scalarField(7, "zero_count_float", "double", { oneof: "zero_count" }),
  repeated(messageField(8, "negative_spans", () => BucketSpanMessage)),
  repeated(scalarField(9, "negative_deltas", "sint64")),
  repeated(scalarField(10, "negative_counts", "double")),
  repeated(messageField(11, "positive_spans", () => BucketSpanMessage)),
  repeated(scalarField(12, "positive_deltas", "sint64")),
  repeated(scalarField(13, "positive_counts", "double")),
  enumField(14, "reset_hint", ResetHintEnum),
  scalarField(15, "timestamp", "int64"),
  repeated(scalarField(16, "custom_values", "double")),
]);

export interface WireTimeSeries {
  labels: Label[];
  samples: WireSample[];
  exemplars: { labels: Label[]; value: number; timestamp: number }[];
  histograms: WireHistogram[];
}

export const TimeSeriesMessage = defineMessage<WireTimeSeries>(`${pkg}.TimeSeries`, [
  repeated(messageField(1, "labels", () => LabelMessage)),
  repeated(messageField(2, "samples", () => SampleMessage)),
  repeated(messageField(3, "exemplars", () => ExemplarCopyMessage)),
  repeated(messageField(4, "histograms", () => HistogramMessage)),
]);

const hints = ["unknown", "reset", "not_reset", "gauge"] as const;

/** A histogram with float counts, as queriers send results. */
export function histogramToWire(h: FloatHistogram, timestamp: number): WireHistogram {
  return {
    countFloat: h.count,
    sum: h.sum,
    schema: h.schema,
    zeroThreshold: h.zeroThreshold,
    zeroCountFloat: h.zeroCount,
    negativeSpans: [...h.negativeSpans],
    negativeDeltas: [],
    negativeCounts: [...h.negativeBuckets],
    positiveSpans: [...h.positiveSpans],
    positiveDeltas: [],
    positiveCounts: [...h.positiveBuckets],
    resetHint: hints.indexOf(h.counterResetHint),
    timestamp,
    customValues: [...h.customValues],
  };
}

function absolute(deltas: readonly number[]): Float64Array {
  let last = 0;
  return Float64Array.from(deltas, (delta) => (last += delta));
}

/** A histogram with absolute counts, whatever it was sent as. */
export function histogramFromWire(h: WireHistogram): FloatHistogram {
  const integer = h.countInt !== undefined;
  return {
    schema: h.schema,
    zeroThreshold: h.zeroThreshold,
    zeroCount: h.zeroCountInt ?? h.zeroCountFloat ?? 0,
    count: h.countInt ?? h.countFloat ?? 0,
    sum: h.sum,
    positiveSpans: h.positiveSpans,
    negativeSpans: h.negativeSpans,
    positiveBuckets: integer ? absolute(h.positiveDeltas) : Float64Array.from(h.positiveCounts),
    negativeBuckets: integer ? absolute(h.negativeDeltas) : Float64Array.from(h.negativeCounts),
    customValues: Float64Array.from(h.customValues),
    counterResetHint: hints[h.resetHint] ?? "unknown",
    integer,
  };
}
