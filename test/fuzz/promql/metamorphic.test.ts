// What must hold without anything to compare with: a range is its instants, its parts, its shards, and its replicas.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type AnswerBody, type CompareOptions, compareAnswers } from "./compare.ts";
import { dataStartMs, makeDataset, writeDataset } from "./dataset.ts";
import { Generator } from "./generator.ts";
import { Random } from "./random.ts";
import { type Server, startOurs } from "./servers.ts";

/** What depends on the range as a whole, or on the order in which a range's series come where values are equal. */
const wholeRange =
  /\b(start|end|range|step)\(\)|\b(topk|bottomk|limitk|sort\w*|quantile|stddev|stdvar)\b/;

const options: CompareOptions = { texts: false, ordered: false, relative: 1e-9, absolute: 1e-9 };
const stepSeconds = 60;
const seed = 7;
const folders: string[] = [];
let single: Server;
let replicated: Server;

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), "deucalion-metamorphic-"));
  folders.push(folder);
  return folder;
}

before(async () => {
  const series = makeDataset(new Random(seed), "3.14");
  const one = temporary();
  await writeDataset(one, series, 1);
  const two = temporary();
  await writeDataset(two, series, 1, { replica: "a" });
  await writeDataset(two, series, 2, { replica: "b" });
  const flags = ["--query.replica-label=replica", "--deduplication.func=fill"];
  [single, replicated] = await Promise.all([startOurs(one), startOurs(two, flags)]);
});

after(async () => {
  await Promise.all([single?.stop(), replicated?.stop()]);
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

interface Range {
  readonly query: string;
  readonly start: number;
  readonly end: number;
}

interface Row {
  readonly metric: Readonly<Record<string, string>>;
  readonly values?: readonly (readonly [number, string])[];
  readonly histograms?: readonly (readonly [number, unknown])[];
}

async function ask(server: Server, path: string, params: Record<string, string>) {
  const response = await fetch(`${server.url}/api/v1/${path}`, {
    method: "POST",
    body: new URLSearchParams(params),
    signal: AbortSignal.timeout(60_000),
  });
  return { status: response.status, body: (await response.json()) as AnswerBody };
}

function askRange(
  server: Server,
  { query, start, end }: Range,
  extra: Record<string, string> = {},
) {
  const params = { query, start: String(start), end: String(end), step: String(stepSeconds) };
  return ask(server, "query_range", { ...params, ...extra });
}

function rowsOf(body: AnswerBody): readonly Row[] {
  return (body.data?.result ?? []) as readonly Row[];
}

function key(row: Row): string {
  return JSON.stringify(Object.entries(row.metric).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Random ranges whose queries do not look at the range as a whole. */
function* ranges(count: number, first: number): Iterable<Range> {
  for (let made = 0, at = first; made < count; at++) {
    const random = new Random(at);
    const query = new Generator(random, "3.14").query(false);
    const start = dataStartMs / 1000 + 60 * random.between(-2, 100) + random.pick([0, 7.77]);
    const end = start + stepSeconds * random.between(1, 12);
    if (wholeRange.test(query)) continue;
    made++;
    yield { query, start, end };
  }
}

/** Matrices put one after the other; a series that is absent from one of them has a gap. */
function joined(parts: readonly AnswerBody[]): AnswerBody {
  const rows = new Map<
    string,
    { metric: Row["metric"]; values: unknown[]; histograms: unknown[] }
  >();
  for (const part of parts) {
    for (const row of rowsOf(part)) {
      let known = rows.get(key(row));
      if (known === undefined) {
        known = { metric: row.metric, values: [], histograms: [] };
        rows.set(key(row), known);
      }
      known.values.push(...(row.values ?? []));
      known.histograms.push(...(row.histograms ?? []));
    }
  }
  const result = [...rows.values()].map(({ metric, values, histograms }) => ({
    metric,
    ...(values.length > 0 ? { values } : {}),
    ...(histograms.length > 0 ? { histograms } : {}),
  }));
  return { status: "success", data: { resultType: "matrix", result } };
}

/** The answer of an instant query as a matrix of one step. */
function asMatrix(body: AnswerBody): AnswerBody {
  const { resultType, result } = body.data!;
  if (resultType === "scalar") {
    return {
      status: "success",
      data: { resultType: "matrix", result: [{ metric: {}, values: [result] }] },
    };
  }
  const rows = (result as { metric: unknown; value?: unknown; histogram?: unknown }[]).map(
    ({ metric, value, histogram }) =>
      value === undefined ? { metric, histograms: [histogram] } : { metric, values: [value] },
  );
  return { status: "success", data: { resultType: "matrix", result: rows } };
}

/** Compares matrices. Both are empty lists of series where nothing was found. */
function check(got: AnswerBody, want: AnswerBody, at: string): string[] {
  const found = compareAnswers({ status: 200, body: got }, { status: 200, body: want }, options);
  return found === null ? [] : [`${at}: ${found}`];
}

test("a range query equals its instants", { timeout: 300_000 }, async () => {
  const failed: string[] = [];
  let full = 0;
  for (const range of ranges(150, 1)) {
    const whole = await askRange(single, range);
    if (whole.status !== 200) continue;
    if (rowsOf(whole.body).length > 0) full++;
    const parts: AnswerBody[] = [];
    for (let time = range.start; time <= range.end + 1e-6; time += stepSeconds) {
      const instant = await ask(single, "query", { query: range.query, time: time.toFixed(3) });
      if (instant.status === 200) parts.push(asMatrix(instant.body));
      else failed.push(`${JSON.stringify(range)} at ${time}: ${instant.body.error}`);
    }
    failed.push(...check(joined(parts), whole.body, JSON.stringify(range)));
  }
  assert.deepEqual(failed, []);
  assert.ok(full > 70, `${full} ranges have series`);
});

test("the parts of a range equal the whole", { timeout: 300_000 }, async () => {
  const failed: string[] = [];
  for (const range of ranges(150, 10_000)) {
    const whole = await askRange(single, range);
    if (whole.status !== 200) continue;
    const steps = Math.round((range.end - range.start) / stepSeconds);
    const middle = range.start + stepSeconds * Math.floor(steps / 2);
    const parts = await Promise.all([
      askRange(single, { ...range, end: middle }),
      askRange(single, { ...range, start: middle + stepSeconds }),
    ]);
    if (middle + stepSeconds > range.end) parts.pop();
    failed.push(...check(joined(parts.map(({ body }) => body)), whole.body, JSON.stringify(range)));
  }
  assert.deepEqual(failed, []);
});

const sharded: readonly (readonly [query: string, by: boolean, labels: readonly string[]])[] = [
  ["sum by (job) (rate(req_total[5m]))", true, ["job"]],
  ["max by (job, instance) (temp)", true, ["job", "instance"]],
  ["count by (code) (req_total)", true, ["code"]],
  ["sum without (code) (increase(req_total[10m]))", false, ["code"]],
  ["histogram_quantile(0.9, sum by (job, le) (rate(lat_bucket[5m])))", false, ["le"]],
  ["sum by (job) (rate(nh[5m]))", true, ["job"]],
  ["rate(req_total[5m]) / on (job, instance) group_left () temp", true, ["job", "instance"]],
  ["req_total", false, []],
];

test("shards are disjoint and together equal the whole", { timeout: 120_000 }, async () => {
  const failed: string[] = [];
  const start = dataStartMs / 1000 + 1800;
  for (const [query, by, labels] of sharded) {
    const range = { query, start, end: start + 1800 };
    const whole = await askRange(single, range);
    assert.ok(rowsOf(whole.body).length > 0, query);
    for (const total of [2, 3, 16]) {
      const parts: AnswerBody[] = [];
      for (let index = 0; index < total; index++) {
        const shard = { shard_index: index, total_shards: total, by, labels };
        const part = await askRange(single, range, { shard_info: JSON.stringify(shard) });
        assert.equal(part.status, 200, part.body.error);
        parts.push(part.body);
      }
      const rows = parts.flatMap(rowsOf).map(key);
      if (new Set(rows).size !== rows.length) failed.push(`${query} of ${total}: shards overlap`);
      failed.push(...check(joined(parts), whole.body, `${query} of ${total}`));
    }
  }
  assert.deepEqual(failed, []);
});

test("equal replicas are filled to what one of them has", { timeout: 300_000 }, async () => {
  const failed: string[] = [];
  let full = 0;
  for (const range of ranges(200, 20_000)) {
    const [one, two] = await Promise.all([askRange(single, range), askRange(replicated, range)]);
    if (rowsOf(one.body).length > 0) full++;
    const found = compareAnswers(two, one, options);
    if (found !== null) failed.push(`${JSON.stringify(range)}: ${found}`);
  }
  assert.deepEqual(failed, []);
  assert.ok(full > 100, `${full} ranges have series`);
});
