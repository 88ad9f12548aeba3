// The parser against what Prometheus' parser says of the same texts, and properties of trees and texts.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { PromqlError } from "../errors.ts";
import type { Expr, ParseOptions } from "./ast.ts";
import { parseExpr, parseMetricSelector } from "./parse.ts";
import { lineColumn } from "./position.ts";
import { astJson } from "./print/ast-json.ts";
import { quoteGo } from "./print/go-quote.ts";
import { prettyExpr } from "./print/pretty.ts";
import { printExpr } from "./print/print.ts";
import { transformExpr, walkExpr } from "./walk.ts";

const root = new URL("../../../../../", import.meta.url);
const conformance = new URL("../shared/conformance/", root);

function options(on: boolean): ParseOptions {
  return {
    experimentalFunctions: on,
    durationExpressions: on,
    extendedRangeSelectors: on,
    binopFillModifiers: on,
    xFunctions: false,
  };
}

function errorOf(run: () => unknown): string | null {
  try {
    run();
    return null;
  } catch (thrown) {
    assert.ok(thrown instanceof PromqlError, String(thrown));
    assert.equal(thrown.code, "PROMQL_PARSE");
    return thrown.message;
  }
}

interface Known {
  query: string;
  error?: string;
  text?: string;
  pretty?: string;
  plainError?: string | null;
  selector: string;
}

const known = readFileSync(new URL("lib/promql/src/parse/testdata/queries.jsonl", root), "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as Known);

test("parseExpr(), printExpr() and prettyExpr() say what Prometheus says", () => {
  for (const { query, error, text, pretty } of known) {
    const got = errorOf(() => {
      const expr = parseExpr(query, options(true));
      assert.equal(printExpr(expr), text, query);
      assert.equal(prettyExpr(expr), pretty ?? text, query);
    });
    assert.equal(got, error ?? null, query);
  }
});

test("parseExpr() with features off refuses what needs them", () => {
  for (const { query, error, plainError } of known) {
    const wanted = plainError === undefined ? (error ?? null) : plainError;
    assert.equal(
      errorOf(() => parseExpr(query, options(false))),
      wanted,
      query,
    );
  }
});

test("parseMetricSelector() gives the matchers or the error of Prometheus", () => {
  for (const { query, selector } of known) {
    let got: string;
    try {
      const matchers = parseMetricSelector(query, options(true));
      got = matchers
        .map(({ name, type, value }) => {
          const plain = /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name);
          return `${plain ? name : quoteGo(name)}${type}${quoteGo(value)},`;
        })
        .join("");
    } catch (thrown) {
      got = (thrown as Error).message;
    }
    assert.equal(got, selector, query);
  }
});

interface ApiAnswer {
  kind: string;
  path: string;
  params: { query?: string };
  body: { status: string; data?: unknown; error?: string };
}

test("format_query, parse_query and bad queries are answered as over HTTP", () => {
  const lines = gunzipSync(readFileSync(new URL("promql-queries/expected.jsonl.gz", conformance)))
    .toString()
    .trimEnd()
    .split("\n");
  let seen = 0;
  for (const line of lines) {
    const { kind, path, params, body } = JSON.parse(line) as ApiAnswer;
    if (kind !== "api" || params.query === undefined) continue;
    const parse = () => parseExpr(params.query!, options(false));
    if (path === "/api/v1/format_query") assert.equal(prettyExpr(parse()), body.data);
    else if (path === "/api/v1/parse_query") {
      assert.deepEqual(JSON.parse(JSON.stringify(astJson(parse()))), body.data);
    } else if (body.error?.includes("parse error") === true) {
      assert.equal(`invalid parameter "query": ${errorOf(parse)}`, body.error);
    } else continue;
    seen++;
  }
  assert.ok(seen > 4);
});

/** A tree without places in the text and regular expressions. */
function shape(expr: Expr): unknown {
  return JSON.parse(
    JSON.stringify(expr, (key, value) => {
      if (key === "range" || key === "opRange" || key === "regex") return undefined;
      return Number.isNaN(value) || Math.abs(value) === Infinity ? String(value) : value;
    }),
    (key, value) => {
      if (key === "matchers") return value.map((one: object) => JSON.stringify(one)).sort();
      // A plus in front of a duration is not printed.
      const plus = value?.kind === "duration" && value.op === "+" && value.left === undefined;
      return plus && !value.wrapped ? value.right : value;
    },
  );
}

function conformanceQueries(): string[] {
  const queries: string[] = [];
  for (const file of readdirSync(new URL("promqltest/", conformance))) {
    if (!file.endsWith(".test")) continue;
    const text = readFileSync(fileURLToPath(new URL(`promqltest/${file}`, conformance)), "utf8");
    for (const [, query] of text.matchAll(
      /^\s*eval\S* (?:instant at \S+|range from \S+ to \S+ step \S+)\s+(.*)$/gm,
    )) {
      queries.push(query!);
    }
  }
  return queries;
}

test("a printed tree, on one line or several, parses to the same tree", () => {
  for (const query of conformanceQueries()) {
    const expr = parseExpr(query, options(true));
    assert.deepEqual(shape(parseExpr(printExpr(expr), options(true))), shape(expr), query);
    assert.deepEqual(shape(parseExpr(prettyExpr(expr), options(true))), shape(expr), query);
  }
});

test("every text ends in a tree or a PROMQL_PARSE error", () => {
  const word = fc.constantFrom(
    ..."sum by ( ) foo { } [ ] , 5m : + - ^ offset @ start end 1 \" ' ` \\ = =~ on fill bool # \n é 😀".split(
      " ",
    ),
  );
  fc.assert(
    fc.property(
      fc.array(fc.oneof(word, fc.string({ maxLength: 3 })), { maxLength: 12 }),
      (words) => {
        errorOf(() => parseExpr(words.join(" "), options(true)));
        errorOf(() => parseExpr(words.join(""), options(true)));
      },
    ),
    { numRuns: 2000 },
  );
});

test("parseExpr() survives any depth and says where it stops", () => {
  const many = 100_000;
  assert.equal(
    errorOf(() => parseExpr(`${"(".repeat(many)}1${")".repeat(many)}`, options(true))),
    "1:1001: parse error: expression is nested deeper than 1000 levels",
  );
  const depths = [
    `${"-".repeat(many)}foo`,
    `1${"+1".repeat(many)}`,
    `1${"^1".repeat(many)}`,
    `${"abs(".repeat(many)}foo${")".repeat(many)}`,
    `foo${"[5m:]".repeat(many)}`,
    `foo[${"(".repeat(many)}5m${")".repeat(many)}]`,
    `foo[${"-".repeat(many)}5m]`,
    `foo[5m${"^5m".repeat(many)}]`,
    `foo offset (5m${"+5m".repeat(many)})`,
  ];
  for (const text of depths) {
    assert.match(
      errorOf(() => parseExpr(text, options(true))) ?? "",
      /nested deeper|more than|got/,
    );
  }
  assert.equal(
    errorOf(() => parseExpr(`${"(".repeat(900)}1${")".repeat(900)}`, options(true))),
    null,
  );
});

test("errors carry line and column, in bytes", () => {
  assert.deepEqual(lineColumn("é\nfé x", 4), { line: 2, column: 4 });
  assert.throws(
    () => parseExpr('{a="é"} +\n  foo bar', options(true)),
    (thrown: PromqlError) => {
      assert.deepEqual(thrown.data, { line: 2, column: 7 });
      return true;
    },
  );
});

test("transformExpr() keeps what is unchanged and walkExpr() knows the way", () => {
  const expr = parseExpr("sum(rate(foo[5m])) + bar", options(false));
  assert.equal(
    transformExpr(expr, (same) => same),
    expr,
  );
  const renamed = transformExpr(expr, (node) =>
    node.kind === "vector" ? { ...node, name: "x", matchers: [] } : node,
  );
  assert.equal(printExpr(renamed), "sum(rate(x[5m])) + x");
  const paths: string[] = [];
  walkExpr(expr, (node, path) => {
    paths.push([...path, node].map(({ kind }) => kind).join("/"));
    return node.kind !== "call";
  });
  assert.deepEqual(paths, ["binary", "binary/aggregate", "binary/aggregate/call", "binary/vector"]);
});
