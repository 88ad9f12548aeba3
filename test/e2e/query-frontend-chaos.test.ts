// Frontends with caches while stores die and return: after healing no answer of a cache differs from a fresh one.
//
// FRONTEND_CHAOS_ROUNDS=1000 is the long run.
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import {
  conformanceRoot,
  deucalion,
  eventually,
  freePort,
  type Running,
  seededRandom,
  sleep,
  startMemcached,
} from "../support/mod.ts";
import { type RangeParams, rangeParams, rangeQueries } from "../support/promql-samples.ts";

const rounds = Number(process.env.FRONTEND_CHAOS_ROUNDS ?? 24);
const poolSize = Math.min(100, rounds);
const seed = Number(process.env.FRONTEND_CHAOS_SEED ?? 20_261);

/** A store of one cluster's blocks, that can be killed and brought back at its address. */
class Store {
  readonly grpc: string;
  readonly #args: readonly string[];
  readonly #ready: string;
  #running: Running | null = null;

  constructor(cluster: string, folder: string, ports: readonly [number, number]) {
    this.grpc = `127.0.0.1:${ports[0]}`;
    this.#ready = `http://127.0.0.1:${ports[1]}/-/ready`;
    this.#args = [
      "store",
      `--objstore.config={type: FILESYSTEM, config: {directory: ${join(folder, "bucket")}}}`,
      `--data-dir=${join(folder, cluster)}`,
      `--selector.relabel-config=[{action: keep, source_labels: [cluster], regex: ${cluster}}]`,
      `--grpc-address=${this.grpc}`,
      `--http-address=127.0.0.1:${ports[1]}`,
    ];
  }

  get isUp(): boolean {
    return this.#running !== null;
  }

  async up(): Promise<void> {
    this.#running ??= deucalion("store", this.#args);
    await this.#running.ready(this.#ready);
  }

  async down(): Promise<void> {
    const running = this.#running;
    this.#running = null;
    await running?.kill();
  }
}

interface Asked {
  readonly query: string;
  readonly range: RangeParams;
}

interface Answer {
  readonly status: number;
  /** The body, its annotations apart: what an operand that is not read would have told differs from part to part. */
  readonly text: string;
  readonly warned: boolean;
}

async function ask(base: string, { query, range }: Asked): Promise<Answer> {
  const response = await fetch(`${base}/api/v1/query_range`, {
    method: "POST",
    body: new URLSearchParams({
      query,
      start: String(range.start),
      end: String(range.end),
      step: String(range.step),
    }),
    signal: AbortSignal.timeout(60_000),
  });
  const text = await response.text();
  const at = text.search(/,"(?:warnings|infos)":\[/);
  const told =
    at < 0
      ? {}
      : (JSON.parse(`{${text.slice(at + 1)}`) as Readonly<Record<string, readonly string[]>>);
  return {
    status: response.status,
    text: at < 0 ? text : `${text.slice(0, at)}}`,
    // What PromQL has to say is no sign of a store that is missing.
    warned: (told.warnings ?? []).some((text) => !text.startsWith("PromQL ")),
  };
}

/** Waits until a querier sees so many stores. */
async function seesStores(querier: string, count: number): Promise<void> {
  await eventually(
    async () => {
      const response = await fetch(`${querier}/api/v1/stores`);
      const { data } = (await response.json()) as {
        data: Record<string, readonly { readonly lastError: unknown }[]>;
      };
      const well = (data.store ?? []).filter(({ lastError }) => lastError === null);
      return well.length === count ? true : undefined;
    },
    20_000,
    `${count} stores`,
  );
}

async function start(t: TestContext, name: string, args: readonly string[]): Promise<string> {
  const port = await freePort();
  const running = deucalion(name, [...args, `--http-address=127.0.0.1:${port}`]);
  t.after(() => running.kill());
  await running.ready(`http://127.0.0.1:${port}/-/ready`);
  return `http://127.0.0.1:${port}`;
}

test("no cache keeps a hole that a store left", { timeout: 3_600_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "deucalion-chaos-"));
  cpSync(join(conformanceRoot, "blocks/ha/bucket"), join(folder, "bucket"), { recursive: true });
  const stores: Store[] = [];
  for (const cluster of ["eu", "us"]) {
    stores.push(new Store(cluster, folder, [await freePort(), await freePort()]));
  }
  t.after(async () => {
    await Promise.all(stores.map((store) => store.down()));
    rmSync(folder, { recursive: true, force: true });
  });
  await Promise.all(stores.map((store) => store.up()));
  const queryFlags = async () => [
    "query",
    ...stores.map(({ grpc }) => `--endpoint=${grpc}`),
    `--grpc-address=127.0.0.1:${await freePort()}`,
    "--query.replica-label=replica",
    "--endpoint.info-timeout=500ms",
  ];
  const querier = await start(t, "query", await queryFlags());
  const memory = "{type: IN-MEMORY, config: {max_size: 64MB}}";
  const memcached = `{type: MEMCACHED, config: {addresses: ["${await startMemcached()}"], timeout: 5s}}`;
  const frontend = [
    "query-frontend",
    `--query-frontend.downstream-url=${querier}`,
    "--no-query-range.align-range-with-step",
    "--query-range.split-interval=20m",
    "--query-range.max-retries-per-request=1",
  ];
  const fronts = [
    await start(t, "query-frontend", [
      ...frontend,
      `--query-range.response-cache-config=${memory}`,
    ]),
    await start(t, "query-frontend", [
      ...frontend,
      `--query-range.response-cache-config=${memcached}`,
      "--query-frontend.vertical-shards=2",
    ]),
    await start(t, "query", [
      ...(await queryFlags()),
      `--query.cache-config=${memory}`,
      "--query.cache-split-interval=20m",
    ]),
  ];
  const own = fronts[2]!;
  const asked = fc.record({ query: rangeQueries, range: rangeParams });
  const pool: readonly Asked[] = fc.sample(asked, { seed, numRuns: poolSize });
  const random = seededRandom(seed);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  let partial = 0;
  let whole = 0;
  let compared = 0;
  const heal = async () => {
    await Promise.all(stores.map((store) => store.up()));
    await Promise.all([seesStores(querier, 2), seesStores(own, 2)]);
    // Frontends look at the stores at most every 5 s.
    await sleep(5200);
    for (const one of pool) {
      const want = await ask(querier, one);
      assert.equal(want.warned, false, "the querier is healed");
      for (const front of fronts) {
        const got = await ask(front, one);
        // A query that fails as a whole may be possible part by part.
        if (want.status === 422 && [200, 422].includes(got.status)) continue;
        const { text, status, warned } = got;
        assert.deepEqual({ status, text, warned }, want, `${front} ${JSON.stringify(one)}`);
        compared++;
      }
    }
  };
  for (let round = 1; round <= rounds; round++) {
    const store = pick(stores);
    if (random() < (store.isUp ? 0.15 : 0.4)) await (store.isUp ? store.down() : store.up());
    const one = pick(pool);
    const answers = await Promise.all(fronts.map((front) => ask(front, one)));
    for (const { status, warned } of answers) {
      assert.ok([200, 400, 422, 503].includes(status), `status ${status}`);
      if (warned) partial++;
      else if (status === 200) whole++;
    }
    if (round % 250 === 0 || round === rounds) await heal();
  }
  assert.ok(partial > 0 && whole > 0, `${partial} partial and ${whole} whole answers`);
  assert.ok(compared >= poolSize, `${compared} answers compared`);
  t.diagnostic(
    `${rounds} rounds: ${partial} partial, ${whole} whole answers; ${compared} compared`,
  );
});
