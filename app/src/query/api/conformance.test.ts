// The HTTP API over a real block answers as Prometheus did (and as Thanos words its errors).
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { Block } from "@deucalion/tsdb";
import { type ApiServer, startApi } from "../testing/api-server.ts";
import { SourceQuerier } from "../testing/source-querier.ts";

const conformance = fileURLToPath(
  new URL("../../../../../../shared/conformance/promql-queries/", import.meta.url),
);

interface Expected {
  readonly id?: number;
  readonly kind: "range" | "instant" | "api";
  readonly path?: string;
  readonly params?: Readonly<Record<string, string | number | string[]>>;
  readonly status: number;
  readonly body: Body;
}

interface Body {
  status: string;
  errorType?: string;
  error?: string;
  data?: { resultType?: string; result?: unknown; stats?: unknown; analysis?: unknown };
  warnings?: string[];
  infos?: string[];
}

const present = existsSync(conformance);
let server: ApiServer;
let block: Block;
const expected: Expected[] = [];
const queries = new Map<number, string>();
let range = { start: 0, end: 0, step: 0 };
let time = 0;

before(async () => {
  if (!present) return;
  const text = gunzipSync(readFileSync(join(conformance, "expected.jsonl.gz"))).toString();
  for (const line of text.split("\n")) if (line !== "") expected.push(JSON.parse(line) as Expected);
  const listed = JSON.parse(readFileSync(join(conformance, "queries.json"), "utf8")) as {
    range: typeof range;
    instant: { time: number };
    queries: { id: number; query: string }[];
  };
  range = listed.range;
  time = listed.instant.time;
  for (const { id, query } of listed.queries) queries.set(id, query);
  const [name] = readdirSync(join(conformance, "dataset"));
  block = await Block.open(join(conformance, "dataset", name!));
  server = await startApi(new SourceQuerier(block), [], { nowMs: time * 1000 });
});

after(async () => {
  await server?.stop();
  await block?.close();
});

async function ask(
  path: string,
  params: Record<string, string | number | string[]>,
  post: boolean,
) {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    for (const one of Array.isArray(value) ? value : [value]) form.append(name, String(one));
  }
  const response = post
    ? await fetch(server.url + path, { method: "POST", body: form })
    : await fetch(`${server.url}${path}?${form}`);
  return { status: response.status, body: (await response.json()) as Body };
}

/** Equal but for floats, which may differ in their last digits. */
function close(got: unknown, want: unknown, at: string): void {
  if (typeof want === "string" && typeof got === "string" && got !== want) {
    const a = Number(got);
    const b = Number(want);
    const near = Number.isFinite(a) && Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b));
    assert.ok(near, `${at}: got ${got}, want ${want}`);
    return;
  }
  if (Array.isArray(want) && Array.isArray(got)) {
    assert.equal(got.length, want.length, `${at}: length`);
    for (let i = 0; i < want.length; i++) close(got[i], want[i], `${at}[${i}]`);
    return;
  }
  if (typeof want === "object" && want !== null && typeof got === "object" && got !== null) {
    assert.deepEqual(Object.keys(got).sort(), Object.keys(want).sort(), at);
    for (const [key, value] of Object.entries(want)) {
      close((got as Record<string, unknown>)[key], value, `${at}.${key}`);
    }
    return;
  }
  assert.equal(got, want, at);
}

/** Thanos does not name the parameter in errors, and words two of them its own way. */
function thanosError(text: string): string {
  return text
    .replace(/^invalid parameter "(start|end|time|step|query)": /, "")
    .replace(/^invalid time value for 'time': /, "Invalid time value for 'time': ");
}

/** Instant vectors come in no order but where a query sorts. */
function inOrder(result: unknown, query: string): unknown {
  if (!Array.isArray(result) || /^(sort|topk|bottomk)/.test(query)) return result;
  const key = (row: unknown) => JSON.stringify((row as { metric?: unknown }).metric ?? "");
  return [...(result as unknown[])].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

function check(got: { status: number; body: Body }, want: Expected, at: string): void {
  assert.equal(got.status, want.status, `${at}: ${got.body.error ?? ""}`);
  assert.equal(got.body.errorType, want.body.errorType, at);
  if (want.body.error !== undefined) {
    const named = /format_query|parse_query/.test(want.path ?? "");
    assert.equal(got.body.error, named ? want.body.error : thanosError(want.body.error), at);
    return;
  }
  const data = { ...got.body.data };
  const wanted = { ...want.body.data };
  if (want.body.data?.resultType !== undefined) {
    assert.deepEqual(data.analysis, {}, at);
    delete data.analysis;
    delete data.stats;
    delete wanted.stats;
    if (want.kind === "instant" && wanted.resultType === "vector") {
      const query = queries.get(want.id!) ?? "";
      data.result = inOrder(data.result, query);
      wanted.result = inOrder(wanted.result, query);
    }
    close(data, wanted, at);
  } else close(got.body.data, want.body.data, at);
  const warnings = [...(want.body.warnings ?? []), ...(want.body.infos ?? [])].sort();
  assert.deepEqual([...(got.body.warnings ?? [])].sort(), warnings, at);
}

for (const kind of ["api", "instant", "range"] as const) {
  test(`the API answers the ${kind} cases of the conformance data`, {
    skip: !present,
  }, async () => {
    const failures: string[] = [];
    let count = 0;
    for (const want of expected.filter((e) => e.kind === kind)) {
      const query = want.id === undefined ? "" : queries.get(want.id)!;
      const [path, params] =
        kind === "api"
          ? [want.path!, want.params ?? {}]
          : kind === "instant"
            ? ["/api/v1/query", { query, time }]
            : ["/api/v1/query_range", { query, ...range }];
      const post = count++ % 2 === 1 && !path.startsWith("/api/v1/label/");
      try {
        check(
          await ask(path, params, post),
          want,
          `${want.id ?? path} ${query || JSON.stringify(params)}`,
        );
      } catch (error) {
        failures.push((error as Error).message);
      }
    }
    assert.ok(count > 10);
    assert.deepEqual(failures, []);
  });
}
