// A querier with a cache of its own: the frontend in its process.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { conformanceRoot } from "../support/mod.ts";
import { Cluster } from "../support/recorded-answers.ts";

const range = new URLSearchParams({
  query: "sum by (job) (rate(http_requests_total[5m]))",
  start: "1704154200",
  end: "1704157200",
  step: "60",
});

/** Folders of inner sockets, of whatever process. */
function sockets(): readonly string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith("deucalion-query-"));
}

/** The value of a metric without labels or with those given; 0 where it is not there. */
async function metric(base: string, name: string): Promise<number> {
  const text = await (await fetch(`${base}/metrics`)).text();
  const line = text.split("\n").find((one) => one.startsWith(`${name} `));
  return line === undefined ? 0 : Number(line.slice(name.length + 1));
}

test("query --query.cache-config answers from its cache, and serves the whole API and the UI", async (t) => {
  const before = new Set(sockets());
  const cluster = await Cluster.start(join(conformanceRoot, "blocks/ha/bucket"));
  let stopped = false;
  t.after(async () => {
    if (!stopped) await cluster.stop();
  });
  const flags = ["--query.replica-label=replica", "--web.route-prefix=/team"];
  const base = await cluster.querier([
    ...flags,
    "--query.tenant-header=X-Team",
    "--query.cache-config={type: IN-MEMORY, config: {max_size: 16MB}}",
    "--query.cache-split-interval=20m",
  ]);
  const own = sockets().filter((name) => !before.has(name));
  assert.ok(own.length > 0);
  const plain = await cluster.querier(flags);
  const asked = async (url: string) => {
    const response = await fetch(`${url}/team/api/v1/query_range?${range}`);
    assert.equal(response.status, 200);
    return response.text();
  };
  const want = await asked(plain);
  assert.match(want, /"job":/);
  assert.equal(await asked(base), want);
  const gets = 'querier_cache_gets_total{cache="query-range"}';
  const misses = 'querier_cache_misses_total{cache="query-range"}';
  // What was asked for is put into the cache after the answer; then nothing is missed any more.
  for (let tries = 0; ; tries++) {
    const missed = await metric(base, misses);
    assert.equal(await asked(base), want);
    if ((await metric(base, misses)) === missed) break;
    assert.ok(tries < 20, "the cache never answered");
  }
  assert.ok((await metric(base, gets)) >= 6);
  for (const path of ["/team/graph", "/team/api/v1/labels", "/team/api/v1/rules"]) {
    const [through, direct] = await Promise.all([fetch(base + path), fetch(plain + path)]);
    assert.equal(through.status, 200, path);
    assert.equal(through.headers.get("content-type"), direct.headers.get("content-type"));
    const text = async (response: Response) =>
      (await response.text()).replace(/"queryUrl":"[^"]*"/, "");
    assert.equal(await text(through), await text(direct));
  }
  const wrong = await fetch(`${base}/team/api/v1/query_range?query=a(&start=0&end=1&step=1`);
  assert.equal(wrong.status, 400);
  const { errorType } = (await wrong.json()) as { errorType: string };
  assert.equal(errorType, "bad_data");
  // What is wrong is told in the querier's words.
  for (const params of ["start=9&end=1&step=1", "start=x&end=1&step=1", "start=0&end=1&step=0"]) {
    const [got, expected] = await Promise.all(
      [base, plain].map(async (url) => {
        const response = await fetch(`${url}/team/api/v1/query_range?query=up&${params}`);
        return [response.status, response.headers.get("content-type"), await response.text()];
      }),
    );
    assert.deepEqual(got, expected, params);
    assert.equal(got![0], 400, params);
  }
  await cluster.stop();
  stopped = true;
  const left = new Set(sockets());
  assert.ok(
    own.some((name) => !left.has(name)),
    "the inner socket is gone",
  );
});
