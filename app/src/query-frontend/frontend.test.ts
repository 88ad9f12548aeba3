// The frontend before a stand-in of a querier: what is sent, what is cached, and what never is.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import {
  type Arrived,
  type StandIn,
  type StandInAnswer,
  startStandIn,
} from "./testing/stand-in.ts";

const cache = "--query-range.response-cache-config={type: IN-MEMORY, config: {max_size: 16MB}}";
const labelsCache =
  "--labels.response-cache-config={type: IN-MEMORY, config: {max_size_items: 100}}";
const hourly = "--query-range.split-interval=1h";
/** A multiple of the hour. */
const t0 = 1_704_153_600;

interface Body {
  readonly status: string;
  readonly data: { readonly result: readonly { readonly values: [number, string][] }[] };
  readonly warnings?: readonly string[];
}

/** The querier's side: a counter over all time, the stores it has, and what it complains of. */
class Querier {
  warnings: string[] = [];
  stores: unknown = { sidecar: [{ name: "a:1", labelSets: [{ a: "1" }], minTime: 0 }] };
  factor = 1;
  /** Nothing is there before, unix seconds, in raw resolution. */
  rawFrom = 0;
  failures = 0;
  autoDownsampling = "false";

  answer = (arrived: Arrived): StandInAnswer => {
    const { path, params } = arrived;
    if (path.endsWith("/stores")) return { body: { status: "success", data: this.stores } };
    if (path.endsWith("/status/flags")) {
      const data = { "query.auto-downsampling": this.autoDownsampling };
      return { body: { status: "success", data } };
    }
    if (this.failures > 0) {
      this.failures--;
      return { status: 503, body: { status: "error", errorType: "internal", error: "no" } };
    }
    if (params.get("query") === "bad(") {
      return { status: 400, body: { status: "error", errorType: "bad_data", error: "parse" } };
    }
    const notes = this.warnings.length > 0 ? { warnings: this.warnings } : {};
    if (path.includes("/label")) {
      const start = Number(params.get("start"));
      const data = [`l${Math.floor(start / 86_400)}`, "z", "ä"];
      return { body: { status: "success", data, ...notes } };
    }
    if (!path.endsWith("/query_range")) return { body: { status: "success", data: null } };
    const [start, end, step] = ["start", "end", "step"].map((name) => Number(params.get(name)));
    const coarse = !["auto", null].includes(params.get("max_source_resolution"));
    const values: [number, string][] = [];
    for (let t = start!; t <= end!; t += step!) {
      if (coarse || t >= this.rawFrom) values.push([t, String(t * this.factor)]);
    }
    const result = values.length === 0 ? [] : [{ metric: { __name__: "m" }, values }];
    return {
      body: { status: "success", data: { resultType: "matrix", result, analysis: {} }, ...notes },
    };
  };
}

async function start(
  t: TestContext,
  flags: readonly string[],
): Promise<{ querier: Querier; front: StandIn }> {
  const querier = new Querier();
  const front = await startStandIn(querier.answer, flags);
  t.after(() => front.stop());
  return { querier, front };
}

async function range(front: StandIn, params: Record<string, string | number>): Promise<Body> {
  const all = { query: "m", start: t0, end: t0 + 7199, step: 60, ...params };
  const form = new URLSearchParams(
    Object.entries(all).map(([k, v]): [string, string] => [k, String(v)]),
  );
  const response = await fetch(`${front.url}/api/v1/query_range?${form}`);
  const body = (await response.json()) as Body;
  await front.settled();
  return body;
}

function spans(front: StandIn): [number, number][] {
  return front
    .take()
    .map(({ params }): [number, number] => [
      Number(params.get("start")) - t0,
      Number(params.get("end")) - t0,
    ])
    .sort((a, b) => a[0] - b[0]);
}

test("a range is asked for in parts with every parameter, and then not again", async (t) => {
  const { front } = await start(t, [hourly, cache]);
  const first = await range(front, { engine: "thanos", unknown: "kept", "match[]": "x" });
  const arrived = front.take();
  assert.equal(arrived.length, 2);
  for (const { params, method, headers } of arrived) {
    assert.equal(method, "POST");
    assert.deepEqual(
      ["engine", "unknown", "match[]", "partial_response", "step"].map((name) => params.get(name)),
      ["thanos", "kept", "x", "true", "60"],
    );
    assert.equal(headers["thanos-tenant"], "default-tenant");
    assert.equal(headers["x-scope-orgid"], "anonymous");
  }
  assert.equal(first.data.result[0]!.values.length, 120);
  assert.deepEqual(
    await range(front, { engine: "thanos", unknown: "kept", "match[]": "x" }),
    first,
  );
  assert.deepEqual(spans(front), []);
  await range(front, { engine: "thanos", unknown: "other", "match[]": "x" });
  assert.equal(spans(front).length, 2, "another parameter is another answer");
});

test("only the steps that are not known are asked for", async (t) => {
  const { front } = await start(t, [hourly, cache]);
  await range(front, { start: t0 + 600, end: t0 + 1200 });
  assert.deepEqual(spans(front), [[600, 1200]]);
  await range(front, { start: t0, end: t0 + 1800 });
  assert.deepEqual(spans(front), [
    [0, 540],
    [1260, 1800],
  ]);
  const whole = await range(front, { start: t0 + 60, end: t0 + 1800 });
  assert.deepEqual(spans(front), []);
  assert.deepEqual(
    whole.data.result[0]!.values.map(([time]) => time),
    Array.from({ length: 30 }, (_, i) => t0 + 60 + i * 60),
  );
});

test("steps that a finer step has are taken from its answer, where the step changes nothing else", async (t) => {
  const { front, querier } = await start(t, [
    hourly,
    cache,
    "--no-query-range.align-range-with-step",
  ]);
  await range(front, {});
  front.take();
  const coarse = await range(front, { start: t0 + 120, end: t0 + 7320, step: 300 });
  assert.deepEqual(spans(front), [[7320, 7320]], "what the finer one has not is asked for");
  assert.deepEqual(
    coarse.data.result[0]!.values,
    Array.from({ length: 25 }, (_, i) => [t0 + 120 + i * 300, String(t0 + 120 + i * 300)]),
  );
  for (const other of [{ step: 90 }, { step: 300, start: t0 + 30 }, { step: 30 }]) {
    await range(front, other);
    assert.ok(spans(front).length > 0, JSON.stringify(other));
  }
  // Where the querier chooses a resolution by the step, another step is another answer.
  const auto = { max_source_resolution: "auto" };
  const raw = { max_source_resolution: "0s" };
  for (const which of [auto, raw]) {
    await range(front, { ...which, query: "x" });
    assert.equal(spans(front).length, 2);
    await range(front, { ...which, query: "x", step: 300 });
    assert.equal(spans(front).length, which === auto ? 2 : 0);
  }
  querier.autoDownsampling = "true";
  front.nowMs += 61_000;
  await range(front, { step: 120 });
  assert.equal(spans(front).length, 2);
  querier.warnings = ["PromQL info: metric might not be a counter (1:1)"];
  await range(front, { ...raw, query: "y" });
  querier.warnings = [];
  front.take();
  await range(front, { ...raw, query: "y", step: 300 });
  assert.equal(spans(front).length, 2, "nobody knows whether the info holds for these steps");
});

test("an answer that lacks a store is never cached; one with annotations of PromQL is, as a whole", async (t) => {
  const { front, querier } = await start(t, [hourly, cache]);
  querier.warnings = ["receive series from 1.2.3.4:10901: no such host"];
  const partial = await range(front, {});
  assert.deepEqual(partial.warnings, querier.warnings);
  front.take();
  querier.warnings = ["PromQL info: metric might not be a counter (1:1)"];
  assert.deepEqual((await range(front, {})).warnings, querier.warnings);
  assert.equal(spans(front).length, 2);
  assert.deepEqual((await range(front, {})).warnings, querier.warnings);
  assert.deepEqual(spans(front), []);
  await range(front, { start: t0 + 60 });
  assert.deepEqual(spans(front), [[60, 3540]], "nobody knows whether the info holds for the piece");
});

test("a store that comes makes answers without it useless; its address and its going do not", async (t) => {
  const { front, querier } = await start(t, [hourly, cache]);
  const later = () => {
    front.nowMs += 6000;
  };
  await range(front, {});
  front.take();
  querier.stores = { sidecar: [{ name: "b:1", labelSets: [{ a: "1" }], minTime: 0 }] };
  later();
  await range(front, {});
  assert.deepEqual(spans(front), [], "the same store at another address");
  querier.stores = {
    sidecar: [{ name: "b:1", labelSets: [{ a: "1" }], minTime: 0 }],
    store: [{ name: "c:1", labelSets: [{ c: "1" }], minTime: (t0 + 3600) * 1000 }],
  };
  querier.factor = 2;
  later();
  const healed = await range(front, {});
  assert.deepEqual(spans(front), [[3600, 7140]], "it has nothing of the first hour");
  assert.equal(healed.data.result[0]!.values.at(-1)![1], String((t0 + 7140) * 2));
  querier.stores = { sidecar: [{ name: "b:1", labelSets: [{ a: "1" }], minTime: 0 }] };
  later();
  await range(front, {});
  assert.deepEqual(spans(front), []);
});

test("what is not settled is not cached, negative offsets and @ included", async (t) => {
  const { front } = await start(t, [hourly, cache]);
  front.nowMs = (t0 + 1860) * 1000;
  const asked = { start: t0, end: t0 + 1860 };
  await range(front, asked);
  front.take();
  await range(front, asked);
  assert.deepEqual(spans(front), [[1860, 1860]], "the last minute");
  const ahead = { ...asked, query: "m offset -10m" };
  await range(front, ahead);
  front.take();
  await range(front, ahead);
  assert.deepEqual(spans(front), [[1260, 1860]]);
  const at = { ...asked, query: "m @ end()" };
  await range(front, at);
  front.take();
  await range(front, at);
  assert.deepEqual(spans(front), [[0, 1860]]);
});

test("start() and end() are those of the whole range in every part", async (t) => {
  const { front } = await start(t, [hourly]);
  await range(front, { query: "m - m @ start() + m @ end()" });
  assert.deepEqual(
    front.take().map(({ params }) => params.get("query")),
    Array.from({ length: 2 }, () => `m - m @ ${t0}.000 + m @ ${t0 + 7140}.000`),
  );
});

test("failures of the querier are tried again, refusals are handed on", async (t) => {
  const { front, querier } = await start(t, ["--query-range.max-retries-per-request=3"]);
  querier.failures = 2;
  assert.equal((await range(front, {})).status, "success");
  assert.equal(front.take().length, 3);
  querier.failures = 3;
  const response = await fetch(`${front.url}/api/v1/query_range?query=m&start=0&end=60&step=60`);
  assert.equal(response.status, 503);
  assert.deepEqual(await response.json(), { status: "error", errorType: "internal", error: "no" });
  front.take();
  const bad = await fetch(`${front.url}/api/v1/query_range?query=bad(&start=0&end=60&step=60`);
  assert.equal(bad.status, 400);
  assert.equal(((await bad.json()) as { error: string }).error, "parse");
  assert.equal(front.take().length, 1);
});

test("requests beyond the limits are refused in plain text", async (t) => {
  const { front } = await start(t, ["--query-range.max-query-length=1h"]);
  const ask = async (query: string) => {
    const response = await fetch(`${front.url}/api/v1/query_range?query=m&${query}`);
    return [response.status, (await response.text()).trim()];
  };
  assert.deepEqual(await ask("start=0&end=7200&step=60"), [
    400,
    "the query time range exceeds the limit (query length: 2h0m0s, limit: 1h0m0s)",
  ]);
  assert.deepEqual(await ask("start=10&end=5&step=60"), [
    400,
    "end timestamp must not be before start time",
  ]);
  assert.equal((await ask("start=0&end=60&step=0"))[0], 400);
  assert.equal((await ask("start=0&end=36000&step=1"))[0], 400);
  assert.deepEqual(front.take(), []);
});

test("steps without raw data are asked for in a coarser resolution", async (t) => {
  const { front, querier } = await start(t, [hourly, cache]);
  querier.rawFrom = t0 + 5400;
  const body = await range(front, { max_source_resolution: "auto" });
  assert.equal(body.data.result[0]!.values.length, 120);
  const asked = front.take().map(({ params }) => params.get("max_source_resolution"));
  assert.deepEqual(asked, ["auto", "auto", "300", "300"]);
});

test("labels of parts are united, sorted, cut, and lose no warning", async (t) => {
  const { front, querier } = await start(t, ["--labels.split-interval=24h", labelsCache]);
  const ask = async (extra: string) => {
    const url = `${front.url}/api/v1/label/x/values?start=${t0}&end=${t0 + 3 * 86_400}&${extra}`;
    const body = (await (await fetch(url)).json()) as { data: string[]; warnings?: string[] };
    await front.settled();
    return body;
  };
  const day = Math.floor(t0 / 86_400);
  // Three windows of a day: the last second alone is no window of its own.
  const all = [0, 1, 2].map((i) => `l${day + i}`);
  assert.deepEqual((await ask("limit=0")).data, [...all, "z", "ä"]);
  assert.deepEqual(
    new Set(front.take().map(({ method, params }) => `${method} ${params.get("limit")}`)),
    new Set(["GET 0"]),
  );
  assert.deepEqual((await ask("limit=0")).data, [...all, "z", "ä"]);
  assert.deepEqual(front.take(), []);
  querier.warnings = ["store x is gone"];
  const cut = await ask("limit=2");
  assert.deepEqual(cut.data, all.slice(0, 2));
  assert.deepEqual(cut.warnings, ["store x is gone", "results truncated due to limit"]);
  front.take();
  await ask("limit=2");
  assert.equal(front.take().length, 3, "a partial answer is not cached");
});

test("all other requests go through as they are", async (t) => {
  const { front } = await start(t, ["--query-frontend.tenant-header=X-Tenant"]);
  const headers = { "X-Tenant": "team", "X-Other": "1" };
  await fetch(`${front.url}/p/api/v1/rules?type=alert`, { method: "PUT", headers, body: "text" });
  const [arrived] = front.take();
  assert.equal(arrived!.method, "PUT");
  assert.equal(arrived!.path, "/p/api/v1/rules");
  assert.equal(arrived!.params.get("type"), "alert");
  assert.equal(arrived!.headers["thanos-tenant"], "team");
  assert.equal(arrived!.headers["x-tenant"], undefined);
  assert.equal(arrived!.headers["x-other"], "1");
});
