// The value of a sample as templates see it: a float64, or a native histogram.
import {
  type BucketSpan,
  type CounterResetHint,
  type FloatHistogram,
  histogramText,
} from "@deucalion/model";
import type { RuleSample } from "../deps.ts";
import { GoInteger, GoPointer, GoSlice, GoStruct, type GoValue } from "./go/go-value.ts";

function floats(values: Float64Array): GoSlice {
  return new GoSlice("[]float64", [...values]);
}

function spans(list: readonly BucketSpan[]): GoSlice {
  const items = list.map(({ offset, length }) => {
    const fields = new Map<string, GoValue>([
      ["Offset", new GoInteger("int32", true, BigInt(offset))],
      ["Length", new GoInteger("uint32", false, BigInt(length))],
    ]);
    return new GoStruct("histogram.Span", fields);
  });
  return new GoSlice("[]histogram.Span", items);
}

const hints: readonly CounterResetHint[] = ["unknown", "reset", "not_reset", "gauge"];

function histogramStruct(histogram: FloatHistogram): GoStruct {
  const text = histogramText(histogram);
  const fields = new Map<string, GoValue>([
    [
      "CounterResetHint",
      new GoInteger(
        "histogram.CounterResetHint",
        false,
        BigInt(hints.indexOf(histogram.counterResetHint)),
      ),
    ],
    ["Schema", new GoInteger("int32", true, BigInt(histogram.schema))],
    ["ZeroThreshold", histogram.zeroThreshold],
    ["ZeroCount", histogram.zeroCount],
    ["Count", histogram.count],
    ["Sum", histogram.sum],
    ["PositiveSpans", spans(histogram.positiveSpans)],
    ["NegativeSpans", spans(histogram.negativeSpans)],
    ["PositiveBuckets", floats(histogram.positiveBuckets)],
    ["NegativeBuckets", floats(histogram.negativeBuckets)],
    ["CustomValues", floats(histogram.customValues)],
  ]);
  const methods = { String: { params: [], call: () => text } };
  return new GoStruct("histogram.FloatHistogram", fields, methods, text);
}

export function sampleValue({ value, histogram }: RuleSample): number | GoPointer {
  if (histogram === undefined) return value;
  return new GoPointer("*histogram.FloatHistogram", histogramStruct(histogram));
}
