import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { emptyHistogram, type FloatHistogram, Labels } from "@deucalion/model";
import type { RuleSample } from "../deps.ts";
import { sample } from "../testing/mod.ts";
import { AlertTemplate, type TemplateContext, templateProblem } from "./alert-template.ts";

interface Golden {
  readonly text: string;
  readonly labels?: Record<string, string>;
  readonly value?: string;
  readonly noUrl?: boolean;
  readonly out: string;
}

const usualLabels = {
  __name__: "up",
  job: "api",
  instance: "host-1.example.com:9100",
  path: "/a b?c=<d>&e='f'\"",
  uni: "héllo wörld",
  empty_like: "0",
  num: "12.5",
};

const histogram: FloatHistogram = {
  ...emptyHistogram(),
  zeroThreshold: 0.001,
  zeroCount: 2,
  count: 10,
  sum: 20,
  positiveSpans: [{ offset: 0, length: 2 }],
  positiveBuckets: Float64Array.of(3, 5),
};

async function query(text: string): Promise<readonly RuleSample[]> {
  if (text === "none") return [];
  if (text === "err") throw new Error('query failed: bad "thing"');
  if (text === "hist") {
    const small = { ...emptyHistogram(), count: 1, sum: 2 };
    return [{ ...sample({ a: "b" }), histogram: small }];
  }
  return [
    sample({ __name__: "metric", instance: "b", n: "10" }, 11),
    sample({ __name__: "metric", instance: "a", n: "9" }, 21.5),
    sample({ __name__: "metric", instance: "c", n: "1", __value__: "sv" }, 3e9),
  ];
}

const context: TemplateContext = {
  timeMs: 1_700_000_000_123,
  externalLabels: Labels.from({ cluster: "eu", replica: "r1" }),
  externalUrl: "http://ext.example:9090/pre/fix",
  query,
};

function goldenSample({ labels, value = "12345.678" }: Golden): RuleSample {
  const set = sample(labels ?? usualLabels);
  if (value === "histogram") return { ...set, histogram };
  return { ...set, value: Number(value.replace("Inf", "Infinity")) };
}

test("templates give what Go's give, results and errors", async () => {
  const path = new URL("../../../testdata/templates/golden.jsonl", import.meta.url);
  const wrong: unknown[] = [];
  let count = 0;
  for (const line of readFileSync(path, "utf8").trim().split("\n")) {
    const golden = JSON.parse(line) as Golden;
    const url = golden.noUrl === true ? { functionUrl: null } : {};
    const got = await new AlertTemplate("Name", golden.text).expand(goldenSample(golden), {
      ...context,
      ...url,
    });
    count++;
    if (got !== golden.out) wrong.push({ text: golden.text, got, want: golden.out });
  }
  assert.deepEqual(wrong, []);
  assert.ok(count > 2000);
});

test("a template that never ends is stopped", async () => {
  const endless = '{{ define "r" }}{{ template "r" . }}{{ end }}{{ template "r" . }}';
  const text = await new AlertTemplate("A", endless).expand(sample({}), context);
  assert.match(text, /exceeded maximum template depth/);
  const loop = "{{ range 1000000000 }}{{ end }}";
  assert.match(await new AlertTemplate("A", loop).expand(sample({}), context), /runs for too long/);
});

test("each query of a template is asked once, however often it is run again", async () => {
  const asked: string[] = [];
  const counting: TemplateContext = {
    ...context,
    query: async (text) => {
      asked.push(text);
      return query(text);
    },
  };
  const text = '{{ query "a" | first | value }} {{ query "b" | len }} {{ query "a" | len }}';
  assert.equal(await new AlertTemplate("A", text).expand(sample({}), counting), "11 3 3");
  assert.deepEqual(asked, ["a", "b"]);
});

test("templateProblem() is Go's parse error, or null", () => {
  assert.equal(templateProblem("A", "{{ $value }}"), null);
  assert.equal(templateProblem("A", "no template"), null);
  assert.equal(
    templateProblem("A", "{{ foo }}"),
    'template: __alert_A:1: function "foo" not defined',
  );
});
