// The runner's own language: sequences, literals, blocks, tolerance, `@`-modified forms.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Labels, SampleColumns } from "@deucalion/model";
import { atModifiedCases } from "./at-modified.ts";
import { classicToCustom } from "./classic-to-custom.ts";
import { almostEqual, sameHistogram } from "./compare.ts";
import { parseHistogramLiteral } from "./histogram-literal.ts";
import { type LoadCommand, parseScript } from "./script.ts";
import { parseSeriesLine, type SequenceValue } from "./series-line.ts";
import { parseStartTimes } from "./start-times.ts";
import { ScriptStorage } from "./storage.ts";

function show(values: readonly SequenceValue[]): string {
  return values
    .map((value) => {
      if (value.kind === "float") return String(value.value);
      if (value.kind === "histogram") return `h${value.histogram.count}`;
      return value.kind === "stale" ? "stale" : "_";
    })
    .join(" ");
}

test("parseSeriesLine() expands every form of item", () => {
  const cases: [string, string][] = [
    ["a 1 -2.5 1e3 Inf -Inf NaN stale _", "1 -2.5 1000 Infinity -Infinity NaN stale _"],
    ["a _x3 2x2", "_ _ _ 2 2 2"],
    ["a 0+10x3 5-1x2 -1+1x1", "0 10 20 30 5 4 3 -1 0"],
    ["a 0.1+0.1x2", "0.1 0.2 0.30000000000000004"],
    ["a 1e1+1x1", "10 11"],
    ["a {{}} {{count:2}}x1 {{count:1 sum:2}}+{{count:2}}x2", "h0 h2 h2 h1 h3 h5"],
    [`${"{{count:1}}".replace("{{", "a {{")}-{{count:1}}x1`, "h1 h0"],
    ["a", ""],
  ];
  for (const [line, values] of cases)
    assert.equal(show(parseSeriesLine(line).values), values, line);
});

test("parseSeriesLine() reads names and labels in all their forms", () => {
  const labels = { __name__: "a:b", x: 'q"', y: "z", "k k": "v" };
  const line = `a:b{x="q\\"", y='z', "k k"=\`v\`,} 1`;
  assert.equal(parseSeriesLine(line).labels.key, Labels.from(labels).key);
  assert.equal(
    parseSeriesLine('{"a b", c="d"}').labels.key,
    Labels.from({ __name__: "a b", c: "d" }).key,
  );
  for (const bad of [
    "a{b} 1",
    "a 1 2x",
    "a {{count:x}}",
    "a {{count:1 count:2}}",
    "a foo",
    "a{b=c} 1",
  ])
    assert.throws(() => parseSeriesLine(bad), { code: "PROMQLTEST_SERIES" }, bad);
});

test("parseHistogramLiteral() fills all fields", () => {
  const text =
    "schema:1 count:4 sum:-3 z_bucket:1 z_bucket_w:0.5 buckets:[1 2.5] offset:-2 n_buckets:[3] n_offset:4 counter_reset_hint:gauge";
  const { histogram, hintGiven } = parseHistogramLiteral(text);
  assert.deepEqual(histogram, {
    schema: 1,
    zeroThreshold: 0.5,
    zeroCount: 1,
    count: 4,
    sum: -3,
    positiveSpans: [{ offset: -2, length: 2 }],
    negativeSpans: [{ offset: 4, length: 1 }],
    positiveBuckets: Float64Array.of(1, 2.5),
    negativeBuckets: Float64Array.of(3),
    customValues: new Float64Array(0),
    counterResetHint: "gauge",
    integer: false,
  });
  assert.equal(hintGiven, true);
});

test("parseStartTimes() expands offsets", () => {
  assert.deepEqual(parseStartTimes("_ _x2 -1m 30sx1 -1m-10sx2"), [
    null,
    null,
    null,
    -60_000,
    30_000,
    30_000,
    -60_000,
    -70_000,
    -80_000,
  ]);
});

test("parseScript() cuts blocks at empty and comment lines", () => {
  const script = parseScript(
    [
      "load 1m",
      "  a@st -1m",
      "  a 1",
      "# a comment ends the block",
      "eval instant at 5m a",
      "  expect no_warn",
      "  expect info regex: x.z",
      "  expect{} 2",
      "",
      "eval range from 0 to 1m step 30s 1",
      "  {} 1 1 1",
      "what?!",
      "clear",
      "",
      "nonsense",
    ].join("\n"),
  );
  assert.deepEqual(
    script.map(({ kind, line }) => `${kind}:${line}`),
    ["load:1", "eval:5", "broken:10", "broken:15"],
  );
  const evaluation = script[1]!;
  assert.ok(evaluation.kind === "eval");
  assert.equal(evaluation.expected.noWarn, true);
  assert.equal(evaluation.expected.info[0]!.matches("axyzb"), true);
  assert.equal(evaluation.expected.info[0]!.matches("axyb"), false);
  assert.equal(evaluation.expected.series[0]!.labels.get("__name__"), "expect");
});

test("parseScript() reads every conformance script", () => {
  const scripts = new URL("../../../../../../shared/conformance/promqltest/", import.meta.url);
  const { evals } = JSON.parse(readFileSync(new URL("counts.json", scripts), "utf8"));
  for (const [file, count] of Object.entries(evals)) {
    const commands = parseScript(readFileSync(new URL(file, scripts), "utf8"));
    const broken = commands.find(({ kind }) => kind === "broken");
    assert.equal(broken, undefined, file);
    assert.equal(commands.filter(({ kind }) => kind === "eval").length, count, file);
    const storage = new ScriptStorage();
    for (const command of commands) if (command.kind === "load") storage.load(command);
  }
});

test("ScriptStorage gives hints as chunks would and keeps start times", async () => {
  const storage = new ScriptStorage();
  const lines = [
    "load 1m",
    "h@st -1m -1m _ _x2",
    "h {{count:1 counter_reset_hint:not_reset}} {{count:2}} {{count:1}} {{count:1 counter_reset_hint:gauge}} {{count:9}}",
  ];
  storage.load(parseScript(lines.join("\n"))[0] as LoadCommand);
  const context = { signal: new AbortController().signal, warn: () => {} };
  const request = { minTime: 0, maxTime: 1e9, matchers: [] };
  for await (const batch of storage.source().series(request, context)) {
    const out = new SampleColumns(8);
    batch.samplesInto(0, out);
    assert.deepEqual(
      out.histograms!.map((one) => one!.counterResetHint),
      ["unknown", "not_reset", "unknown", "gauge", "unknown"],
    );
    assert.deepEqual([...out.startTimes!.subarray(0, 3)], [-60_000, 0, 0]);
  }
});

test("classicToCustom() turns cumulative buckets into custom ones", () => {
  const lines = [
    'x_bucket{le="1",a="b"} 1',
    'x_bucket{le="2",a="b"} 3',
    'x_bucket{le="+Inf",a="b"} 4',
    'x_bucket{le="nonsense",a="b"} 9',
    'x_sum{a="b"} 7.5',
    "other 1",
  ];
  const series = classicToCustom(lines.map(parseSeriesLine), 60_000);
  assert.equal(series.length, 1);
  assert.equal(String(series[0]!.labels), '{__name__="x", a="b"}');
  const wanted = "schema:-53 count:4 sum:7.5 custom_values:[1 2] buckets:[1 2 1]";
  const { histogram } = parseHistogramLiteral(wanted);
  assert.ok(sameHistogram(histogram, series[0]!.points[0]![1], true));
});

test("almostEqual() allows one part in a million and knows the NaNs apart", () => {
  assert.ok(almostEqual(1, 1.000001));
  assert.ok(!almostEqual(1, 1.00001));
  assert.ok(almostEqual(NaN, NaN));
  assert.ok(almostEqual(Infinity, Infinity));
  assert.ok(!almostEqual(Infinity, -Infinity));
  assert.ok(!almostEqual(0, 1e-300));
});

test("atModifiedCases() fixes the time of selectors outside subqueries", () => {
  assert.deepEqual(atModifiedCases("foo @ 3 + rate(bar[5m] @ start())", 50_000)[0], {
    expr: "foo @ 3.000 + rate(bar[5m] @ 50.000)",
    timeMs: -500_000,
  });
  assert.deepEqual(
    atModifiedCases("sum_over_time(foo[5m:1m])", 0).map(({ expr, timeMs }) => `${expr} ${timeMs}`),
    [-1000, 0, 1000].map((time) => `sum_over_time(foo[5m:1m] @ 0.000) ${time}`),
  );
  assert.deepEqual(atModifiedCases("timestamp(foo)", 50_000), []);
});
