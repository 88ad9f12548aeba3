// The kernels over sliding windows against the same functions written down plainly, window by window.
import assert from "node:assert/strict";
import { test } from "node:test";
import { SampleColumns, staleNaN } from "@deucalion/model";
import fc from "fast-check";
import { Annotations } from "../annotations/annotations.ts";
import { quantile } from "../functions/quantile.ts";
import { Row } from "../row.ts";
import { rangeFunctions } from "./registry.ts";
import { type WindowPlan, Windows } from "./windows.ts";

interface Series {
  readonly times: number[];
  readonly values: number[];
}

/** Irregular series with gaps, falls, NaN and stale markers. */
const series = fc
  .array(
    fc.record({
      gap: fc.constantFrom(1000, 1000, 1000, 1500, 400, 9000),
      value: fc.oneof(
        { weight: 8, arbitrary: fc.double({ min: -1e6, max: 1e6, noNaN: true }) },
        { weight: 8, arbitrary: fc.integer({ min: 0, max: 20 }) },
        { weight: 1, arbitrary: fc.constantFrom(Number.NaN, staleNaN(), Infinity, 1e300, -1e300) },
      ),
    }),
    { maxLength: 120 },
  )
  .map((items): Series => {
    const times: number[] = [];
    let time = 0;
    for (const { gap } of items) {
      time += gap;
      times.push(time);
    }
    return { times, values: items.map(({ value }) => value) };
  });

const shape = fc.record({
  rangeMs: fc.constantFrom(1000, 3000, 5000, 20_000, 60_000),
  stepMs: fc.constantFrom(500, 1000, 2000, 7000),
  count: fc.integer({ min: 1, max: 40 }),
  endMs: fc.integer({ min: 0, max: 30_000 }),
});

interface Shape {
  readonly rangeMs: number;
  readonly stepMs: number;
  readonly count: number;
  readonly endMs: number;
}

function run(name: string, data: Series, { rangeMs, stepMs, count, endMs }: Shape, q = 0.5): Row {
  const columns = new SampleColumns();
  for (const [i, time] of data.times.entries()) columns.pushFloat(time, data.values[i]!);
  const plan: WindowPlan = {
    count,
    evalMs: endMs,
    evalStepMs: stepMs,
    endMs,
    endStepMs: stepMs,
    rangeMs,
    beforeMs: 0,
    afterMs: 0,
    anchored: false,
    smoothed: false,
    args: [new Float64Array(count).fill(q)],
    useStartTimes: false,
    annotations: new Annotations(),
    check: () => undefined,
    range: { start: 0, end: 0 },
  };
  const windows = new Windows(plan);
  windows.load(columns);
  const out = new Row(null, new Float64Array(count), new Uint8Array(count));
  rangeFunctions.get(name)!.run(windows, out);
  return out;
}

/** Samples of each window. */
function windowsOf(data: Series, { rangeMs, stepMs, count, endMs }: Shape): [number, number][][] {
  const fresh = data.times
    .map((time, i): [number, number] => [time, data.values[i]!])
    .filter(([, value]) => !(Number.isNaN(value) && isStaleBits(value)));
  return Array.from({ length: count }, (_, i) => {
    const end = endMs + i * stepMs;
    return fresh.filter(([time]) => time > end - rangeMs && time <= end);
  });
}

function isStaleBits(value: number): boolean {
  const bits = new Uint32Array(Float64Array.of(value).buffer);
  return bits[0] === 2 && bits[1] === 0x7ff00000;
}

function close(got: number, want: number): boolean {
  if (Object.is(got + 0, want + 0)) return true;
  return Math.abs(got - want) <= 1e-12 * Math.max(Math.abs(got), Math.abs(want));
}

function check(
  name: string,
  naive: (window: [number, number][], q: number) => number | undefined,
): void {
  test(`${name} equals its plain form`, () => {
    const q = fc.constantFrom(0, 0.1, 0.5, 0.99, 1);
    fc.assert(
      fc.property(series, shape, q, (data, where, quantileWanted) => {
        const out = run(name, data, where, quantileWanted);
        for (const [i, window] of windowsOf(data, where).entries()) {
          const want = window.length === 0 ? undefined : naive(window, quantileWanted);
          const got = out.present[i] === 1 ? out.values[i]! : undefined;
          assert.equal(got === undefined, want === undefined, `step ${i}`);
          if (want !== undefined) assert.ok(close(got!, want), `step ${i}: ${got} for ${want}`);
        }
      }),
      { numRuns: 300 },
    );
  });
}

function kahan(values: readonly number[]): number {
  let sum = 0;
  let rest = 0;
  for (const value of values) {
    const total = sum + value;
    if (Math.abs(total) === Infinity) rest = 0;
    else if (Math.abs(sum) >= Math.abs(value)) rest += sum - total + value;
    else rest += value - total + sum;
    sum = total;
  }
  return Math.abs(sum) === Infinity ? sum : sum + rest;
}

const numbers = (window: [number, number][]): number[] => window.map(([, value]) => value);
const real = (window: [number, number][]): number[] =>
  numbers(window).filter((value) => !Number.isNaN(value));

check("sum_over_time", (window) => kahan(numbers(window)));
check("avg_over_time", (window) => kahan(numbers(window)) / window.length);
check("max_over_time", (window) =>
  real(window).length === 0 ? Number.NaN : Math.max(...real(window)),
);
check("min_over_time", (window) =>
  real(window).length === 0 ? Number.NaN : Math.min(...real(window)),
);
check("quantile_over_time", (window, q) => quantile(q, Float64Array.from(numbers(window))));
check("count_over_time", (window) => window.length);
check("mad_over_time", (window) => {
  const values = numbers(window);
  if (values.some((value) => Number.isNaN(value))) return Number.NaN;
  const median = quantile(0.5, Float64Array.from(values));
  return quantile(
    0.5,
    Float64Array.from(values, (value) => Math.abs(value - median)),
  );
});
check("ts_of_max_over_time", (window) => {
  let best = window[0]!;
  for (const item of window) if (Number.isNaN(best[1]) || item[1] >= best[1]) best = item;
  return best[0] / 1000;
});
check("last_over_time", (window) => window.at(-1)![1]);
check("resets", (window) => {
  const values = numbers(window);
  return values.filter((value, i) => i > 0 && value < values[i - 1]!).length;
});
check("changes", (window) => {
  const values = numbers(window);
  return values.filter(
    (value, i) =>
      i > 0 && value !== values[i - 1]! && !(Number.isNaN(value) && Number.isNaN(values[i - 1])),
  ).length;
});
check("idelta", (window) =>
  window.length < 2 ? undefined : window.at(-1)![1] - window.at(-2)![1],
);

test("avg_over_time() of a window whose sum overflows falls back to a running mean", () => {
  const data = { times: [1000, 2000, 3000], values: [1e308, 1e308, 1e308] };
  const out = run("avg_over_time", data, { rangeMs: 3000, stepMs: 1000, count: 1, endMs: 3000 });
  assert.equal(out.values[0], 1e308);
});

test("rate() counts what a reset took away and extrapolates to the borders", () => {
  const data = { times: [5000, 15_000, 25_000, 35_000], values: [10, 20, 5, 15] };
  const where = { rangeMs: 40_000, stepMs: 1000, count: 1, endMs: 40_000 };
  const out = run("rate", data, where);
  // Rose by 25 in 30 s, and both borders are within half an interval.
  assert.ok(close(out.values[0]!, (25 * (30 + 5 + 5)) / 30 / 40));
});

test("sum_over_time() keeps small numbers after huge ones have left the window", () => {
  const values = [1e17, ...Array.from({ length: 200 }, (_, i) => (i % 7) + 0.1)];
  const times = values.map((_, i) => (i + 1) * 1000);
  const where = { rangeMs: 50_000, stepMs: 1000, count: 60, endMs: 100_000 };
  const out = run("sum_over_time", { times, values }, where);
  for (const [i, window] of windowsOf({ times, values }, where).entries()) {
    assert.ok(close(out.values[i]!, kahan(numbers(window))), `step ${i}`);
  }
});
