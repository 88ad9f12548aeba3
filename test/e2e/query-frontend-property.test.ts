// Any query, through any frontend, cold and warm: byte for byte the answer of the querier.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { conformanceRoot, deucalion, freePort, type Running } from "../support/mod.ts";
import { type RangeParams, rangeParams, rangeQueries } from "../support/promql-samples.ts";
import { Cluster } from "../support/recorded-answers.ts";

const cache = "--query-range.response-cache-config={type: IN-MEMORY, config: {max_size: 64MB}}";

/** Flags of each frontend, and whether it moves ranges to multiples of the step. */
const kinds: readonly { readonly flags: readonly string[]; readonly align: boolean }[] = [
  { flags: ["--query-range.split-interval=10m", cache], align: false },
  {
    flags: [
      "--query-range.split-interval=37m",
      "--query-frontend.vertical-shards=3",
      "--cache-compression-type=snappy",
      cache,
    ],
    align: true,
  },
  {
    flags: [
      "--query-range.split-interval=0s",
      "--query-range.min-split-interval=10m",
      "--query-range.max-split-interval=30m",
      "--query-range.horizontal-shards=4",
      "--query-frontend.vertical-shards=2",
      cache,
    ],
    align: false,
  },
  { flags: ["--query-range.split-interval=0s", "--query-frontend.vertical-shards=4"], align: true },
];

interface Answer {
  readonly status: number;
  /** The body without its warnings. */
  readonly text: string;
  readonly warnings: readonly string[];
}

async function ask(base: string, path: string, params: Record<string, string>): Promise<Answer> {
  const response = await fetch(`${base}${path}`, {
    method: "POST",
    body: new URLSearchParams(params),
    signal: AbortSignal.timeout(60_000),
  });
  const text = await response.text();
  const at = text.lastIndexOf(',"warnings":[');
  const cut = at < 0 ? text : `${text.slice(0, at)}}`;
  const warnings = at < 0 ? [] : (JSON.parse(`{${text.slice(at + 1)}`) as Answer).warnings;
  return { status: response.status, text: cut, warnings: [...warnings].sort() };
}

function askRange(base: string, query: string, range: RangeParams): Promise<Answer> {
  return ask(base, "/api/v1/query_range", {
    query,
    start: String(range.start),
    end: String(range.end),
    step: String(range.step),
  });
}

/**
 * The engine does not read one side of an operator when the other is empty. Which sides are depends on the part and the
 * shard, and so do the infos that reading them would have given; all other warnings are compared.
 */
function told(answer: Answer, query: string): Answer {
  if (!/\) (\+|-|\/|and|or|unless|>|== bool) /.test(query)) return answer;
  return {
    ...answer,
    warnings: answer.warnings.filter((text) => !text.startsWith("PromQL info:")),
  };
}

function aligned({ start, end, step }: RangeParams): RangeParams {
  const ms = Math.trunc(step * 1000);
  const down = (seconds: number) => (Math.floor((seconds * 1000) / ms) * ms) / 1000;
  return { start: down(start), end: down(end), step };
}

async function frontend(querier: string, flags: readonly string[]): Promise<[Running, string]> {
  const port = await freePort();
  const running = deucalion("query-frontend", [
    "query-frontend",
    `--http-address=127.0.0.1:${port}`,
    `--query-frontend.downstream-url=${querier}`,
    ...flags,
  ]);
  const base = `http://127.0.0.1:${port}`;
  await running.ready(`${base}/-/ready`);
  return [running, base];
}

test("range queries through frontends are those of the querier, byte for byte", {
  timeout: 600_000,
}, async (t) => {
  const cluster = await Cluster.start(join(conformanceRoot, "blocks/ha/bucket"));
  const running: Running[] = [];
  t.after(async () => {
    await Promise.all(running.map((one) => one.stop()));
    await cluster.stop();
  });
  const querier = await cluster.querier(["--query.replica-label=replica"]);
  const fronts: { base: string; align: boolean }[] = [];
  for (const { flags, align } of kinds) {
    const alignFlag = align
      ? "--query-range.align-range-with-step"
      : "--no-query-range.align-range-with-step";
    const [one, base] = await frontend(querier, [...flags, alignFlag]);
    running.push(one);
    fronts.push({ base, align });
  }
  const own = await cluster.querier([
    "--query.replica-label=replica",
    "--query.cache-config={type: IN-MEMORY, config: {max_size: 64MB}}",
    "--query.cache-split-interval=13m",
    "--query.cache-compression-type=snappy",
  ]);
  fronts.push({ base: own, align: false });
  let answered = 0;
  let empty = 0;
  const shift = fc.constantFrom(0, 1, 2, 7, -3);
  const times = fc.constantFrom(2, 3, 5);
  await fc.assert(
    fc.asyncProperty(rangeQueries, rangeParams, shift, times, async (query, range, steps, k) => {
      const moved = {
        ...range,
        start: range.start + steps * range.step,
        end: range.end + Math.abs(steps) * range.step,
      };
      // A part of what is in the cache by then, on a coarser grid.
      const start = range.start + Math.max(0, steps) * range.step;
      const coarse = { start, end: range.end, step: k * range.step };
      const wanted = new Map<string, Promise<Answer>>();
      const plain = (asked: RangeParams) => {
        const key = JSON.stringify(asked);
        const known = wanted.get(key) ?? askRange(querier, query, asked);
        wanted.set(key, known);
        return known;
      };
      for (const { base, align } of fronts) {
        for (const asked of [range, range, moved, coarse]) {
          if (asked.end < asked.start) continue;
          const want = await plain(align ? aligned(asked) : asked);
          const got = await askRange(base, query, asked);
          // What fails as a whole may be possible part by part (labels that meet at different times only), and which
          // labels an error names depends on the part that fails first.
          if (want.status === 422 && (got.status === 200 || got.status === 422)) continue;
          assert.deepEqual(
            told(got, query),
            told(want, query),
            `${base} ${query} ${JSON.stringify(asked)}`,
          );
          if (want.status === 200) answered++;
          if (want.text.includes('"result":[]')) empty++;
        }
      }
    }),
    { numRuns: Number(process.env.FRONTEND_RUNS ?? 60) },
  );
  assert.ok(answered - empty > answered / 4, `${answered} answers, ${empty} of them empty`);
  t.diagnostic(`${answered} answers compared, ${empty} of them empty`);
});
