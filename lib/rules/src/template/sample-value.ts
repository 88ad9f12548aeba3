// The value of a sample as templates see it: a float64, or a native histogram.
import { type FloatHistogram, histogramText } from "@deucalion/model";
import type { RuleSample } from "../group/deps.ts";
import { GoInteger, GoPointer, GoSlice, GoStruct, type GoValue } from "./go-value.ts";

function floats(values: Float64Array): GoSlice {
  return new GoSlice("[]float64", [...values]);
}

function histogramStruct(histogram: FloatHistogram): GoStruct {
  const text = histogramText(histogram);
  const fields = new Map<string, GoValue>([
    ["Schema", new GoInteger("int32", true, BigInt(histogram.schema))],
    ["ZeroThreshold", histogram.zeroThreshold],
    ["ZeroCount", histogram.zeroCount],
    ["Count", histogram.count],
    ["Sum", histogram.sum],
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
