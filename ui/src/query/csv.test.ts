// Tests of CSV.
import assert from "node:assert/strict";
import { test } from "node:test";
import { toCsv } from "./csv.ts";

test("toCsv() writes one column per label, and quotes where it must", () => {
  const csv = toCsv(
    {
      resultType: "vector",
      result: [
        { metric: { __name__: "up", job: 'a,"b"' }, value: [1_785_753_735, "1"] },
        { metric: { instance: "x" }, value: [1_785_753_735, "NaN"] },
        { metric: { h: "1" }, histogram: [1_785_753_735, { count: "3", sum: "4.5" }] },
      ],
    },
    [],
  );
  assert.equal(
    csv,
    [
      "__name__,h,instance,job,time,value",
      'up,,,"a,""b""",2026-08-03T10:42:15.000Z,1',
      ",,x,,2026-08-03T10:42:15.000Z,NaN",
      ",1,,,2026-08-03T10:42:15.000Z,count=3 sum=4.5",
      "",
    ].join("\r\n"),
  );
});

test("toCsv() says first that the answer is incomplete, and defuses formulas", () => {
  const csv = toCsv(
    { resultType: "matrix", result: [{ metric: { a: "=1+1" }, values: [[0, "-5"]] }] },
    ["store x:\ndeadline"],
  );
  assert.equal(
    csv,
    "# INCOMPLETE: store x: deadline\r\na,time,value\r\n'=1+1,1970-01-01T00:00:00.000Z,-5\r\n",
  );
});

test("toCsv() writes a scalar", () => {
  assert.equal(
    toCsv({ resultType: "scalar", result: [0, "+Inf"] }, []),
    "time,value\r\n1970-01-01T00:00:00.000Z,+Inf\r\n",
  );
});
