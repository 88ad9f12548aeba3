// Tests of reading selectors and finding near names.
import assert from "node:assert/strict";
import { test } from "node:test";
import { editDistance, nearNames, readSelectors } from "./selectors.ts";

test("readSelectors() finds names and matchers", () => {
  assert.deepEqual(readSelectors('sum(rate(x{a="1",b=~"2|3"}[5m])) / up + {c!="4"}'), [
    {
      text: 'x{a="1",b=~"2|3"}',
      metric: "x",
      matchers: ['a="1"', 'b=~"2|3"'],
      without: ['{__name__="x",b=~"2|3"}', '{__name__="x",a="1"}'],
    },
    { text: "up", metric: "up", matchers: [], without: [] },
    { text: '{c!="4"}', metric: null, matchers: ['c!="4"'], without: ["{}"] },
  ]);
});

test("nearNames() offers the nearest first, and nothing that is far", () => {
  assert.deepEqual(nearNames("up2", ["up", "down", "cpu_seconds"]), ["up"]);
  assert.deepEqual(nearNames("htp_requests_total", ["http_requests_total", "go_info"]), [
    "http_requests_total",
  ]);
  assert.equal(editDistance("kitten", "sitting", 9), 3);
});
