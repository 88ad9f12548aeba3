// Whether a result is the expected one, within the tolerance of the scripts.
import {
  compactHistogram,
  compareLabels,
  customBucketsSchema,
  type FloatHistogram,
  histogramTestExpression,
  isStale,
  type Labels,
} from "@deucalion/model";
import type { MatrixSeries, QueryValue, VectorSample } from "@deucalion/promql";
import { ScriptError } from "./errors.ts";
import type { EvalCommand, ExpectedSeries } from "./script.ts";
import type { SequenceValue } from "./series-line.ts";

const tolerance = 1e-6;
const leastNormal = 2 ** -1022;

/** Equal as far as scripts ask: the same kind of NaN, or within one part in a million. */
export function almostEqual(a: number, b: number): boolean {
  if (isStale(a) || isStale(b)) return isStale(a) && isStale(b);
  if (Number.isNaN(a) && Number.isNaN(b)) return true;
  if (a === b) return true;
  const sum = Math.abs(a) + Math.abs(b);
  const difference = Math.abs(a - b);
  if (a === 0 || b === 0 || sum < leastNormal) return difference < tolerance * leastNormal;
  return difference / Math.min(sum, Number.MAX_VALUE) < tolerance;
}

function fail(message: string): never {
  throw new ScriptError("PROMQLTEST_MISMATCH", message);
}

/** Buckets as index and count, empty ones left out. */
function filledBuckets(
  spans: FloatHistogram["positiveSpans"],
  counts: Float64Array,
): [number, number][] {
  const out: [number, number][] = [];
  let index = 0;
  let at = 0;
  for (const { offset, length } of spans) {
    index += offset;
    for (let i = 0; i < length; i++, index++, at++) {
      if (counts[at] !== 0) out.push([index, counts[at]!]);
    }
  }
  return out;
}

function sameBuckets(a: [number, number][], b: [number, number][]): boolean {
  return (
    a.length === b.length &&
    a.every(([index, count], i) => b[i]![0] === index && almostEqual(count, b[i]![1]))
  );
}

/** Equal buckets, bounds and totals; the hint only if it was written. */
export function sameHistogram(
  expected: FloatHistogram,
  actual: FloatHistogram,
  hintGiven: boolean,
): boolean {
  const a = compactHistogram(expected);
  const b = compactHistogram(actual);
  return (
    a.schema === b.schema &&
    almostEqual(a.count, b.count) &&
    almostEqual(a.sum, b.sum) &&
    a.zeroThreshold === b.zeroThreshold &&
    almostEqual(a.zeroCount, b.zeroCount) &&
    (a.schema !== customBucketsSchema || String(a.customValues) === String(b.customValues)) &&
    sameBuckets(
      filledBuckets(a.positiveSpans, a.positiveBuckets),
      filledBuckets(b.positiveSpans, b.positiveBuckets),
    ) &&
    sameBuckets(
      filledBuckets(a.negativeSpans, a.negativeBuckets),
      filledBuckets(b.negativeSpans, b.negativeBuckets),
    ) &&
    (!hintGiven || a.counterResetHint === b.counterResetHint)
  );
}

function show(value: number, histogram: FloatHistogram | undefined): string {
  if (histogram === undefined) return isStale(value) ? "stale" : String(value);
  return `${histogramTestExpression(histogram)} (${histogram.counterResetHint})`;
}

function showExpected(value: SequenceValue | undefined): string {
  if (value === undefined || value.kind === "omitted") return "nothing";
  if (value.kind === "histogram") return show(0, value.histogram);
  return value.kind === "stale" ? "stale" : String(value.value);
}

function samePoint(
  expected: SequenceValue | undefined,
  value: number,
  histogram: FloatHistogram | undefined,
): boolean {
  if (expected === undefined || expected.kind === "omitted") return false;
  if (expected.kind === "histogram") {
    return (
      histogram !== undefined && sameHistogram(expected.histogram, histogram, expected.hintGiven)
    );
  }
  if (histogram !== undefined) return false;
  return expected.kind === "stale" ? isStale(value) : almostEqual(expected.value, value);
}

/** Throws PROMQLTEST_MISMATCH with the first difference. */
export function compareResult(command: EvalCommand, value: QueryValue): void {
  const { expected } = command;
  switch (value.type) {
    case "string":
      if (value.value !== (expected.text ?? ""))
        fail(`got the string ${JSON.stringify(value.value)}`);
      return;
    case "scalar":
      if (expected.scalar === null) fail(`got the scalar ${value.value}`);
      if (!almostEqual(expected.scalar, value.value))
        fail(`expected the scalar ${expected.scalar}, got ${value.value}`);
      return;
    case "vector":
      if (expected.scalar !== null) fail("expected a scalar, got a vector");
      compareVector(command, value.samples);
      return;
    case "matrix":
      if (expected.scalar !== null) fail("expected a scalar, got a matrix");
      if (expected.ordered) fail("expected an ordered vector, got a matrix");
      mustBeSorted(value.series);
      compareMatrix(command, value.series);
      return;
  }
}

class Wanted {
  readonly #byKey: Map<string, ExpectedSeries>;

  constructor(series: readonly ExpectedSeries[]) {
    this.#byKey = new Map(series.map((one) => [one.labels.key, one]));
  }

  take(labels: Labels, shown: () => string): ExpectedSeries {
    const found = this.#byKey.get(labels.key);
    if (found === undefined) fail(`unexpected series ${labels} with ${shown()}`);
    this.#byKey.delete(labels.key);
    return found;
  }

  mustBeEmpty(): void {
    for (const { labels, values } of this.#byKey.values())
      fail(`expected series ${labels} with ${values.map(showExpected).join(" ")} not found`);
  }
}

function compareVector(command: EvalCommand, samples: readonly VectorSample[]): void {
  const wanted = new Wanted(command.expected.series);
  samples.forEach(({ labels, value, histogram }, position) => {
    const expected = wanted.take(labels, () => show(value, histogram));
    if (command.expected.ordered && expected.position !== position)
      fail(`${labels} is at place ${position + 1}, expected at ${expected.position + 1}`);
    if (!samePoint(expected.values[0], value, histogram))
      fail(
        `${labels}: expected ${showExpected(expected.values[0])}, got ${show(value, histogram)}`,
      );
  });
  wanted.mustBeEmpty();
}

/** Throws PROMQLTEST_MISMATCH unless the series ascend by labels. */
export function mustBeSorted(series: readonly MatrixSeries[]): void {
  for (let i = 1; i < series.length; i++) {
    if (compareLabels(series[i - 1]!.labels, series[i]!.labels) > 0)
      fail(`matrix is not sorted: ${series[i]!.labels} follows ${series[i - 1]!.labels}`);
  }
}

function compareMatrix(command: EvalCommand, series: readonly MatrixSeries[]): void {
  const wanted = new Wanted(command.expected.series);
  for (const one of series) {
    const expected = wanted.take(one.labels, () => showSeries(one));
    const points = expected.values
      .map((value, index) => ({ value, time: command.startMs + index * command.stepMs }))
      .filter(({ value }) => value.kind !== "omitted");
    if (points.some(({ time }) => time > command.endMs))
      fail(`${one.labels}: more values expected than the range has steps`);
    if (points.length !== one.times.length)
      fail(`${one.labels}: expected ${points.length} points, got ${showSeries(one)}`);
    points.forEach(({ value, time }, i) => {
      const histogram = one.histograms?.[i];
      if (time !== one.times[i])
        fail(`${one.labels}: expected a point at ${time}, got one at ${one.times[i]}`);
      if (!samePoint(value, one.values[i]!, histogram))
        fail(
          `${one.labels} at ${time}: expected ${showExpected(value)}, got ${show(one.values[i]!, histogram)} in ${showSeries(one)}`,
        );
    });
  }
  wanted.mustBeEmpty();
}

function showSeries({ times, values, histograms }: MatrixSeries): string {
  const points = Array.from(
    times.subarray(0, 12),
    (time, i) => `${show(values[i]!, histograms?.[i])}@${time}`,
  );
  return points.join(" ") + (times.length > 12 ? " …" : "");
}
