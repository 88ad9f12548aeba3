import assert from "node:assert/strict";
import { test } from "node:test";
import { engineDefaults } from "../engine.ts";
import { PromqlError } from "../errors.ts";
import { parseExpr } from "./parse.ts";
import { printExpr } from "./print/print.ts";

const { parse } = engineDefaults;

test("parseExpr() gives the tree that it made before, for the same text and options only", () => {
  const tree = parseExpr("sum(rate(a[5m]))", parse);
  assert.equal(parseExpr("sum(rate(a[5m]))", { ...parse }), tree);
  assert.notEqual(parseExpr("sum(rate(a[5m]))", { ...parse, xFunctions: !parse.xFunctions }), tree);
  assert.notEqual(parseExpr("sum(rate(a[6m]))", parse), tree);
});

test("parseExpr() fails anew each time, and forgets what is long ago", () => {
  for (let i = 0; i < 2; i++) assert.throws(() => parseExpr("sum(", parse), PromqlError);
  const first = parseExpr("first", parse);
  const long = "x".repeat(20_000);
  for (let i = 0; i < 20; i++) parseExpr(`${long}${i}`, parse);
  const again = parseExpr("first", parse);
  assert.notEqual(again, first);
  assert.equal(printExpr(again), "first");
});
