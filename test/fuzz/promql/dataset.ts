// Random series of every kind, written as one TSDB block.
import { mkdirSync } from "node:fs";
import {
  compareLabels,
  customBucketsSchema,
  type FloatHistogram,
  Labels,
  putStale,
  SampleColumns,
} from "@deucalion/model";
import { encodeSamples, writeBlock } from "@deucalion/tsdb";
import type { Level } from "./language.ts";
import type { Random } from "./random.ts";

/** First sample of every data set: 2024-01-02T00:00:00Z, in ms. */
export const dataStartMs = 1_704_153_600_000;
/** Two hours, in ms. */
export const dataLengthMs = 7_200_000;

export interface GeneratedSeries {
  readonly labels: Labels;
  readonly samples: SampleColumns;
}

const jobs = ["api", "db", "web"];
const instances = ["a:1", "b:1"];
export const bucketBounds = ["0.1", "0.25", "0.5", "1", "2.5", "+Inf"];

class Maker {
  readonly random: Random;
  readonly level: Level;
  readonly series: GeneratedSeries[] = [];

  constructor(random: Random, level: Level) {
    this.random = random;
    this.level = level;
  }

  /**
   * Times of scrapes with outages. Those of level 2.42 never fall on a boundary that a query may have, since its
   * windows are closed on the left and those of later versions are not.
   */
  times(): number[] {
    const { random } = this;
    const intervalMs = random.pick([10_000, 15_000, 15_000, 30_000, 60_000]);
    const exact = this.level !== "2.42" && random.chance(0.5);
    const jitterMs = exact ? 0 : random.pick([10, 50, 2000]);
    const phase = exact ? 0 : random.below(intervalMs / 10) * 10 + 7;
    const times: number[] = [];
    let outage = 0;
    for (let at = phase; at < dataLengthMs - 5000; at += intervalMs) {
      if (outage > 0) outage--;
      else if (random.chance(0.004))
        outage = Math.ceil(random.pick([120_000, 420_000, 900_000]) / intervalMs);
      else if (!random.chance(0.02)) {
        times.push(dataStartMs + at + (jitterMs === 0 ? 0 : random.below(jitterMs / 10) * 10));
      } else if (random.chance(0.2)) times.push(-(dataStartMs + at));
    }
    return times;
  }

  /** A series of floats; a negative time stands for a stale marker. */
  floats(labels: Readonly<Record<string, string>>, next: (at: number) => number): void {
    const samples = new SampleColumns();
    for (const time of this.times()) {
      samples.pushFloat(Math.abs(time), time < 0 ? 0 : next(Math.abs(time)));
      if (time < 0) putStale(samples.valueBits, samples.count - 1);
    }
    if (samples.count > 0) this.series.push({ labels: labelsOf(labels), samples });
  }

  /** The next value of a counter; after a reset it begins high enough not to be taken for one that was born just now. */
  counter(stepMax: number): () => number {
    const { random } = this;
    let value = this.level === "2.42" ? 1_000_000 : random.below(2000);
    return () => {
      if (random.chance(0.006)) {
        value = this.level === "2.42" ? Math.floor(value * 0.8) : random.below(stepMax);
      } else value += random.below(stepMax);
      return value;
    };
  }

  histograms(
    labels: Readonly<Record<string, string>>,
    next: (index: number) => FloatHistogram | number,
  ): void {
    const samples = new SampleColumns();
    for (const [index, time] of this.times().entries()) {
      if (time < 0) continue;
      const value = next(index);
      if (typeof value === "number") samples.pushFloat(time, value);
      else samples.pushHistogram(time, value);
    }
    if (samples.count > 0) this.series.push({ labels: labelsOf(labels), samples });
  }
}

function labelsOf(labels: Readonly<Record<string, string>>): Labels {
  return Labels.from(Object.entries(labels));
}

const oddValues = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  -0,
  0,
  5e-324,
  1e-300,
  1.5e300,
  -1.5e300,
  0.1,
  -7.25,
  1704153600,
];

function gauge(random: Random): () => number {
  let value = random.between(-400, 400) / 8;
  return () => {
    value += random.between(-16, 16) / 8;
    return value;
  };
}

/** An exponential histogram that grows, sometimes with new buckets, and sometimes begins anew. */
function exponential(random: Random, integer: boolean, isGauge: boolean): () => FloatHistogram {
  const schema = random.pick([-1, 0, 1, 2, 3]);
  const zeroThreshold = random.pick([0, 0.001, 2 ** -128]);
  let first = random.between(-3, 2);
  let counts = new Array<number>(random.between(1, 6)).fill(0);
  let negative = random.chance(0.3) ? [0, 0] : [];
  let zero = 0;
  let sum = 0;
  return () => {
    if (random.chance(0.01)) {
      counts = counts.map(() => random.below(3));
      negative = negative.map(() => 0);
      zero = 0;
      sum = 1.5;
    }
    if (random.chance(0.03) && counts.length < 14) counts.push(0);
    if (random.chance(0.01)) {
      first--;
      counts.unshift(0);
    }
    const grow = (value: number): number =>
      Math.max(
        0,
        value + (isGauge ? random.between(-3, 4) : random.below(4)) * (integer ? 1 : 0.5),
      );
    counts = counts.map(grow);
    negative = negative.map(grow);
    zero = grow(zero);
    sum += random.below(80) / 8;
    const positiveBuckets = Float64Array.from(counts);
    const negativeBuckets = Float64Array.from(negative);
    let count = zero;
    for (const value of positiveBuckets) count += value;
    for (const value of negativeBuckets) count += value;
    return {
      schema,
      zeroThreshold,
      zeroCount: zero,
      count,
      sum,
      positiveSpans: [{ offset: first, length: counts.length }],
      negativeSpans: negative.length > 0 ? [{ offset: 1, length: negative.length }] : [],
      positiveBuckets,
      negativeBuckets,
      customValues: new Float64Array(0),
      counterResetHint: isGauge ? "gauge" : "unknown",
      integer,
    };
  };
}

function custom(random: Random): () => FloatHistogram {
  const layouts = [
    [0.1, 0.5, 1, 5],
    [0.1, 0.5, 2, 5],
    [0.1, 1, 5],
  ];
  let bounds = random.pick(layouts);
  let counts = new Array<number>(bounds.length + 1).fill(0);
  let sum = 0;
  return () => {
    if (random.chance(0.01)) {
      bounds = random.pick(layouts);
      counts = new Array<number>(bounds.length + 1).fill(0);
      sum = 0;
    }
    counts = counts.map((value) => value + random.below(4));
    sum += random.below(40) / 8;
    return {
      schema: customBucketsSchema,
      zeroThreshold: 0,
      zeroCount: 0,
      count: counts.reduce((a, b) => a + b),
      sum,
      positiveSpans: [{ offset: 0, length: counts.length }],
      negativeSpans: [],
      positiveBuckets: Float64Array.from(counts),
      negativeBuckets: new Float64Array(0),
      customValues: Float64Array.from(bounds),
      counterResetHint: "unknown",
      integer: true,
    };
  };
}

function makeFloats(maker: Maker, job: string, instance: string): void {
  const { random } = maker;
  for (const code of ["200", "404", "500"]) {
    if (random.chance(0.85)) {
      maker.floats({ __name__: "req_total", job, instance, code }, maker.counter(60));
    }
  }
  maker.floats({ __name__: "errs_total", job, instance }, maker.counter(8));
  maker.floats({ __name__: "temp", job, instance }, gauge(random));
  maker.floats({ __name__: "size", job, instance }, () => random.below(4));
  maker.floats({ __name__: "up", job, instance }, () => (random.chance(0.9) ? 1 : 0));
  maker.floats({ __name__: "started", job, instance }, (at) => Math.floor(at / 1_800_000) * 1800);
  const version = random.pick(["1", "2"]);
  maker.floats({ __name__: "build_info", job, instance, version }, () => 1);
  maker.floats(
    { __name__: "target_info", job, instance, region: random.pick(["eu", "us"]), version },
    () => 1,
  );
  if (random.chance(0.6)) {
    // When level 2.42 was built, Go's logarithm of denormals was wrong, and sums did not carry what they lost.
    const settled = (value: number): boolean => value !== 5e-324 && Math.abs(value) !== 1.5e300;
    const odds = maker.level === "2.42" ? oddValues.filter(settled) : oddValues;
    const odd = (): number => (random.chance(0.5) ? random.pick(odds) : random.below(9));
    maker.floats({ __name__: "odd", job, instance }, odd);
  }
}

/** Classic histogram: cumulative counters that are scraped together. */
function makeClassic(maker: Maker, job: string): void {
  const { random } = maker;
  const times = maker.times().filter((time) => time > 0);
  const counts = bucketBounds.map(() => (maker.level === "2.42" ? 100_000 : 0));
  let sum = 0;
  const columns = [...bucketBounds, "sum", "count"].map(() => new SampleColumns());
  for (const time of times) {
    let total = 0;
    for (let i = 0; i < counts.length; i++) {
      counts[i]! += random.below(6);
      total += counts[i]!;
      const torn = maker.level !== "2.42" && random.chance(0.02) ? random.below(9) : 0;
      columns[i]!.pushFloat(time, total - torn);
    }
    sum += random.below(400) / 8;
    columns[bucketBounds.length]!.pushFloat(time, sum);
    columns[bucketBounds.length + 1]!.pushFloat(time, total);
  }
  if (times.length === 0) return;
  for (const [i, le] of bucketBounds.entries()) {
    maker.series.push({
      labels: labelsOf({ __name__: "lat_bucket", job, le }),
      samples: columns[i]!,
    });
  }
  for (const [i, name] of ["lat_sum", "lat_count"].entries()) {
    const samples = columns[bucketBounds.length + i]!;
    maker.series.push({ labels: labelsOf({ __name__: name, job }), samples });
  }
}

function makeHistograms(maker: Maker, job: string, instance: string): void {
  const { random } = maker;
  maker.histograms({ __name__: "nh", job, instance }, exponential(random, true, false));
  maker.histograms({ __name__: "fh", job, instance }, exponential(random, false, false));
  maker.histograms({ __name__: "gh", job, instance }, exponential(random, false, true));
  maker.histograms({ __name__: "ch", job, instance }, custom(random));
  const native = exponential(random, true, false);
  const bounded = custom(random);
  let kind = 0;
  maker.histograms({ __name__: "mix", job, instance }, (index) => {
    if (random.chance(0.02)) kind = random.below(3);
    return kind === 0 ? index : kind === 1 ? native() : bounded();
  });
}

/** Every series of a data set, in order of labels. */
export function makeDataset(random: Random, level: Level): GeneratedSeries[] {
  const maker = new Maker(random, level);
  for (const job of jobs) {
    for (const instance of instances) {
      makeFloats(maker, job, instance);
      if (level !== "2.42" && random.chance(0.7)) makeHistograms(maker, job, instance);
    }
    makeClassic(maker, job);
  }
  return maker.series.sort((a, b) => compareLabels(a.labels, b.labels));
}

/** A name for a block: 26 characters that any program takes for a ULID. */
function blockName(seed: number): string {
  return `01HK${seed.toString().padStart(22, "0")}`;
}

/** Writes the series as a block below `folder`, with external labels if given. Returns the name of the block. */
export async function writeDataset(
  folder: string,
  series: readonly GeneratedSeries[],
  seed: number,
  externalLabels: Readonly<Record<string, string>> | null = null,
): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const ulid = blockName(seed);
  const range = { minTime: dataStartMs, maxTime: dataStartMs + dataLengthMs };
  const thanos = {
    version: 1,
    labels: externalLabels,
    downsample: { resolution: 0 },
    source: "test",
    index_stats: {},
  };
  await writeBlock(
    folder,
    { ulid, ...range, emptyTombstones: true, ...(externalLabels === null ? {} : { thanos }) },
    series.map(({ labels, samples }) => ({
      labels,
      chunks: encodeSamples(samples, 0, samples.count),
    })),
  );
  return ulid;
}
