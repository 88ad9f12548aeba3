// The fan-out over stores in memory: merging, pruning, missing and slow stores.
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadXxhash64 } from "@deucalion/kernels";
import {
  ChunkColumns,
  compareLabels,
  decodeLabels,
  EncodedBatch,
  encodeLabels,
  Labels,
  Matcher,
  type SeriesBatch,
  type SeriesRequest,
  type SeriesSource,
  type SourceContext,
} from "@deucalion/model";
import { int64Max, int64Min } from "../messages/info-messages.ts";
import { Fanout, type FanoutOptions } from "./fanout.ts";
import type { StoreEndpoint, StoreReport } from "./store-endpoint.ts";

type Chunk = readonly [minTime: number, maxTime: number, text: string];
type Series = readonly [labels: Record<string, string>, chunks: readonly Chunk[]];

const hash = await loadXxhash64();
const bytes = (text: string) => new TextEncoder().encode(text);

function batchOf(series: readonly Series[]): SeriesBatch {
  const columns = new ChunkColumns();
  for (const [labels, chunks] of series) {
    const encoded = encodeLabels(Labels.from(labels));
    columns.addSeries(columns.addBuffer(encoded.data), encoded.start, encoded.end);
    for (const [min, max, text] of chunks) {
      columns.addChunk(min, max, 1, 0, columns.addBuffer(bytes(text)), 0, text.length);
    }
  }
  return new EncodedBatch(columns, () => undefined);
}

interface Given {
  readonly series?: readonly Series[];
  readonly labelSets?: readonly Labels[];
  readonly minTime?: number;
  readonly maxTime?: number;
  readonly batch?: number;
  readonly delayMs?: number;
  readonly hang?: boolean;
  readonly fail?: string;
  readonly endpoint?: Partial<StoreEndpoint>;
  readonly seen?: SeriesRequest[];
}

function store(address: string, given: Given): StoreEndpoint {
  const sorted = [...(given.series ?? [])].sort((a, b) =>
    compareLabels(Labels.from(a[0]), Labels.from(b[0])),
  );
  const source: SeriesSource = {
    async *series(request, context) {
      given.seen?.push(request);
      const size = given.batch ?? 3;
      for (let i = 0; i < sorted.length; i += size) {
        if (given.delayMs !== undefined) await new Promise((r) => setTimeout(r, given.delayMs));
        yield batchOf(sorted.slice(i, i + size));
      }
      if (given.fail !== undefined) throw new Error(given.fail);
      if (given.hang === true) {
        await new Promise((_, reject) => {
          const timer = setTimeout(() => undefined, 60_000);
          context.signal.addEventListener("abort", () => {
            clearTimeout(timer);
            reject(context.signal.reason as Error);
          });
        });
      }
    },
    labelNames: async () => {
      if (given.fail !== undefined) throw new Error(given.fail);
      return [...new Set(sorted.flatMap(([labels]) => Object.keys(labels)))];
    },
    labelValues: async (name) => [...new Set(sorted.flatMap(([labels]) => labels[name] ?? []))],
    info: () => ({
      labelSets: given.labelSets ?? [],
      minTime: given.minTime ?? int64Min,
      maxTime: given.maxTime ?? int64Max,
    }),
  };
  return {
    address,
    kind: "store",
    local: false,
    source,
    supportsSharding: true,
    supportsWithoutReplicaLabels: true,
    unreachable: null,
    ...given.endpoint,
  };
}

function context(warnings: string[], signal = new AbortController().signal): SourceContext {
  return { signal, warn: (text) => warnings.push(text) };
}

const everything: SeriesRequest = {
  minTime: 0,
  maxTime: 1000,
  matchers: [new Matcher("=~", "__name__", ".+")],
};

async function collect(batches: AsyncIterable<SeriesBatch>): Promise<[string, string[]][]> {
  const out: [string, string[]][] = [];
  for await (const batch of batches) {
    const c = batch.chunks!;
    for (let i = 0; i < batch.seriesCount; i++) {
      const chunks: string[] = [];
      for (let k = c.first[i]!; k < c.first[i + 1]!; k++) {
        const at = c.offset[k]!;
        const text = new TextDecoder().decode(
          c.buffers[c.buffer[k]!]!.subarray(at, at + c.length[k]!),
        );
        chunks.push(`${c.minTime[k]}-${c.maxTime[k]}:${text}`);
      }
      out.push([decodeLabels(batch.labels(i)).toString(), chunks]);
    }
  }
  return out;
}

function fanout(stores: readonly StoreEndpoint[], options: Partial<FanoutOptions> = {}): Fanout {
  return new Fanout(options, { stores: () => stores, decode: () => undefined, hash });
}

test("series of all stores come once, in order, with each chunk once", async () => {
  const a = store("a", {
    series: [
      [
        { __name__: "x", i: "1" },
        [
          [0, 9, "p"],
          [10, 19, "q"],
        ],
      ],
      [{ __name__: "x", i: "3" }, [[0, 9, "z"]]],
    ],
  });
  const b = store("b", {
    batch: 1,
    series: [
      [
        { __name__: "x", i: "1" },
        [
          [10, 19, "q"],
          [5, 12, "r"],
        ],
      ],
      [{ __name__: "x", i: "2" }, [[0, 9, "s"]]],
      [{ __name__: "w" }, []],
    ],
  });
  const warnings: string[] = [];
  for (const strategy of ["eager", "lazy"] as const) {
    const got = await collect(
      fanout([a, b], { strategy, bufferBatchesMax: 1 }).series(everything, context(warnings)),
    );
    assert.deepEqual(got, [
      ['{__name__="w"}', []],
      ['{__name__="x", i="1"}', ["0-9:p", "5-12:r", "10-19:q"]],
      ['{__name__="x", i="2"}', ["0-9:s"]],
      ['{__name__="x", i="3"}', ["0-9:z"]],
    ]);
  }
  assert.deepEqual(warnings, []);
});

test("random series over random stores merge as a sorted union does", async () => {
  let seed = 7;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return (seed >>> 8) % below;
  };
  for (let round = 0; round < 50; round++) {
    const stores = Array.from({ length: 1 + random(6) }, (_, s) => {
      const series = new Map<string, Series>();
      for (let i = random(40); i > 0; i--) {
        const labels = { __name__: `m${random(5)}`, a: `${random(10)}`, b: "x".repeat(random(3)) };
        const from = random(10) * 10;
        const chunk: Chunk = [from, from + 9, `c${from}`];
        series.set(Labels.from(labels).key, [labels, [chunk]]);
      }
      return store(`s${s}`, { series: [...series.values()], batch: 1 + random(4) });
    });
    const union = new Map<string, Set<string>>();
    for (const one of stores) {
      for (const [key, chunks] of await collect(one.source.series(everything, context([])))) {
        const known = union.get(key) ?? new Set();
        for (const chunk of chunks) known.add(chunk);
        union.set(key, known);
      }
    }
    const got = await collect(fanout(stores, { batchSeries: 7 }).series(everything, context([])));
    assert.equal(got.length, union.size);
    for (const [key, chunks] of got) assert.deepEqual(new Set(chunks), union.get(key));
  }
});

test("stores that cannot have anything are not asked, and the reason is told", async () => {
  const reports: StoreReport[] = [];
  const eu = store("eu:1", {
    labelSets: [Labels.from({ cluster: "eu" })],
    series: [[{ __name__: "x" }, []]],
  });
  const us = store("us:1", { labelSets: [Labels.from({ cluster: "us" })] });
  const old = store("old:1", { minTime: -100, maxTime: -1 });
  const request = {
    ...everything,
    matchers: [...everything.matchers, new Matcher("=", "cluster", "eu")],
  };
  const view = fanout([eu, us, old]).view({ onStore: (report) => reports.push(report) });
  assert.equal((await collect(view.series(request, context([])))).length, 1);
  assert.deepEqual(
    reports.map(({ address, skipped, series }) => [address, skipped, series]),
    [
      ["us:1", "external labels does not match request label matchers", 0],
      ["old:1", "does not have data within this time period", 0],
      ["eu:1", null, 1],
    ],
  );
  const chosen = fanout([eu, us]).view({
    storeMatch: [[new Matcher("=~", "__address__", "us.*")]],
  });
  assert.equal((await collect(chosen.series(everything, context([])))).length, 0);
});

test("a failing store becomes a warning, or an error where partial answers are unwanted", async () => {
  const good = store("good:1", { series: [[{ __name__: "x" }, [[0, 1, "a"]]]] });
  const bad = store("bad:1", {
    series: [[{ __name__: "y" }, [[0, 1, "b"]]]],
    fail: "disk on fire",
  });
  const warnings: string[] = [];
  const got = await collect(fanout([good, bad]).series(everything, context(warnings)));
  assert.equal(got.length, 2);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /^receive series from Addr: bad:1 .*: disk on fire$/);
  await assert.rejects(
    collect(fanout([good, bad]).series({ ...everything, partialResponse: "abort" }, context([]))),
    { code: "STOREAPI_ABORTED" },
  );
});

test("a hung store is given up after the frame timeout or at the deadline, and named", async () => {
  const good = store("good:1", { series: [[{ __name__: "x" }, [[0, 1, "a"]]]] });
  const hung = store("hung:1", { hang: true, labelSets: [Labels.from({ cluster: "eu" })] });
  for (const [options, query] of [
    [{ storeTimeoutMs: 50 }, {}],
    [{}, { deadline: Date.now() + 150 }],
  ] as const) {
    const warnings: string[] = [];
    const started = performance.now();
    const got = await collect(
      fanout([good, hung], options).view(query).series(everything, context(warnings)),
    );
    assert.ok(performance.now() - started < 1000);
    assert.equal(got.length, 1);
    assert.match(
      warnings.join(),
      /failed to receive any data in \d+ms from Addr: hung:1 LabelSets: \{cluster="eu"\}/,
    );
  }
});

test("with stores configured and none reachable the answer names them", async () => {
  const down = ["a:1", "b:1"].map((address) =>
    store(address, {
      endpoint: { unreachable: "connection refused" },
      labelSets: [Labels.from({ r: address })],
    }),
  );
  const warnings: string[] = [];
  assert.deepEqual(await collect(fanout(down).series(everything, context(warnings))), []);
  assert.equal(
    warnings.join(),
    'no StoreAPI is reachable: a:1 {r="a:1"} (connection refused); b:1 {r="b:1"} (connection refused)',
  );
  assert.deepEqual(await fanout(down).labelNames(everything, context(warnings)), []);
  assert.equal(warnings.length, 2);
  await assert.rejects(
    collect(fanout(down).series({ ...everything, partialResponse: "abort" }, context([]))),
    { code: "STOREAPI_ABORTED" },
  );
  await assert.rejects(
    collect(fanout([]).series({ ...everything, partialResponse: "abort" }, context([]))),
    { message: "No StoreAPIs available" },
  );
});

test("a store that is not there is named where partial answers are unwanted, unless a replica of it was asked", async () => {
  const down = { unreachable: "connection refused" };
  const set = (cluster: string, replica: string): Labels[] => [Labels.from({ cluster, replica })];
  const a0 = store("a0:1", { endpoint: down, labelSets: set("a", "0") });
  const a1 = store("a1:1", { labelSets: set("a", "1") });
  const missing = 'store is not reachable: a0:1 {cluster="a", replica="0"} (connection refused)';
  const ask = async (
    stores: readonly StoreEndpoint[],
    replicaLabels: readonly string[],
    more: Partial<SeriesRequest> = {},
    replicasOfAll: readonly string[] = [],
  ): Promise<string[]> => {
    const warnings: string[] = [];
    const request: SeriesRequest = { ...everything, partialResponse: "abort", ...more };
    const source = fanout(stores, { replicaLabels: replicasOfAll }).view({ replicaLabels });
    await collect(source.series(request, context(warnings)));
    return warnings;
  };
  const onlyOfZero = { matchers: [new Matcher("=~", "replica", "0|2")] };
  const late = store("late:1", { labelSets: set("a", "1"), minTime: 500 });
  const other = store("b0:1", { labelSets: set("b", "0") });
  const never = store("never:1", { endpoint: down });
  const got = {
    noReplicaLabels: await ask([a0, a1], []),
    replica: await ask([a0, a1], ["replica"]),
    partialWanted: await ask([a0, a1], ["replica"], { partialResponse: "warn" }),
    otherCluster: await ask([a0, other], ["replica"]),
    replicaBeginsLater: await ask([a0, late], ["replica"]),
    replicaNotAsked: await ask(
      [a0, a1, store("c2:1", { labelSets: set("c", "2") })],
      ["replica"],
      onlyOfZero,
    ),
    neverSeen: await ask([never, a1], ["replica"]),
    ofTheQueryNotOfAll: await ask([a0, a1], [], {}, ["replica"]),
  };
  assert.deepEqual(got, {
    noReplicaLabels: [missing],
    replica: [],
    partialWanted: [missing],
    otherCluster: [missing],
    replicaBeginsLater: [missing],
    replicaNotAsked: [missing],
    neverSeen: ["store is not reachable: never:1 (connection refused)"],
    ofTheQueryNotOfAll: [missing],
  });
  const warnings: string[] = [];
  const plain = fanout([a0, a1], { replicaLabels: ["replica"] });
  await collect(plain.series({ ...everything, partialResponse: "abort" }, context(warnings)));
  assert.deepEqual(warnings, []);
});

test("stores that cannot leave replica labels out are stripped and sorted here", async () => {
  const seen: SeriesRequest[] = [];
  const old = store("old:1", {
    seen,
    endpoint: { supportsWithoutReplicaLabels: false },
    series: [
      [{ __name__: "x", a: "1", z: "2" }, [[0, 9, "p"]]],
      [{ __name__: "x", a: "2", z: "1" }, [[0, 9, "q"]]],
      [{ __name__: "x", a: "2", z: "2" }, [[10, 19, "r"]]],
    ],
  });
  const request = { ...everything, withoutReplicaLabels: ["a"] };
  assert.deepEqual(await collect(fanout([old]).series(request, context([]))), [
    ['{__name__="x", z="1"}', ["0-9:q"]],
    ['{__name__="x", z="2"}', ["0-9:p", "10-19:r"]],
  ]);
  assert.deepEqual(seen[0]!.withoutReplicaLabels, []);
});

test("a store whose series are put in order here is not slow while it sends, and a failure keeps what came", async () => {
  const series: Series[] = Array.from({ length: 9 }, (_, i) => [
    { __name__: "x", a: `${i}`, z: `${9 - i}` },
    [],
  ]);
  const endpoint = { supportsWithoutReplicaLabels: false };
  const slow = store("slow:1", { series, batch: 1, delayMs: 30, endpoint });
  const request = { ...everything, withoutReplicaLabels: ["a"] };
  const warnings: string[] = [];
  const options = { storeTimeoutMs: 150 };
  assert.equal(
    (await collect(fanout([slow], options).series(request, context(warnings)))).length,
    9,
  );
  assert.deepEqual(warnings, []);
  const broken = store("broken:1", { series, fail: "gone", endpoint });
  assert.equal(
    (await collect(fanout([broken], options).series(request, context(warnings)))).length,
    9,
  );
  assert.match(warnings.join(), /: gone$/);
});

test("shards of stores that cannot shard are a partition of the series", async () => {
  const series: Series[] = Array.from({ length: 100 }, (_, i) => [
    { __name__: "x", i: `${i}` },
    [],
  ]);
  const one = store("one:1", { series, endpoint: { supportsSharding: false } });
  const seen = new Set<string>();
  let count = 0;
  for (let index = 0; index < 3; index++) {
    const shard = { index, total: 3, by: true, labels: ["i"] };
    for (const [key] of await collect(
      fanout([one]).series({ ...everything, shard }, context([])),
    )) {
      seen.add(key);
      count++;
    }
  }
  assert.equal(count, 100);
  assert.equal(seen.size, 100);
});

test("limit, selector labels and matchers for them", async () => {
  const one = store("one:1", {
    series: Array.from({ length: 10 }, (_, i) => [{ __name__: "x", i: `${i}` }, []]),
  });
  const limited = await collect(fanout([one]).series({ ...everything, limit: 4 }, context([])));
  assert.equal(limited.length, 4);
  const selector = { selectorLabels: Labels.from({ region: "eu" }) };
  const other = {
    ...everything,
    matchers: [new Matcher("=", "region", "us"), ...everything.matchers],
  };
  assert.equal((await collect(fanout([one], selector).series(other, context([])))).length, 0);
  await assert.rejects(
    collect(
      fanout([one], selector).series(
        { ...everything, matchers: [new Matcher("=", "region", "eu")] },
        context([]),
      ),
    ),
    { message: "no matchers specified (excluding selector labels)" },
  );
});

test("label names and values are merged, sorted and limited; failures are named", async () => {
  const a = store("a:1", { series: [[{ __name__: "x", b: "2", é: "1" }, []]] });
  const b = store("b:1", { series: [[{ __name__: "x", b: "1", a: "9" }, []]] });
  const bad = store("bad:1", { fail: "no" });
  const warnings: string[] = [];
  const all = fanout([a, b, bad]);
  assert.deepEqual(await all.labelNames({ ...everything, limit: 3 }, context(warnings)), [
    "__name__",
    "a",
    "b",
  ]);
  assert.match(warnings.join(), /^fetch label names from store Addr: bad:1 .*: no$/);
  assert.deepEqual(await all.labelValues("b", everything, context([])), ["1", "2"]);
  await assert.rejects(all.labelNames({ ...everything, partialResponse: "abort" }, context([])), {
    code: "STOREAPI_ABORTED",
  });
});

test("aborting the query stops every stream and throws its reason", async () => {
  const aborter = new AbortController();
  const hung = store("hung:1", { hang: true });
  setTimeout(() => aborter.abort(new Error("user left")), 20);
  await assert.rejects(collect(fanout([hung]).series(everything, context([], aborter.signal))), {
    message: "user left",
  });
});

test("alternatives of matchers are announced where every store that can be asked takes them", () => {
  const takes = (anyOf: readonly string[] | undefined, unreachable: string | null = null) => {
    const one = store("a:1", {});
    const info = {
      labelSets: [],
      minTime: 0,
      maxTime: 1,
      ...(anyOf === undefined ? {} : { anyOf }),
    };
    return { ...one, unreachable, source: { ...one.source, info: () => info } };
  };
  assert.deepEqual(fanout([takes(["x"]), takes(["y"])]).info().anyOf, ["x", "y"]);
  assert.deepEqual(fanout([takes([]), takes(undefined, "gone")]).info().anyOf, []);
  assert.equal(fanout([takes([]), takes(undefined)]).info().anyOf, undefined);
  assert.equal(fanout([]).info().anyOf, undefined);
  const selectorLabels = Labels.from({ region: "eu" });
  assert.equal(fanout([takes([])], { selectorLabels }).info().anyOf, undefined);
});
