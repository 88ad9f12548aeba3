// Matchers that pass from one side of a binary operation to the other, and answers that stay the same.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels, SampleColumns } from "@deucalion/model";
import { MemorySource } from "@deucalion/model/testing";
import { Engine } from "../engine.ts";
import type { ParseOptions } from "../parse/ast.ts";
import { parseExpr } from "../parse/parse.ts";
import { printExpr } from "../parse/print/print.ts";
import { planQuery } from "./plan.ts";

const options: ParseOptions = {
  experimentalFunctions: true,
  durationExpressions: true,
  extendedRangeSelectors: true,
  binopFillModifiers: true,
  xFunctions: false,
};

function planned(text: string): string {
  const times = { startMs: 1000, endMs: 61_000, stepMs: 15_000 };
  return printExpr(planQuery(parseExpr(text, options), times).root);
}

test("planQuery() narrows both sides by each other's matchers", () => {
  const cases: [string, string][] = [
    ['a{x="1"} / b', 'a{x="1"} / b{x="1"}'],
    ['(a{x="1"}) > bool b{y!~"2|3"}', 'a{x="1",y!~"2|3"} > bool b{x="1",y!~"2|3"}'],
    ['a{x="1"} and b{x!="2"}', 'a{x!="2",x="1"} and b{x!="2",x="1"}'],
    ['a{x="1"} unless b{y="2"}', 'a{x="1"} unless b{x="1",y="2"}'],
    ['sum(a{x="1"} - b)', 'sum(a{x="1"} - b{x="1"})'],
  ];
  const sorted = (text: string) =>
    text.replace(/\{([^}]*)\}/g, (_, list: string) => `{${list.split(/,(?=\w+[=!])/).sort()}}`);
  for (const [text, want] of cases) assert.equal(sorted(planned(text)), want, text);
});

test("planQuery() leaves alone what may tell of series without partner", () => {
  const same = [
    'a{x="1"} or b',
    'a{x="1"} / on (x) b',
    'a{x="1"} / ignoring (y) b',
    'a{x="1"} * on (x) group_left () b',
    'a{x="1"} / sum(b)',
    'rate(a{x="1"}[5m]) / rate(b[5m])',
    '{__name__=~"a|b",x="1"} / b',
    'a{x="1"} + fill (0) b',
    'a{x="1"} / 2',
  ];
  for (const text of same) assert.equal(planned(text), printExpr(parseExpr(text, options)), text);
});

test("narrowed selectors give the same answers and read less", async () => {
  const series = ["a", "b"].flatMap((name) =>
    ["1", "2", "3", ""].map((x, i) => {
      const samples = new SampleColumns();
      for (let k = 0; k <= 8; k++) samples.pushFloat(k * 15_000, k + i);
      return { labels: Labels.from({ __name__: name, job: `j${i % 2}`, x }), samples };
    }),
  );
  const source = new MemorySource(series);
  const engine = new Engine();
  // In parentheses of a function that changes nothing, selectors are not narrowed.
  const cases = [
    'a{x="1"} / b',
    'a and b{x=~"1|2"}',
    'a unless b{x="3"}',
    'a{x=""} == b',
    'a{x!=""} - b{x!~"2"}',
  ];
  for (const text of cases) {
    const wide = text
      .replace(/^(a(?:\{[^}]*\})?)/, "(sort($1))")
      .replace(/ (b(?:\{[^}]*\})?)$/, " (sort($1))");
    const narrow = await engine.range(text, source, 0, 120_000, 15_000);
    const want = await engine.range(wide, source, 0, 120_000, 15_000);
    assert.deepEqual(narrow.value, want.value, text);
    assert.ok(narrow.stats.seriesRead <= want.stats.seriesRead, text);
  }
  const { stats } = await engine.range('a{x="1"} / b', source, 0, 120_000, 15_000);
  assert.equal(stats.seriesRead, 2);
});
