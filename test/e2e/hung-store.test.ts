// A store that accepts and never sends: the answer comes in time, with the rest, and names it.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Labels } from "@deucalion/model";
import { GrpcServer, serverStream } from "@deucalion/rpc";
import { infoService, int64Max, int64Min } from "@deucalion/storeapi";
import { conformanceRoot, eventually, getJson } from "../support/mod.ts";
import { Cluster } from "../support/recorded-answers.ts";

interface Answer {
  readonly status: string;
  readonly warnings?: readonly string[];
  readonly data: { readonly result: readonly unknown[] };
}

/** A StoreAPI that announces everything and answers no Series call. */
async function startHungStore(): Promise<{ address: string; close: () => Promise<void> }> {
  const labels = Labels.from({ cluster: "hung", replica: "x" });
  const server = new GrpcServer();
  server.add(
    infoService(() => ({
      labelSets: [labels],
      componentType: "sidecar",
      store: {
        minTime: int64Min,
        maxTime: int64Max,
        supportsSharding: true,
        supportsWithoutReplicaLabels: true,
        tsdbInfos: [{ labels, minTime: int64Min, maxTime: int64Max }],
        supportsProjections: false,
        supportsAnyOf: false,
      },
    })),
  );
  const never = serverStream(
    (_, call) => new Promise((resolve) => call.signal.addEventListener("abort", () => resolve())),
  );
  server.add({ name: "thanos.Store", methods: { Series: never } });
  const { host, port } = await server.listen("127.0.0.1:0");
  return { address: `${host}:${port}`, close: () => server.close(0) };
}

test("a hung store neither stalls a query with a timeout nor hides", {
  timeout: 60_000,
}, async (t) => {
  const hung = await startHungStore();
  t.after(() => hung.close());
  const cluster = await Cluster.start(join(conformanceRoot, "blocks/ha/bucket"));
  t.after(() => cluster.stop());
  const base = await cluster.querier([
    "--query.replica-label=replica",
    `--endpoint=${hung.address}`,
  ]);
  await eventually(
    async () => {
      const { body } = await getJson(`${base}/api/v1/stores`);
      return (body as { data: { sidecar?: unknown[] } }).data.sidecar?.length === 1
        ? true
        : undefined;
    },
    10_000,
    "the hung store being known",
  );
  const ask = async (): Promise<{ ms: number; status: number; body: unknown }> => {
    const begin = performance.now();
    const got = await getJson(`${base}/api/v1/query?query=up&time=1704157200&timeout=5s`);
    return { ...got, ms: performance.now() - begin };
  };
  // A busy machine gets a second try.
  let { ms, status, body } = await ask();
  if (ms >= 5200) ({ ms, status, body } = await ask());
  const answer = body as Answer;
  assert.equal(status, 200, JSON.stringify(body));
  assert.ok(ms < 5200, `the answer took ${ms} ms`);
  assert.ok(answer.data.result.length > 0, "the other store's series are missing");
  assert.ok(
    answer.warnings?.some((text) => text.includes(hung.address)),
    JSON.stringify(answer.warnings),
  );

  const other = performance.now();
  await getJson(
    `${base}/api/v1/query?query=${encodeURIComponent('up{cluster="eu"}')}&time=1704157200`,
  );
  assert.ok(
    performance.now() - other < 2000,
    "a query that does not need the hung store waited for it",
  );

  const strict = await getJson(
    `${base}/api/v1/query?query=up&time=1704157200&timeout=3s&partial_response=false`,
  );
  assert.notEqual(strict.status, 200);
});
