// Functions over rows, called the way the engine calls them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyHistogram, type FloatHistogram, Labels } from "@deucalion/model";
import { Row } from "../row.ts";
import { callForTest } from "./call-for-test.ts";

type Values = readonly (number | FloatHistogram | null)[];

function row(labels: Record<string, string>, values: Values): Row {
  const out = Row.empty(Labels.from(labels), values.length);
  values.forEach((value, i) => {
    if (typeof value === "number") out.setFloat(i, value);
    else if (value !== null) out.setHistogram(i, value);
  });
  return out;
}

function scalar(value: number, count = 1): Row {
  return Row.scalar(value, count);
}

/** Rows as text with one value a step. */
function shown(rows: readonly Row[]): Record<string, (number | null)[]> {
  return Object.fromEntries(
    rows.map((one) => [
      one.labels.toString(),
      [...one.values].map((value, i) => (one.present[i] === 1 ? value : null)),
    ]),
  );
}

const native: FloatHistogram = {
  ...emptyHistogram(),
  count: 4,
  sum: 10,
  positiveSpans: [{ offset: 0, length: 2 }],
  positiveBuckets: Float64Array.of(2, 2),
};

test("math functions take floats, drop the name, and leave histograms out", async () => {
  const { rows } = await callForTest(
    "sgn(m)",
    [[row({ __name__: "m", a: "1" }, [-3, native, null, 0])]],
    { steps: 4 },
  );
  assert.deepEqual(shown(rows), { '{a="1"}': [-1, null, null, 0] });
});

test("clamp() gives nothing where the bounds cross", async () => {
  const inputs = [[row({ a: "1" }, [1, 5])], [row({}, [2, 3])], [row({}, [4, 2])]];
  const { rows } = await callForTest("clamp(m, 1, 2)", inputs, { steps: 2 });
  assert.deepEqual(shown(rows), { '{a="1"}': [2, null] });
});

test("date functions know leap years, times before 1970, and the time of the step", async () => {
  const at = async (text: string, seconds: number): Promise<number> =>
    (await callForTest(text, [[row({}, [seconds])]])).rows[0]!.values[0]!;
  assert.equal(await at("days_in_month(m)", 1454544000), 29);
  assert.equal(await at("day_of_year(m)", 1483142400), 366);
  assert.equal(await at("year(m)", -1), 1969);
  assert.equal(await at("hour(m)", -1), 23);
  assert.equal(await at("day_of_week(m)", -1), 3);
  assert.equal(await at("year(m)", Number.NaN), 292277026596);
  assert.deepEqual(shown((await callForTest("minute()", [], { steps: 3 })).rows), {
    "{}": [0, 1, 2],
  });
});

test("label_replace() and label_join() set labels, and bring a name back", async () => {
  const input = (): Row[][] => [[row({ a: "x-1", b: "y" }, [1])]];
  const replaced = await callForTest('label_replace(m, "c", "$1", "a", "x-(.*)")', input());
  assert.deepEqual(shown(replaced.rows), { '{a="x-1", b="y", c="1"}': [1] });
  const joined = await callForTest('label_join(m, "__name__", "_", "b", "a")', input());
  assert.equal(joined.rows[0]!.labels.get("__name__"), "y_x-1");
  await assert.rejects(() => callForTest('label_replace(m, "c", "$1", "a", "(")', input()), {
    message: "invalid regular expression in label_replace(): (",
  });
});

test("sort_desc() puts NaN last and does not keep histograms", async () => {
  const inputs = [
    [
      row({ a: "1" }, [1]),
      row({ a: "2" }, [Number.NaN]),
      row({ a: "3" }, [3]),
      row({ a: "4" }, [native]),
    ],
  ];
  const { rows } = await callForTest("sort_desc(m)", inputs);
  assert.deepEqual(
    rows.map((one) => one.labels.get("a")),
    ["3", "1", "2"],
  );
});

test("scalar() is NaN unless there is one float", async () => {
  const inputs = [[row({ a: "1" }, [1, 2, null]), row({ a: "2" }, [null, 3, native])]];
  const { rows } = await callForTest("scalar(m)", inputs, { steps: 3 });
  assert.deepEqual(shown(rows), { "{}": [1, Number.NaN, Number.NaN] });
});

test("absent() has the labels of equality matchers, twice-named ones aside", async () => {
  const inputs = [[row({ a: "1" }, [1, null])]];
  const { rows } = await callForTest('absent(m{a="1",b=~"x",c="2",c="3"})', inputs, { steps: 2 });
  assert.deepEqual(shown(rows), { '{a="1"}': [null, 1] });
});

test("histogram_quantile() over classic and native histograms, refusing both at once", async () => {
  const bucket = (le: string, values: Values): Row => row({ __name__: "h", a: "1", le }, values);
  const inputs = [
    [scalar(0.5, 3)],
    [
      bucket("1", [1, 2, null]),
      bucket("+Inf", [2, 2, null]),
      bucket("x", [1, 1, 1]),
      row({ __name__: "h", a: "1" }, [null, native, native]),
    ],
  ];
  const text = "histogram_quantile(0.5, h)";
  const { rows, annotations } = await callForTest(text, inputs, { steps: 3 });
  assert.deepEqual(
    rows.map((one) => shown([one])),
    [{ '{a="1"}': [null, null, 1] }, { '{a="1"}': [1, null, null] }],
  );
  assert.deepEqual(annotations, [
    'PromQL warning: bucket label "le" is missing or has a malformed value of "x" (1:25)',
    "PromQL warning: vector contains a mix of classic and native histograms (1:25)",
  ]);
});

test("histogram_quantile() reports repairs once with all they covered", async () => {
  const bucket = (le: string, values: Values): Row => row({ le }, values);
  const inputs = [
    [scalar(0.5, 2)],
    [bucket("1", [4, 4]), bucket("2", [1, 2]), bucket("+Inf", [5, 5])],
  ];
  const { annotations } = await callForTest("histogram_quantile(0.5, h)", inputs, { steps: 2 });
  assert.deepEqual(annotations, [
    "PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile), from buckets 2 to 2, with a max diff of 3, over 2 samples from 1970-01-01T00:00:00Z to 1970-01-01T00:01:00Z (1:25)",
  ]);
});

test("info() adds data labels of the newest info series of a target", async () => {
  const base = row({ __name__: "m", instance: "i", job: "j", a: "own" }, [1, 2, 3]);
  const info = (labels: Record<string, string>, times: Values): Row =>
    row({ __name__: "target_info", instance: "i", job: "j", ...labels }, times);
  const { rows } = await callForTest("info(m)", [[base]], {
    steps: 3,
    select: async (request) => {
      assert.deepEqual(
        request.matchers.map((m) => `${m.name}${m.type}${m.value}`),
        ["instance=~i", "job=~j", "__name__=target_info"],
      );
      return [info({ a: "x", v: "1" }, [5, 5, null]), info({ v: "2" }, [null, 6, null])];
    },
  });
  assert.deepEqual(shown(rows), {
    '{__name__="m", a="own", instance="i", job="j", v="1"}': [1, null, null],
    '{__name__="m", a="own", instance="i", job="j", v="2"}': [null, 2, null],
    '{__name__="m", a="own", instance="i", job="j"}': [null, null, 3],
  });
});
