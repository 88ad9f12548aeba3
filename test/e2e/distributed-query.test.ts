// Distributed mode: a querier over two queriers, each with a store of its own, answers as a querier over both stores.
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { differences } from "../support/compare-answers.ts";
import {
  conformanceRoot,
  deucalion,
  eventually,
  freePort,
  getJson,
  type Running,
} from "../support/mod.ts";
import { rangeQueries } from "../support/promql-samples.ts";

interface Answer {
  readonly status: string;
  readonly error?: string;
  readonly warnings?: readonly string[];
  readonly data?: { readonly result: readonly unknown[] };
}

/** Times of the recorded bucket, seconds. */
const first = 1_704_153_600;
const last = 1_704_160_800;

/** Processes of one test, ended together. */
class Fleet {
  readonly #running: Running[] = [];
  readonly folder = mkdtempSync(join(tmpdir(), "deucalion-distributed-"));

  async #start(name: string, args: (http: string, grpc: string) => readonly string[]) {
    const http = `127.0.0.1:${await freePort()}`;
    const grpc = `127.0.0.1:${await freePort()}`;
    const addresses = [`--http-address=${http}`, `--grpc-address=${grpc}`];
    const one = deucalion(name, [...args(http, grpc), ...addresses]);
    this.#running.push(one);
    await one.ready(`http://${http}/-/ready`);
    return { url: `http://${http}`, grpc, running: one };
  }

  /** A store with the blocks of one cluster of the recorded pair. */
  store(cluster: string) {
    const from = join(conformanceRoot, "blocks/ha/bucket");
    const bucket = join(this.folder, cluster);
    for (const block of readdirSync(from)) {
      const meta = JSON.parse(readFileSync(join(from, block, "meta.json"), "utf8")) as {
        thanos: { labels: { cluster: string } };
      };
      if (meta.thanos.labels.cluster !== cluster) continue;
      cpSync(join(from, block), join(bucket, block), { recursive: true });
    }
    return this.#start(`store ${cluster}`, () => [
      "store",
      `--objstore.config={type: FILESYSTEM, config: {directory: ${bucket}}}`,
      `--data-dir=${join(this.folder, `data-${cluster}`)}`,
    ]);
  }

  querier(name: string, endpoints: readonly string[], flags: readonly string[] = []) {
    return this.#start(name, () => [
      "query",
      "--query.replica-label=replica",
      "--endpoint.info-timeout=1s",
      ...endpoints.map((address) => `--endpoint=${address}`),
      ...flags,
    ]);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#running.map((one) => one.stop()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Waits until a querier knows the data of so many endpoints. */
function knows(url: string, count: number): Promise<true> {
  return eventually(
    async () => {
      const { body } = await getJson(`${url}/api/v1/endpoints`);
      const { endpoints } = (
        body as { data: { endpoints: { state: string; labelSets: unknown[] }[] } }
      ).data;
      const up = endpoints.filter(({ state, labelSets }) => state === "up" && labelSets.length > 0);
      return up.length === count ? true : undefined;
    },
    20_000,
    `${count} endpoints`,
  );
}

async function ask(url: string, query: string, params: Record<string, string>): Promise<Answer> {
  const path = params.time === undefined ? "query_range" : "query";
  const form = new URLSearchParams({ query, ...params });
  return (await getJson(`${url}/api/v1/${path}?${form}`)).body as Answer;
}

const range = { start: String(first + 1200), end: String(last), step: "60" };

test("a distributed query is answered as one over all stores", { timeout: 120_000 }, async (t) => {
  const fleet = new Fleet();
  t.after(() => fleet.stop());
  const stores = await Promise.all([fleet.store("eu"), fleet.store("us")]);
  const parts = await Promise.all(stores.map(({ grpc }) => fleet.querier("part", [grpc])));
  await Promise.all(parts.map(({ url }) => knows(url, 1)));
  const over = parts.map(({ grpc }) => grpc);
  const all = stores.map(({ grpc }) => grpc);
  const [spread, flat] = await Promise.all([
    fleet.querier("distributed", over, ["--query.mode=distributed"]),
    fleet.querier("flat", all),
  ]);
  await Promise.all([knows(spread.url, 2), knows(flat.url, 2)]);

  await t.test("random range and instant queries", async () => {
    let full = 0;
    await fc.assert(
      fc.asyncProperty(rangeQueries, fc.boolean(), async (query, instant) => {
        const params: Record<string, string> = instant ? { time: String(first + 3600) } : range;
        const got = await ask(spread.url, query, params);
        const want = await ask(flat.url, query, params);
        assert.equal(got.status, want.status, got.error ?? want.error ?? "");
        if (want.status !== "success") return;
        if ((want.data?.result.length ?? 0) > 0) full++;
        assert.deepEqual(differences(got.data, want.data), []);
      }),
      { numRuns: 120, seed: 7 },
    );
    assert.ok(full > 60, `${full} answers have series`);
  });

  await t.test("queries without de-duplication", async () => {
    for (const query of ["sum by (replica) (up)", "count(up)", "avg(cpu_temp_celsius)"]) {
      const got = await ask(spread.url, query, { ...range, dedup: "false" });
      const want = await ask(flat.url, query, { ...range, dedup: "false" });
      assert.equal(got.status, "success");
      assert.deepEqual(differences(got.data, want.data), [], query);
    }
  });

  await t.test("series come from other queriers as results", async () => {
    const { body } = await getJson(
      `${spread.url}/api/v1/query_range?${new URLSearchParams({ query: "sum(up)", ...range, analyze: "true" })}`,
    );
    assert.match(JSON.stringify(body), /remote\(sum by \(cluster\) \(up\)\)/);
  });

  await t.test("a querier that is away is named in a warning", async () => {
    await parts[1]!.running.stop();
    const answer = await ask(spread.url, "sum(up)", range);
    assert.equal(answer.status, "success");
    assert.equal(answer.data?.result.length, 1);
    assert.ok(
      answer.warnings?.some((text) => text.includes(over[1]!)),
      JSON.stringify(answer.warnings),
    );
  });
});
