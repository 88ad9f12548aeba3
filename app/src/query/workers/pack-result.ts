// The result of a query between threads: samples of all series in one column, labels as strings.
import { type FloatHistogram, Labels } from "@deucalion/model";
import type { MatrixSeries, QueryResult, QueryValue } from "@deucalion/promql";

type Histograms = readonly (FloatHistogram | undefined)[] | null;

interface PackedMatrix {
  readonly type: "matrix";
  readonly pairs: readonly (readonly string[])[];
  /** Samples of each series; −1: as many as there are steps, at the times of the steps. */
  readonly counts: Int32Array;
  /** Times of series that are not at all steps, one series after the other. */
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly histograms: readonly Histograms[] | null;
  readonly steps: Float64Array | null;
}

interface PackedVector {
  readonly type: "vector";
  readonly pairs: readonly (readonly string[])[];
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly histograms: Histograms;
}

type PackedValue =
  | PackedMatrix
  | PackedVector
  | Exclude<QueryValue, { readonly type: "matrix" | "vector" }>;

export interface PackedResult extends Omit<QueryResult, "value"> {
  readonly value: PackedValue;
}

function packMatrix(value: Extract<QueryValue, { type: "matrix" }>): PackedMatrix {
  const { series } = value;
  const steps = value.times ?? null;
  const atSteps = (one: MatrixSeries) => steps !== null && one.times === steps;
  let samples = 0;
  let times = 0;
  for (const one of series) {
    samples += one.values.length;
    if (!atSteps(one)) times += one.times.length;
  }
  const packed = {
    type: "matrix" as const,
    pairs: series.map(({ labels }) => labels.pairs),
    counts: new Int32Array(series.length),
    times: new Float64Array(times),
    values: new Float64Array(samples),
    histograms: series.some(({ histograms }) => histograms !== null)
      ? series.map(({ histograms }) => histograms)
      : null,
    steps,
  };
  let toValue = 0;
  let toTime = 0;
  series.forEach((one, i) => {
    packed.values.set(one.values, toValue);
    toValue += one.values.length;
    if (atSteps(one)) packed.counts[i] = -1;
    else {
      packed.counts[i] = one.times.length;
      packed.times.set(one.times, toTime);
      toTime += one.times.length;
    }
  });
  return packed;
}

function unpackMatrix(packed: PackedMatrix): QueryValue {
  const { pairs, counts, times, values, histograms, steps } = packed;
  let fromValue = 0;
  let fromTime = 0;
  const series = pairs.map((labels, i): MatrixSeries => {
    const atSteps = counts[i] === -1;
    const count = atSteps ? steps!.length : counts[i]!;
    const one = {
      labels: new Labels(labels),
      times: atSteps ? steps! : times.subarray(fromTime, fromTime + count),
      values: values.subarray(fromValue, fromValue + count),
      histograms: (histograms?.[i] as (FloatHistogram | undefined)[] | null | undefined) ?? null,
    };
    fromValue += count;
    if (!atSteps) fromTime += count;
    return one;
  });
  return { type: "matrix", series, ...(steps === null ? {} : { times: steps }) };
}

function packVector({ samples }: Extract<QueryValue, { type: "vector" }>): PackedVector {
  return {
    type: "vector",
    pairs: samples.map(({ labels }) => labels.pairs),
    times: Float64Array.from(samples, ({ timeMs }) => timeMs),
    values: Float64Array.from(samples, ({ value }) => value),
    histograms: samples.some(({ histogram }) => histogram !== undefined)
      ? samples.map(({ histogram }) => histogram)
      : null,
  };
}

function unpackVector({ pairs, times, values, histograms }: PackedVector): QueryValue {
  return {
    type: "vector",
    samples: pairs.map((labels, i) => {
      const histogram = histograms?.[i];
      return {
        labels: new Labels(labels),
        timeMs: times[i]!,
        value: values[i]!,
        ...(histogram === undefined ? {} : { histogram }),
      };
    }),
  };
}

/** `transfer` is memory that goes over to the other thread: the result is not to be used here any more. */
export function packResult(result: QueryResult): {
  readonly packed: PackedResult;
  readonly transfer: ArrayBuffer[];
} {
  const { value } = result;
  if (value.type === "matrix") {
    const packed = packMatrix(value);
    const columns = [packed.values, packed.times, packed.counts];
    return {
      packed: { ...result, value: packed },
      transfer: columns.map(({ buffer }) => buffer as ArrayBuffer),
    };
  }
  if (value.type === "vector") {
    const packed = packVector(value);
    const columns = [packed.values, packed.times];
    return {
      packed: { ...result, value: packed },
      transfer: columns.map(({ buffer }) => buffer as ArrayBuffer),
    };
  }
  return { packed: { ...result, value }, transfer: [] };
}

export function unpackResult(result: PackedResult): QueryResult {
  const { value } = result;
  if (value.type === "matrix") return { ...result, value: unpackMatrix(value) };
  if (value.type === "vector") return { ...result, value: unpackVector(value) };
  return { ...result, value };
}
