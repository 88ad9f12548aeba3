// The engine as a whole over series in memory.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels, SampleColumns, type SeriesSource } from "@deucalion/model";
import { MemorySource } from "@deucalion/model/testing";
import fc from "fast-check";
import { Engine, type EngineOptions } from "./engine.ts";
import { PromqlError } from "./errors.ts";
import type { QueryValue } from "./result.ts";

const everything: Partial<EngineOptions> = {
  parse: {
    experimentalFunctions: true,
    durationExpressions: true,
    extendedRangeSelectors: true,
    binopFillModifiers: true,
    xFunctions: true,
  },
};

/** A counter and a gauge for each of some instances, every 15 s for half an hour. */
function sampleSource(anyOf?: readonly string[]): MemorySource {
  const series = [];
  for (let i = 0; i < 7; i++) {
    const counter = new SampleColumns();
    const gauge = new SampleColumns();
    for (let t = 0; t <= 120; t++) {
      if (i === 3 && t > 40 && t < 70) continue;
      counter.pushFloat(t * 15_000 + i * 100, ((t * (i + 1)) % 90) * 10);
      gauge.pushFloat(t * 15_000, Math.sin(t + i) * 100);
    }
    const labels = { instance: `host-${i}`, zone: i % 2 === 0 ? "a" : "b" };
    series.push({ labels: Labels.from({ __name__: "m_total", ...labels }), samples: counter });
    series.push({ labels: Labels.from({ __name__: "g", ...labels }), samples: gauge });
  }
  return new MemorySource(series, { batchSeriesMax: 3, ...(anyOf === undefined ? {} : { anyOf }) });
}

/** Counts what is asked of a source. */
function counted(source: SeriesSource): SeriesSource & { requests: number } {
  const out = {
    requests: 0,
    series: (...args: Parameters<SeriesSource["series"]>) => {
      out.requests++;
      return source.series(...args);
    },
    labelNames: source.labelNames.bind(source),
    labelValues: source.labelValues.bind(source),
    info: source.info.bind(source),
  };
  return out;
}

function points(value: QueryValue, timeMs: number): Map<string, number> {
  const out = new Map<string, number>();
  if (value.type === "vector") {
    for (const sample of value.samples) out.set(sample.labels.toString(), sample.value);
  } else if (value.type === "matrix") {
    for (const { labels, times, values } of value.series) {
      const at = times.indexOf(timeMs);
      if (at >= 0) out.set(labels.toString(), values[at]!);
    }
  }
  return out;
}

const queries = [
  "g",
  "sum by (zone) (rate(m_total[2m]))",
  "max_over_time(g[5m])",
  "avg_over_time(g[10m])",
  "quantile_over_time(0.9, g[7m])",
  "sum_over_time(rate(m_total[1m])[5m:30s])",
  "g offset 3m",
  "g @ 600 + on (instance) g",
  "topk(2, g)",
  "quantile by (zone) (0.3, g)",
  "count_values('v', m_total)",
  "g > 10 or m_total < 100",
  "m_total / on (zone) group_left () sum by (zone) (m_total)",
  "stddev without (instance) (g)",
  "absent_over_time(g{instance='host-3'}[1m])",
  "resets(m_total[10m]) unless on (instance) g > 50",
  "increase(m_total[3m] smoothed)",
  "xrate(m_total[3m])",
  "-g",
];

test("a range query equals its instants", async () => {
  const engine = new Engine(everything);
  const source = sampleSource();
  for (const query of queries.filter((text) => !text.startsWith("x"))) {
    const range = await engine.range(query, source, 300_000, 1_500_000, 150_000);
    for (let time = 300_000; time <= 1_500_000; time += 150_000) {
      const instant = await engine.instant(query, source, time);
      const want = points(instant.value, time);
      const got = points(range.value, time);
      assert.deepEqual([...got.keys()].sort(), [...want.keys()].sort(), `${query} at ${time}`);
      for (const [key, value] of want) {
        const difference = Math.abs(got.get(key)! - value);
        assert.ok(difference <= 1e-9 * Math.abs(value) || Object.is(got.get(key), value), query);
      }
    }
  }
});

test("the order of batches and their size do not matter, nor parts of one series", async () => {
  const engine = new Engine(everything);
  const whole = sampleSource();
  const parts = [];
  for (let i = 0; i < 2; i++) {
    for (const name of ["one", "two"]) {
      const samples = new SampleColumns();
      for (let t = i; t < 40; t += 2) samples.pushFloat(t * 15_000, t);
      parts.push({ labels: Labels.from({ __name__: name }), samples });
    }
  }
  const split = new MemorySource(parts, { batchSeriesMax: 1 });
  const result = await engine.instant("count_over_time(one[5m])", split, 450_000);
  assert.deepEqual(points(result.value, 450_000), new Map([["{}", 20]]));
  assert.equal((await engine.instant("count(g)", whole, 900_000)).value.type, "vector");
});

test("selectors with equal matchers read their source once where their times are near", async () => {
  const engine = new Engine(everything);
  const cases: [string, number][] = [
    ["sum(rate(m_total[5m])) / count(rate(m_total[5m])) + g - g offset 1m", 2],
    ["rate(m_total[5m]) > rate(m_total[6m])", 1],
    ["rate(m_total[1m]) > rate(m_total[25m])", 2],
    ["g and g{zone='a'}", 2],
    ["clamp(g, scalar(min(g)), scalar(max(g)))", 1],
    ["g @ 600 - g @ 600", 1],
    ["max_over_time(g[5m:1m]) - min_over_time(g[5m:1m])", 1],
    ["g - g offset 20m", 2],
  ];
  for (const [query, requests] of cases) {
    const source = counted(sampleSource());
    const got = await engine.range(query, source, 600_000, 900_000, 60_000);
    assert.equal(source.requests, requests, query);
    const want = await engine.instant(query, source, 900_000);
    assert.deepEqual(points(got.value, 900_000), points(want.value, 900_000));
  }
});

const selectors = fc
  .record({
    metric: fc.constantFrom("m_total", "g", "nope"),
    zone: fc.constantFrom("", ",zone='a'", ",zone!='b'", ",zone=''"),
    instance: fc.constantFrom("", ",instance=~'host-[0-3]'", ",instance='host-2'", ",nope=''"),
    how: fc.constantFrom("rate(S[5m])", "S", "sum by (zone) (S)", "max_over_time(S[4m])"),
  })
  .map(({ metric, zone, instance, how }) =>
    how.replace("S", `{__name__='${metric}'${zone}${instance}}`),
  );

test("different selectors over a short time are one request where the source takes several lists", async () => {
  const engine = new Engine(everything);
  const query = ["zone='a'", "zone='b'", "instance='host-1'", "instance=~'host-[23]'"]
    .map((label, i) => `label_replace(rate(m_total{${label}}[5m]), 'part', '${i}', '', '')`)
    .join(" or ");
  for (const [text, anyOf, requests] of [
    [query, [], 1],
    [query, ["replica"], 1],
    // Series come without the label: who asked for what cannot be told from them.
    [query, ["zone"], 4],
    [query, undefined, 4],
    ["g{zone='a'} or m_total{zone='a'}", [], 2],
    ["rate(g{zone='a'}[3h]) or rate(g{zone='b'}[3h]) or rate(g[3h])", [], 3],
    ["{zone='a'} or {zone='b',x=''} or {zone='a',y=''}", [], 3],
  ] as const) {
    const source = counted(sampleSource(anyOf));
    const got = await engine.instant(text, source, 900_000);
    assert.equal(source.requests, requests, text);
    const want = await engine.instant(text, sampleSource(), 900_000);
    assert.deepEqual(points(got.value, 900_000), points(want.value, 900_000), text);
  }
});

test("a union of selectors changes no answer", async () => {
  const engine = new Engine(everything);
  const together = sampleSource([]);
  const apart = sampleSource();
  const answer = async (query: string, source: SeriesSource, time: number) => {
    const { value, warnings, infos, stats } = await engine.instant(query, source, time);
    // What is held at once depends on what comes first.
    const { samplesTotal, samplesRead, seriesRead } = stats;
    return { value, warnings, infos, samplesTotal, samplesRead, seriesRead };
  };
  await fc.assert(
    fc.asyncProperty(
      fc.array(selectors, { minLength: 3, maxLength: 12 }),
      fc.constantFrom(100_000, 600_000, 900_000),
      async (parts, time) => {
        const query = parts
          .map((part, i) => `label_replace(${part}, 'part', '${i}', '', '')`)
          .join(" or ");
        assert.deepEqual(await answer(query, together, time), await answer(query, apart, time));
      },
    ),
    { numRuns: 100 },
  );
});

test("values of other types", async () => {
  const engine = new Engine(everything);
  const source = sampleSource();
  const at = async (query: string): Promise<QueryValue> =>
    (await engine.instant(query, source, 900_000)).value;
  assert.deepEqual(await at("1 + 2 * 3"), { type: "scalar", timeMs: 900_000, value: 7 });
  assert.deepEqual(await at("'text'"), { type: "string", timeMs: 900_000, value: "text" });
  const matrix = await at("g{instance='host-1'}[1m]");
  assert.ok(matrix.type === "matrix" && matrix.series[0]!.times.length === 4);
  const subquery = await at("g{instance='host-1'}[2m:30s]");
  assert.ok(subquery.type === "matrix");
  assert.deepEqual([...subquery.series[0]!.times], [810_000, 840_000, 870_000, 900_000]);
});

async function failure(run: Promise<unknown>): Promise<PromqlError> {
  try {
    await run;
  } catch (error) {
    assert.ok(error instanceof PromqlError, String(error));
    return error;
  }
  return assert.fail("should have failed");
}

test("errors in Prometheus' words", async () => {
  const engine = new Engine(everything);
  const source = sampleSource();
  const cases: [string, RegExp][] = [
    [
      "g + on (zone) m_total",
      /^found duplicate series for the match group \{zone="a"\} on the right hand-side of the operation: \[.*\];many-to-many matching not allowed: matching labels must be unique on one side$/,
    ],
    [
      "g + on (zone) sum by (zone) (g)",
      /^multiple matches for labels: many-to-one matching must be explicit \(group_left\/group_right\)$/,
    ],
    ["abs({instance='host-1'})", /^vector cannot contain metrics with the same labelset$/],
    ["topk(scalar(vector(NaN)), g)", /^Parameter value is NaN$/],
    [
      "double_exponential_smoothing(g[5m], 2, 0.5)",
      /^invalid smoothing factor. Expected: 0 < sf < 1, got: 2.000000$/,
    ],
    [
      "max_over_time(g[5m] anchored)",
      /^anchored modifier can only be used with: changes, delta, increase, rate, resets - not with max_over_time$/,
    ],
  ];
  for (const [query, message] of cases) {
    const error = await failure(engine.instant(query, source, 900_000));
    assert.match(error.message, message);
    assert.equal(error.code, "PROMQL_EXECUTION");
  }
  const matrix = await failure(engine.range("g[5m]", source, 0, 1, 1));
  assert.equal(
    matrix.message,
    'invalid expression type "range vector" for range query, must be Scalar or instant Vector',
  );
});

test("annotations carry their place", async () => {
  const engine = new Engine(everything);
  const result = await engine.instant("1 + rate(g[5m])", sampleSource(), 900_000);
  assert.deepEqual(result.infos, [
    'PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "g" (1:10)',
  ]);
});

test("limits of samples, bytes and steps stop a query", async () => {
  const source = sampleSource();
  const few = new Engine({ ...everything, maxSamples: 50 });
  const samples = await failure(few.range("g", source, 0, 1_800_000, 15_000));
  assert.equal(
    samples.message,
    "query processing would load too many samples into memory in query execution",
  );
  const small = new Engine({ ...everything, maxBytesPerQuery: 10_000 });
  const bytes = await failure(small.range("g", source, 0, 1_800_000, 1000));
  assert.equal(bytes.code, "PROMQL_LIMIT");
  assert.match(bytes.message, /limit of 10000 bytes per query: it read \d+ series/);
  const steps = await failure(new Engine(everything).range("g", source, 0, 1e15, 1));
  assert.equal(steps.code, "PROMQL_LIMIT");
  const budget = {
    maxBytes: 5000,
    held: 0,
    take: (n: number): boolean => {
      if (budget.held + n > 5000) return false;
      budget.held += n;
      return true;
    },
  };
  const shared = await failure(
    new Engine(everything).range("g", source, 0, 1_800_000, 1000, { byteBudget: budget }),
  );
  assert.equal(shared.code, "PROMQL_LIMIT");
  assert.equal(budget.held, 0);
});

test("a query stops when it is canceled or its time is up, inside of loops too", async () => {
  const source = sampleSource();
  const query = "quantile_over_time(0.5, max_over_time(g[30m:1s])[30m:1s])";
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 30);
  const begun = performance.now();
  const canceled = await failure(
    new Engine(everything).range(query, source, 0, 1_800_000, 1000, { signal: stop.signal }),
  );
  assert.equal(canceled.code, "PROMQL_CANCELED");
  assert.ok(performance.now() - begun < 2000);
  const timed = new Engine({ ...everything, timeoutMs: 20 });
  const late = await failure(timed.range(query, source, 0, 1_800_000, 1000));
  assert.equal(late.code, "PROMQL_TIMEOUT");
  assert.equal(late.message, "query timed out in expression evaluation");
});

test("a source that fails or warns is heard", async () => {
  const source = sampleSource();
  const broken: SeriesSource = {
    ...counted(source),
    // biome-ignore lint/correctness/useYield: fails before its first batch.
    series: async function* () {
      throw new Error("disk on fire");
    },
  };
  const error = await failure(new Engine(everything).instant("g + g", broken, 900_000));
  assert.equal(error.code, "PROMQL_STORAGE");
  assert.equal(error.message, "expanding series: disk on fire");
  const warning: SeriesSource = {
    ...counted(source),
    series: (request, context) => {
      context.warn("store b did not answer");
      return source.series(request, context);
    },
  };
  const heard: string[] = [];
  const options = { onWarning: (text: string): number => heard.push(text) };
  const result = await new Engine(everything).instant("g", warning, 900_000, options);
  assert.deepEqual(result.warnings, ["store b did not answer"]);
  assert.deepEqual(heard, ["store b did not answer"]);
});

test("a limit cuts the result and says so", async () => {
  const options = { limit: 2 };
  const result = await new Engine(everything).instant("g", sampleSource(), 900_000, options);
  assert.ok(result.value.type === "vector" && result.value.samples.length === 2);
  assert.deepEqual(result.warnings, ["results truncated due to limit"]);
});

test("statistics count the samples of windows and those read", async () => {
  const source = sampleSource();
  const engine = new Engine(everything);
  const query = "sum_over_time(g{instance='host-1'}[1m])";
  const { stats } = await engine.range(query, source, 60_000, 120_000, 30_000, { stats: "all" });
  assert.equal(stats.samplesTotal, 12);
  assert.deepEqual([...stats.samplesPerStep!], [4, 4, 4]);
  assert.equal(stats.samplesRead, 8);
  assert.deepEqual([...stats.samplesReadPerStep!], [4, 2, 2]);
});

test("rows that begin late, end early or have holes keep their own times and values", async () => {
  const steps = 40;
  const shapes: readonly (readonly [string, (step: number) => boolean])[] = [
    ["brief", (step) => step >= 17 && step < 20],
    ["early", (step) => step < 37],
    ["hole", (step) => step !== 20],
    ["late", (step) => step >= 3],
    ["whole", () => true],
  ];
  const series = shapes.map(([name, has], at) => {
    const samples = new SampleColumns();
    for (let step = 0; step < steps; step++) {
      if (has(step)) samples.pushFloat(step * 1000, at * 100 + step);
    }
    return { labels: Labels.from({ __name__: "m", shape: name }), samples };
  });
  const engine = new Engine({ lookbackMs: 500 });
  const end = (steps - 1) * 1000;
  // Many rows after these would overwrite columns that were given back too early.
  const query = "m or label_replace(m + 1000, 'copy', 'x', '', '')";
  const { value } = await engine.range(query, new MemorySource(series), 0, end, 1000);
  assert.ok(value.type === "matrix");
  assert.equal(value.series.length, 2 * shapes.length);
  for (const { labels, times, values } of value.series) {
    const at = shapes.findIndex(([name]) => name === labels.get("shape"));
    const want = Array.from({ length: steps }, (_, step) => step).filter(shapes[at]![1]);
    const more = labels.get("copy") === "x" ? 1000 : 0;
    assert.deepEqual(
      [...times],
      want.map((step) => step * 1000),
    );
    assert.deepEqual(
      [...values],
      want.map((step) => at * 100 + step + more),
    );
  }
});
