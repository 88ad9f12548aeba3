// Arithmetic of native histograms against answers recorded from Prometheus 3.14 (testdata/histogram-cases.json).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { CounterResetHint, FloatHistogram } from "../../histogram.ts";
import { compactHistogram } from "../buckets/compact.ts";
import { bucketIndexes } from "../buckets/layout.ts";
import { equalHistograms } from "../equals.ts";
import { histogramTestExpression, histogramText } from "../format.ts";
import { HistogramSum } from "./accumulator.ts";
import { addHistograms, subtractHistograms } from "./add.ts";
import { detectReset } from "./detect-reset.ts";
import { divideHistogram, multiplyHistogram } from "./scale.ts";
import { trimHistogram } from "./trim.ts";

interface Recorded {
  readonly hint: number;
  readonly schema: number;
  readonly zt: string;
  readonly zc: string;
  readonly count: string;
  readonly sum: string;
  readonly ps: readonly (readonly [number, number])[];
  readonly ns: readonly (readonly [number, number])[];
  readonly pb: readonly string[];
  readonly nb: readonly string[];
  readonly cv: readonly string[];
}

interface Case {
  readonly a: Recorded;
  readonly b: Recorded;
  readonly c: Recorded;
  readonly x: string;
  readonly add: Recorded;
  readonly sub: Recorded;
  readonly col: boolean;
  readonly rec: boolean;
  readonly reset: boolean;
  readonly reset2: boolean;
  readonly ksum: Recorded;
  readonly upper: Recorded;
  readonly lower: Recorded;
  readonly c3: Recorded;
  readonly mul: Recorded;
  readonly div: Recorded;
  readonly str: string;
  readonly expr: string;
  readonly eq: boolean;
}

const file = new URL("../../../../testdata/histogram-cases.json", import.meta.url);
const cases = JSON.parse(readFileSync(file, "utf8")) as Case[];
const hints: readonly CounterResetHint[] = ["unknown", "reset", "not_reset", "gauge"];

function number(text: string): number {
  if (text === "+Inf") return Infinity;
  return text === "-Inf" ? -Infinity : Number(text);
}

function decode(from: Recorded): FloatHistogram {
  const spans = (list: Recorded["ps"]): { offset: number; length: number }[] =>
    list.map(([offset, length]) => ({ offset, length }));
  return {
    schema: from.schema,
    zeroThreshold: number(from.zt),
    zeroCount: number(from.zc),
    count: number(from.count),
    sum: number(from.sum),
    positiveSpans: spans(from.ps),
    negativeSpans: spans(from.ns),
    positiveBuckets: Float64Array.from(from.pb, number),
    negativeBuckets: Float64Array.from(from.nb, number),
    customValues: Float64Array.from(from.cv, number),
    counterResetHint: hints[from.hint]!,
    integer: false,
  };
}

/** What two histograms have to agree in, rounded to 13 digits. */
function comparable(h: FloatHistogram): unknown {
  const tight = compactHistogram(h);
  const round = (value: number): string => value.toPrecision(13);
  return {
    schema: tight.schema,
    hint: tight.counterResetHint,
    numbers: [tight.zeroThreshold, tight.zeroCount, tight.count, tight.sum].map(round),
    positive: [...bucketIndexes(tight.positiveSpans)].map((index, i) => [
      index,
      round(tight.positiveBuckets[i]!),
    ]),
    negative: [...bucketIndexes(tight.negativeSpans)].map((index, i) => [
      index,
      round(tight.negativeBuckets[i]!),
    ]),
    bounds: [...tight.customValues],
  };
}

test("arithmetic of native histograms gives what Prometheus gives", () => {
  for (const recorded of cases) {
    const a = decode(recorded.a);
    const b = decode(recorded.b);
    const x = number(recorded.x);
    const sum = addHistograms(a, b)!;
    const total = new HistogramSum(a);
    total.add(b);
    total.add(decode(recorded.c));
    const got = {
      add: comparable(sum.histogram),
      sub: comparable(subtractHistograms(a, b)!.histogram),
      col: sum.hintsCollide,
      rec: sum.boundsReconciled,
      reset: detectReset(a, b),
      reset2: detectReset(b, a),
      ksum: comparable(total.value()),
      upper: comparable(trimHistogram(a, x, false)),
      lower: comparable(trimHistogram(a, x, true)),
      mul: comparable(multiplyHistogram(a, x)),
      div: comparable(divideHistogram(a, x)),
      str: histogramText(a),
      expr: histogramTestExpression(a),
      eq: equalHistograms(a, b),
      c3: equalHistograms(compactHistogram(a, 3), decode(recorded.c3)),
    };
    const expected = {
      add: comparable(decode(recorded.add)),
      sub: comparable(decode(recorded.sub)),
      col: recorded.col,
      rec: recorded.rec,
      reset: recorded.reset,
      reset2: recorded.reset2,
      ksum: comparable(decode(recorded.ksum)),
      upper: comparable(decode(recorded.upper)),
      lower: comparable(decode(recorded.lower)),
      mul: comparable(decode(recorded.mul)),
      div: comparable(decode(recorded.div)),
      str: recorded.str,
      expr: recorded.expr,
      eq: recorded.eq,
      c3: true,
    };
    assert.deepEqual(got, expected);
  }
});

test("exponential and custom buckets do not add up", () => {
  const exponential = decode(cases.find((one) => one.a.schema >= 0)!.a);
  const custom = decode(cases.find((one) => one.a.schema === -53)!.a);
  assert.equal(addHistograms(exponential, custom), null);
  assert.equal(subtractHistograms(custom, exponential), null);
  assert.equal(new HistogramSum(custom).add(exponential), "incompatible");
});
