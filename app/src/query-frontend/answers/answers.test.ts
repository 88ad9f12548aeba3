// Reading, cutting, joining and keeping answers.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeEntry, type Extent, encodeEntry } from "../cache/entry-codec.ts";
import { floatOf } from "./json-scan.ts";
import { isComplete, mergeNotes, mergeSeries } from "./merge-answers.ts";
import { readInstantAnswer, readRangeAnswer } from "./read-answer.ts";
import { firstTime, joinRows, type Row, sliceRow } from "./row.ts";

const body = Buffer.from(
  `{"status":"success","data":{"resultType":"matrix","result":[
    {"metric":{"__name__":"a","x":"q\\"\\\\"},"values":[[10.5,"1"],[11.5,"-0"],[12.5,"+Inf"]]},
    {"metric":{"__name__":"b"},"values":[[10.5,"1e-07"],[12.5,"NaN"]],
     "histograms":[[11.5,{"count":"1","sum":"2","buckets":[[0,"a]","2","1"]]}]]}
  ],"analysis":{},"extra":[1]},"warnings":["PromQL info: x (1:1)"],"infos":["i"]}`,
);

test("readRangeAnswer() reads columns and keeps the rest", () => {
  const answer = readRangeAnswer(body, { startMs: 9500, stepMs: 1000 })!;
  const [a, b] = answer.rows;
  assert.equal(a!.metric, '{"__name__":"a","x":"q\\"\\\\"}');
  assert.equal(a!.startMs, 10_500);
  assert.equal(a!.indexes, null);
  assert.ok(Object.is(a!.values[1], -0));
  assert.deepEqual([...a!.values], [1, -0, Number.POSITIVE_INFINITY]);
  assert.deepEqual([...b!.indexes!], [1, 3]);
  assert.deepEqual([...b!.values], [1e-7, Number.NaN]);
  assert.deepEqual([...b!.histogramIndexes], [2]);
  assert.match(b!.histograms[0]!.toString(), /^\{"count":"1".*\}$/);
  assert.deepEqual([answer.warnings, answer.infos], [["PromQL info: x (1:1)"], ["i"]]);
  assert.deepEqual(answer.analysis, {});
  assert.deepEqual([...answer.more], [["extra", "[1]"]]);
});

test("readRangeAnswer() refuses what is at no step and what is cut off", () => {
  assert.throws(() => readRangeAnswer(body, { startMs: 9400, stepMs: 1000 }), {
    code: "FRONTEND_ANSWER",
  });
  assert.throws(() => readRangeAnswer(body.subarray(0, 200), { startMs: 9500, stepMs: 1000 }));
});

test("readInstantAnswer() gives the elements of vectors as text", () => {
  const text =
    '{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"}"},"value":[1,"2"]}]}}';
  const { elements } = readInstantAnswer(Buffer.from(text));
  assert.deepEqual(
    elements!.map(({ metric, text: one }) => [metric, one.toString()]),
    [['{"a":"}"}', '{"metric":{"a":"}"},"value":[1,"2"]}']],
  );
});

test("floatOf() reads every float as Number does", () => {
  const check = (text: string) => {
    const data = Buffer.from(`x${text}y`);
    assert.ok(Object.is(floatOf(data, 1, data.length - 1), Number(text)), text);
  };
  fc.assert(
    fc.property(fc.double({ noDefaultInfinity: true, noNaN: true }), (x) => check(String(x))),
  );
  fc.assert(fc.property(fc.nat(999_999_999), fc.nat(999_999), (a, b) => check(`-${a}.${b}`)));
});

function makeRow(startMs: number, times: readonly (number | null)[], histogramAt = -1): Row {
  const indexes: number[] = [];
  times.forEach((value, i) => {
    if (value !== null && i !== histogramAt) indexes.push(i);
  });
  const dense = histogramAt < 0 && indexes.length === times.length;
  return {
    metric: '{"__name__":"m"}',
    startMs,
    stepMs: 10,
    indexes: dense ? null : Uint32Array.from(indexes),
    values: Float64Array.from(indexes, (i) => times[i]!),
    histogramIndexes: Uint32Array.from(histogramAt < 0 ? [] : [histogramAt]),
    histograms: histogramAt < 0 ? [] : [Buffer.from(`{"h":${histogramAt}}`)],
  };
}

function points(row: Row | null): [number, number | string][] {
  if (row === null) return [];
  const out: [number, number | string][] = [];
  row.values.forEach((value, i) => {
    out.push([row.startMs + (row.indexes?.[i] ?? i) * row.stepMs, value]);
  });
  row.histograms.forEach((text, i) => {
    out.push([row.startMs + row.histogramIndexes[i]! * row.stepMs, text.toString()]);
  });
  return out.sort((a, b) => a[0] - b[0]);
}

const rows = fc
  .tuple(
    fc.array(fc.option(fc.double({ noNaN: true })), { minLength: 1, maxLength: 20 }),
    fc.integer({ min: -1, max: 19 }),
  )
  .map(([values, at]) => makeRow(1000, values, at < values.length ? at : -1))
  .filter((row) => row.values.length + row.histograms.length > 0);

test("sliceRow() and joinRows() keep every sample once", () => {
  fc.assert(
    fc.property(rows, fc.nat(20), fc.nat(20), (row, a, b) => {
      const [low, high] = a < b ? [a, b] : [b, a];
      const cuts = [
        [1000, 1000 + low * 10],
        [1000 + low * 10 + 10, 1000 + high * 10],
        [1000 + high * 10 + 10, 5000],
      ] as const;
      const pieces = cuts
        .map(([from, to]) => sliceRow(row, from, to))
        .filter((piece) => piece !== null);
      for (const piece of pieces) assert.equal(firstTime(piece), points(piece)[0]![0]);
      assert.deepEqual(points(joinRows(pieces)), points(row));
    }),
  );
});

test("entries read as they were written, compressed or not", () => {
  // Labels that have a part in common with those before, also within a character.
  const texts = fc.array(fc.string({ unit: fc.constantFrom("a", "b", ",", "ü", "ý", "😀", "😁") }));
  fc.assert(
    fc.property(
      fc.array(rows, { maxLength: 4 }),
      texts,
      fc.boolean(),
      (list, metrics, compress) => {
        const extent: Extent = {
          startMs: 1000,
          endMs: 1190,
          rows: list.map((row, i) => ({ ...row, metric: `{"a":"${metrics[i] ?? ""}"}` })),
          warnings: ["w"],
          infos: [],
          stores: new Map([["sidecar []", { count: 2, minTime: -5 }]]),
          analysis: {},
        };
        const read = decodeEntry(encodeEntry("key", 10, [extent, extent], compress), "key");
        assert.equal(read.length, 2);
        for (const one of read) {
          assert.deepEqual({ ...one, rows: [] }, { ...extent, rows: [] });
          assert.deepEqual(
            one.rows.map((row) => [row.metric, points(row)]),
            extent.rows.map((row) => [row.metric, points(row)]),
          );
        }
      },
    ),
  );
  assert.deepEqual(decodeEntry(encodeEntry("key", 10, [], false), "other"), []);
  assert.throws(() => decodeEntry(Buffer.alloc(20), "key"), { code: "FRONTEND_CACHE" });
});

test("mergeSeries() sorts by labels when parts bring different series", () => {
  const row = (metric: string, startMs: number): Row => ({ ...makeRow(startMs, [1]), metric });
  const merged = mergeSeries([[row('{"a":"2"}', 0)], [row('{"a":"1"}', 10), row('{"a":"2"}', 10)]]);
  assert.deepEqual(
    merged.map(({ metric, pieces }) => [metric, pieces.map(firstTime)]),
    [
      ['{"a":"1"}', [10]],
      ['{"a":"2"}', [0, 10]],
    ],
  );
});

test("mergeNotes() loses no warning and adds up figures", () => {
  const base = { infos: [], analysis: {}, more: new Map<string, string>() };
  const notes = mergeNotes([
    { ...base, warnings: ["a"], stats: { samples: { totalQueryableSamples: 3, peakSamples: 5 } } },
    {
      ...base,
      warnings: ["b", "a"],
      stats: { samples: { totalQueryableSamples: 4, peakSamples: 2 } },
    },
  ]);
  assert.deepEqual(notes.warnings, ["a", "b"]);
  assert.deepEqual(notes.stats, { samples: { totalQueryableSamples: 7, peakSamples: 5 } });
  assert.deepEqual(notes.analysis, {});
  assert.equal(isComplete({ warnings: ["PromQL info: x"] }), true);
  assert.equal(isComplete({ warnings: ["store x is gone"] }), false);
});
