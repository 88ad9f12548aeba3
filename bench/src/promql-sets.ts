// The series and queries that the engine is measured with.
import type { FloatHistogram, SampleColumns } from "@deucalion/model";
import type { SeriesSpec } from "./chunk-source.ts";

export const startMs = 1_704_153_600_000;
export const samplesPerSeries = 1440;

/** Series that are made together, and the queries over them. */
export interface QuerySet {
  readonly about: string;
  readonly series: () => readonly SeriesSpec[];
  /** Over the six hours, at steps of a minute. */
  readonly ranges: readonly string[];
  /** At one time near the end of the samples, with JSON. */
  readonly instants: readonly string[];
}

/** Time of sample `k` of series `i`: every 15 s, a few milliseconds early or late. */
function timeOf(i: number, k: number): number {
  return startMs + k * 15_000 + ((i * 31 + k * 17) % 11) - 5;
}

function counter(i: number, out: SampleColumns, count = samplesPerSeries): void {
  let value = i;
  for (let k = 0; k < count; k++) {
    value += (i * 7 + k * 13) % 97;
    out.pushFloat(timeOf(i, k), value);
  }
}

/** A native histogram of 24 buckets that grow at different speeds. */
function native(i: number, k: number): FloatHistogram {
  const buckets = Float64Array.from(
    { length: 24 },
    (_, j) => (k + 1) * ((j % 7) + 1) * (1 + (i % 3)),
  );
  const count = buckets.reduce((sum, one) => sum + one, 0);
  return {
    schema: 3,
    zeroThreshold: 1e-9,
    zeroCount: 0,
    count,
    sum: count * 0.7,
    positiveSpans: [{ offset: -10, length: 24 }],
    negativeSpans: [],
    positiveBuckets: buckets,
    negativeBuckets: new Float64Array(0),
    customValues: new Float64Array(0),
    counterResetHint: "unknown",
    integer: true,
  };
}

const bounds = ["0.005", "0.01", "0.05", "0.1", "0.5", "1", "2.5", "5", "10", "+Inf"];

const counters: QuerySet = {
  about: "10k counters, and 1k of another metric",
  series: () => [
    {
      name: "m",
      count: 10_000,
      labels: (i) => ({ a: `a${i % 20}`, g: `g${i % 1000}`, i: String(i) }),
      fill: (i, out) => counter(i, out),
    },
    {
      name: "t",
      count: 1000,
      labels: (i) => ({ g: `g${i}`, info: `x${i % 7}` }),
      fill: (i, out) => counter(i, out),
    },
  ],
  ranges: [
    "sum by (a) (rate(m[5m]))",
    "max_over_time(m[1h])",
    "avg_over_time(m[1h])",
    "quantile_over_time(0.9, m[5m])",
    "m / on (g) group_left (info) t",
    "topk(10, m)",
    "m > bool 5",
    "max_over_time(rate(m[5m])[1h:1m])",
  ],
  instants: [],
};

const fewValues: QuerySet = {
  about: "10k gauges of ten values",
  series: () => [
    {
      name: "q",
      count: 10_000,
      labels: (i) => ({ a: `a${i % 20}`, i: String(i) }),
      fill: (i, out) => {
        for (let k = 0; k < samplesPerSeries; k++)
          out.pushFloat(timeOf(i, k), (i + Math.floor(k / 40)) % 10);
      },
    },
  ],
  ranges: ['count_values("v", q)'],
  instants: [],
};

const buckets: QuerySet = {
  about: "1k classic histograms of 10 buckets",
  series: () => [
    {
      name: "b",
      count: 10_000,
      labels: (i) => ({
        a: `a${Math.floor(i / 10) % 20}`,
        i: String(Math.floor(i / 10)),
        le: bounds[i % 10]!,
      }),
      fill: (i, out) => {
        const slope = ((i % 10) + 1) * (1 + (Math.floor(i / 10) % 3));
        for (let k = 0; k < samplesPerSeries; k++) out.pushFloat(timeOf(i, k), (k + 1) * slope);
      },
    },
  ],
  ranges: ["histogram_quantile(0.9, sum by (le, a) (rate(b[5m])))"],
  instants: [],
};

const natives: QuerySet = {
  about: "1k native histograms of 24 buckets",
  series: () => [
    {
      name: "h",
      count: 1000,
      labels: (i) => ({ a: `a${i % 20}`, i: String(i) }),
      fill: (i, out) => {
        for (let k = 0; k < samplesPerSeries; k++) out.pushHistogram(timeOf(i, k), native(i, k));
      },
    },
  ],
  ranges: ["histogram_quantile(0.9, sum by (a) (rate(h[5m])))"],
  instants: [],
};

const many: QuerySet = {
  about: "100k counters of 20 samples",
  series: () => [
    {
      name: "m",
      count: 100_000,
      labels: (i) => ({ a: `a${i % 20}`, i: String(i), job: "api-server", zone: `z${i % 3}` }),
      fill: (i, out) => counter(i, out, 20),
    },
  ],
  ranges: [],
  instants: ["m"],
};

export const querySets: readonly QuerySet[] = [counters, fewValues, buckets, natives, many];
