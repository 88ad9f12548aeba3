// Recorded answers of Prometheus 3.14, asked of our whole chain: blocks in a bucket, store, gRPC, querier, HTTP.
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { type AnswerBody, compareAnswers } from "../fuzz/promql/compare.ts";
import { type Server, startOurs } from "../fuzz/promql/servers.ts";
import { conformanceRoot } from "../support/mod.ts";

interface Recorded {
  readonly path: string;
  readonly params: Readonly<Record<string, string | number | readonly string[]>>;
  readonly status: number;
  readonly body: AnswerBody;
}

interface Listed {
  readonly range: { readonly start: number; readonly end: number; readonly step: number };
  readonly instant: { readonly time: number };
  readonly queries: readonly { readonly id: number; readonly query: string }[];
}

function lines(file: string): unknown[] {
  const text = gunzipSync(readFileSync(file)).toString();
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as unknown);
}

/** The cases of `promql-queries`, as requests. */
function complianceCases(folder: string): Recorded[] {
  const listed = JSON.parse(readFileSync(join(folder, "queries.json"), "utf8")) as Listed;
  const queries = new Map(listed.queries.map(({ id, query }) => [id, query]));
  const cases: Recorded[] = [];
  for (const line of lines(join(folder, "expected.jsonl.gz"))) {
    const recorded = line as Recorded & { kind: string; id: number };
    const { kind, id, status, body } = recorded;
    const query = queries.get(id)!;
    if (kind === "range") {
      cases.push({ path: "/api/v1/query_range", params: { query, ...listed.range }, status, body });
    } else if (kind === "instant") {
      cases.push({ path: "/api/v1/query", params: { query, ...listed.instant }, status, body });
    } else cases.push({ ...recorded, params: recorded.params ?? {} });
  }
  return cases;
}

/** Thanos leaves out which parameter was wrong, and words one error its own way; so do we. */
function worded(path: string, body: AnswerBody): AnswerBody {
  if (body.error === undefined || /format_query|parse_query/.test(path)) return body;
  const error = body.error
    .replace(/^invalid parameter "(start|end|time|step|query)": /, "")
    .replace(/^invalid time value for 'time': /, "Invalid time value for 'time': ");
  return { ...body, error };
}

async function ask(url: string, { path, params }: Recorded) {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    for (const text of Array.isArray(value) ? value : [value]) form.append(name, String(text));
  }
  const response = await fetch(`${url}${path}?${form}`, { signal: AbortSignal.timeout(60_000) });
  return { status: response.status, body: (await response.json()) as AnswerBody };
}

/** Asks all of them and returns what differs. */
async function differences(blocks: readonly string[], cases: readonly Recorded[]) {
  const bucket = mkdtempSync(join(tmpdir(), "deucalion-recorded-"));
  const failed: string[] = [];
  let server: Server | null = null;
  try {
    for (const block of blocks) {
      for (const name of readdirSync(block)) {
        if (!/^[0-9A-Z]{26}$/.test(name)) continue;
        cpSync(join(block, name), join(bucket, name), { recursive: true });
      }
    }
    server = await startOurs(bucket);
    for (const one of cases) {
      const got = await ask(server.url, one);
      const difference = compareAnswers(
        { status: got.status, body: worded(one.path, got.body) },
        { status: one.status, body: worded(one.path, one.body) },
        {
          texts: true,
          ordered: /^(sort|topk|bottomk)/.test(String(one.params.query)),
          relative: 1e-9,
          absolute: 0,
        },
      );
      if (difference !== null)
        failed.push(`${one.path} ${JSON.stringify(one.params)}: ${difference}`);
    }
  } finally {
    await server?.stop();
    rmSync(bucket, { recursive: true, force: true });
  }
  return failed;
}

const skip = !existsSync(conformanceRoot);

test("the compliance queries have their recorded answers", { skip, timeout: 300_000 }, async () => {
  const folder = join(conformanceRoot, "promql-queries");
  const cases = complianceCases(folder);
  assert.ok(cases.length > 100);
  assert.deepEqual(await differences([join(folder, "dataset")], cases), []);
});

test("queries over blocks of odd values and histograms have their recorded answers", {
  skip,
  timeout: 300_000,
}, async () => {
  const cases = lines(join(conformanceRoot, "block-queries/expected.jsonl.gz")) as Recorded[];
  assert.ok(cases.length > 100);
  const blocks = ["floats", "hist"].map((name) => join(conformanceRoot, "blocks", name));
  assert.deepEqual(await differences(blocks, cases), []);
});
