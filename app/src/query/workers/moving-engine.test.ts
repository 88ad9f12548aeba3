// Queries that move to a thread answer as those that stay, keep to the limits, and leave the main thread free.
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { silentLog } from "@deucalion/base";
import {
  Labels,
  SampleColumns,
  type SeriesBatch,
  type SeriesRequest,
  type SeriesSource,
  type SourceContext,
} from "@deucalion/model";
import { Engine, PromqlError, type QueryOptions, type QueryResult } from "@deucalion/promql";
import { type DedupOptions, DedupSource } from "@deucalion/storeapi";
import { Block, decodeChunkInto, encodeSamples, writeBlock } from "@deucalion/tsdb";
import fc from "fast-check";
import { RequestSource } from "../request-source.ts";
import { MovingEngine } from "./moving-engine.ts";
import type { TapLimits } from "./tapped-source.ts";
import { WorkerPool } from "./worker-pool.ts";

const conformance = fileURLToPath(
  new URL("../../../../../../shared/conformance/promql-queries/", import.meta.url),
);
const experimental = {
  experimentalFunctions: true,
  durationExpressions: true,
  extendedRangeSelectors: true,
  binopFillModifiers: true,
  xFunctions: false,
};
const plain = new Engine({ parse: experimental });
const pool = new WorkerPool(2, { engine: plain.options }, silentLog);
const folder = mkdtempSync(join(tmpdir(), "deucalion-threads-"));
let dataset: Block;
let many: Block;

interface Listed {
  readonly range: { readonly start: number; readonly end: number; readonly step: number };
  readonly instant: { readonly time: number };
  readonly queries: readonly { readonly query: string }[];
}

const listed = JSON.parse(readFileSync(join(conformance, "queries.json"), "utf8")) as Listed;
const seriesCount = 4000;
const t0 = 1_704_153_600_000;

function* manySeries() {
  for (let i = 0; i < seriesCount; i++) {
    const samples = new SampleColumns(240);
    for (let k = 0; k < 240; k++)
      samples.pushFloat(t0 + k * 15_000 + (i % 997), (k * (i % 13)) % 50);
    const labels = Labels.from({
      __name__: "m",
      id: String(i >> 1).padStart(6, "0"),
      replica: i % 2 === 0 ? "a" : "b",
    });
    yield { labels, chunks: encodeSamples(samples, 0, 240) };
  }
}

before(async () => {
  const [name] = readdirSync(join(conformance, "dataset"));
  dataset = await Block.open(join(conformance, "dataset", name!));
  const ulid = "01HK0000000000000000000078";
  await writeBlock(folder, { ulid, minTime: t0, maxTime: t0 + 3_600_000 }, manySeries());
  many = await Block.open(join(folder, ulid));
});

after(async () => {
  await pool.close();
  await dataset.close();
  await many.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A source as the API makes it; `replicas` merges them. */
function sourceOf(
  block: SeriesSource,
  func: DedupOptions["func"] = "none",
  count = (_: number) => {},
) {
  const dedup = { func, replicaLabels: ["replica"], maxResolutionMs: 0 };
  const rules = { partialResponse: true, shard: null, tenant: "t", maxResolutionMs: 0 };
  const inner = new DedupSource(block, dedup, { decode: decodeChunkInto });
  return new RequestSource(inner, rules, count, null);
}

function moving(limits: TapLimits): MovingEngine {
  return new MovingEngine(plain, pool, limits);
}

const atOnce = { bytes: 0, series: 0 };

async function outcome(work: Promise<QueryResult>): Promise<unknown> {
  try {
    const { value, warnings, infos, stats } = await work;
    // How much two sides of an operator hold at once is a matter of which one is quicker.
    const { samplesTotal, samplesRead, seriesRead } = stats;
    return { value, warnings, infos, stats: { samplesTotal, samplesRead, seriesRead } };
  } catch (error) {
    assert.ok(error instanceof PromqlError, String(error));
    return { code: error.code, message: error.message };
  }
}

test("every recorded query gives the same result in a thread", async () => {
  const { range, instant, queries } = listed;
  const [start, end, step] = [range.start, range.end, range.step].map((s) => s * 1000);
  assert.ok(queries.length > 300);
  let values = 0;
  await Promise.all(
    [0, 1, 2, 3].map(async (part) => {
      for (let i = part; i < queries.length; i += 4) {
        const { query } = queries[i]!;
        const source = sourceOf(dataset);
        const engine = moving(i % 3 === 0 ? { bytes: 5000, series: 20 } : atOnce);
        const here = await outcome(plain.range(query, source, start!, end!, step!));
        const there = await outcome(engine.range(query, source, start!, end!, step!));
        assert.deepEqual(there, here, query);
        const time = instant.time * 1000;
        const now = await outcome(plain.instant(query, source, time));
        assert.deepEqual(await outcome(engine.instant(query, source, time)), now, query);
        if (typeof now === "object" && "value" in now!) values++;
      }
    }),
  );
  assert.ok(values > 200, `${values} values`);
});

test("wherever a query moves, replicas are merged as they are here", async () => {
  const queries = [
    "sum(rate(m[2m]))",
    "topk(3, m)",
    "count by (replica) (m)",
    "max_over_time(m[5m]) - on (id) group_left min_over_time(m[3m] offset 1m)",
    "quantile(0.9, m) or absent(nothing)",
    "limitk(7, m)",
    "m{id=~'0000.*'}",
    "max_over_time(sum(m)[10m:1m])",
  ];
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...queries),
      fc.constantFrom("none" as const, "fill" as const, "penalty" as const, "chain" as const),
      fc.integer({ min: 0, max: 400_000 }),
      fc.integer({ min: 0, max: 3000 }),
      async (query, func, bytes, series) => {
        const counts = [0, 0];
        const times = [t0 + 600_000, t0 + 3_000_000, 120_000] as const;
        const here = await outcome(
          plain.range(
            query,
            sourceOf(many, func, (n) => (counts[0]! += n)),
            ...times,
          ),
        );
        const there = await outcome(
          moving({ bytes, series }).range(
            query,
            sourceOf(many, func, (n) => (counts[1]! += n)),
            ...times,
          ),
        );
        assert.deepEqual(there, here);
        assert.equal(counts[1], counts[0], "series counted once");
      },
    ),
    { numRuns: 40, includeErrorInReport: true },
  );
});

/** The first batches of a source, then something else. */
class Unwell implements Pick<SeriesSource, "series"> {
  readonly #batches: number;
  readonly #then: (context: SourceContext) => Promise<void>;

  constructor(batches: number, then: (context: SourceContext) => Promise<void>) {
    this.#batches = batches;
    this.#then = then;
  }

  async *series(request: SeriesRequest, context: SourceContext): AsyncGenerator<SeriesBatch> {
    let left = this.#batches;
    for await (const batch of many.series(request, context)) {
      if (left-- === 0) await this.#then(context);
      yield batch;
    }
  }
}

function unwell(batches: number, then: (context: SourceContext) => Promise<void>): SeriesSource {
  const source = new Unwell(batches, then);
  return Object.assign(Object.create(many) as SeriesSource, {
    series: source.series.bind(source),
    info: () => many.info(),
  });
}

test("warnings and failures of a source arrive, before and after the move", async () => {
  for (const batches of [0, 1, 3]) {
    const warned = unwell(batches, async ({ warn }) => warn("store x is gone"));
    const result = await moving({ bytes: 0, series: 100 }).instant(
      "count(m)",
      sourceOf(warned),
      t0 + 600_000,
    );
    assert.deepEqual(result.warnings, ["store x is gone"]);
    const failing = unwell(batches, async () => {
      throw new Error("store y is gone");
    });
    await assert.rejects(
      moving({ bytes: 0, series: 100 }).instant("count(m)", sourceOf(failing), t0 + 600_000),
      { code: "PROMQL_STORAGE", message: "expanding series: store y is gone" },
    );
  }
});

test("limits hold in a thread: samples, bytes of the query, bytes of the process, time", async () => {
  const range = (engine: MovingEngine, query: string, options: QueryOptions) =>
    engine.range(query, sourceOf(many), t0 + 600_000, t0 + 3_400_000, 1000, options);
  const taken = { now: 0, most: 0 };
  const byteBudget = {
    maxBytes: 8 << 20,
    take: (bytes: number) => {
      if (bytes > 0 && taken.now + bytes > byteBudget.maxBytes) return false;
      taken.now += bytes;
      taken.most = Math.max(taken.most, taken.now);
      return true;
    },
  };
  await assert.rejects(range(moving(atOnce), "m", { byteBudget }), (error: PromqlError) => {
    assert.equal(error.code, "PROMQL_LIMIT");
    assert.match(error.message, /exceeds the limit of 8388608 bytes of all queries/);
    return true;
  });
  assert.equal(taken.now, 0, "all is given back");
  assert.ok(taken.most > 1 << 20);
  const small = new Engine({ parse: experimental, maxSamples: 5000, maxBytesPerQuery: 4 << 20 });
  const own = new WorkerPool(1, { engine: small.options }, silentLog);
  const limited = new MovingEngine(small, own, { bytes: 1 << 30, series: 64 });
  await assert.rejects(limited.instant("m[1h]", sourceOf(many), t0 + 3_600_000), {
    code: "PROMQL_LIMIT",
    message: "query processing would load too many samples into memory in query execution",
  });
  await own.close();
  const begun = performance.now();
  await assert.rejects(
    range(moving(atOnce), "quantile_over_time(0.5, m[30m])", { timeoutMs: 300 }),
    { code: "PROMQL_TIMEOUT" },
  );
  assert.ok(performance.now() - begun < 2000);
});

test("a query in a thread ends when its caller goes, and the main thread is free meanwhile", async () => {
  const gone = new AbortController();
  let longest = 0;
  let last = performance.now();
  const beat = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }, 5);
  const work = moving(atOnce).range(
    "quantile_over_time(0.5, m[30m])",
    sourceOf(many),
    t0 + 600_000,
    t0 + 3_400_000,
    1000,
    { signal: gone.signal },
  );
  await new Promise((resolve) => setTimeout(resolve, 600));
  longest = 0;
  await new Promise((resolve) => setTimeout(resolve, 600));
  clearInterval(beat);
  const begun = performance.now();
  gone.abort(new PromqlError("PROMQL_CANCELED", "query was canceled by a user"));
  await assert.rejects(work, { code: "PROMQL_CANCELED", message: "query was canceled by a user" });
  const ms = performance.now() - begun;
  assert.ok(ms < 1000, `ended after ${ms} ms`);
  assert.ok(longest < 300, `the main thread was held for ${longest} ms`);
});

test("a query in a thread that runs out of time does not wait for a store that says nothing", async () => {
  for (const batches of [1, 3]) {
    const silent = unwell(batches, ({ signal }) => {
      return new Promise((_, reject) => {
        if (signal.aborted) return reject(signal.reason as Error);
        signal.addEventListener("abort", () => reject(signal.reason as Error));
      });
    });
    const begun = performance.now();
    const work = moving({ bytes: 0, series: 100 }).range(
      "sum(m) + count(m offset 1m)",
      sourceOf(silent),
      t0 + 600_000,
      t0 + 3_000_000,
      60_000,
      { timeoutMs: 300 },
    );
    const late = new Promise((_, reject) => {
      setTimeout(() => reject(new Error("no answer")), 4000).unref();
    });
    await assert.rejects(Promise.race([work, late]), { code: "PROMQL_TIMEOUT" });
    assert.ok(performance.now() - begun < 3000);
  }
});

test("the end of a thread fails its queries, gives their bytes back, and the next query gets another", async () => {
  const own = new WorkerPool(1, { engine: plain.options }, silentLog);
  const engine = new MovingEngine(plain, own, atOnce);
  let taken = 0;
  const byteBudget = {
    maxBytes: 1 << 30,
    take: (bytes: number) => {
      taken += bytes;
      return true;
    },
  };
  const queries = ["quantile_over_time(0.5, m[30m])", "m", "sum(m)"].map((query) =>
    engine.range(query, sourceOf(many), t0 + 600_000, t0 + 3_400_000, 1000, { byteBudget }),
  );
  const ended = Promise.allSettled(queries);
  await new Promise((resolve) => setTimeout(resolve, 400));
  await own.close();
  const [longest] = await ended;
  assert.equal(longest!.status, "rejected");
  for (const one of await ended) {
    if (one.status === "rejected") assert.equal(one.reason.code, "PROMQL_EXECUTION");
  }
  assert.equal(taken, 0, "all is given back");
  const { value } = await engine.instant("count(m)", sourceOf(many), t0 + 600_000);
  assert.equal(value.type === "vector" && value.samples[0]!.value, seriesCount);
  await own.close();
});

test("sources of decoded samples stay where they are", async () => {
  const direct = new RequestSource(
    many,
    { partialResponse: true, shard: null, tenant: "t", maxResolutionMs: 0 },
    () => undefined,
    null,
  );
  const result = await moving(atOnce).instant("count(m)", direct, t0 + 600_000);
  assert.equal(result.value.type === "vector" && result.value.samples[0]!.value, seriesCount);
});
