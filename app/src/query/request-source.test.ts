import assert from "node:assert/strict";
import { test } from "node:test";
import type { SeriesBatch, SeriesSource } from "@deucalion/model";
import { Registry } from "prom-client";
import { Gate, GateMetrics } from "./gate.ts";
import { RequestSource } from "./request-source.ts";

const context = { signal: new AbortController().signal, warn: () => undefined };
const request = { minTime: 0, maxTime: 1, matchers: [] };
const rules = { partialResponse: true, shard: null, tenant: "", maxResolutionMs: 0 };

/** Gives `batches` batches, the first after 10 ms; tells how many selects wait for their first batch at once. */
function slowSource(batches: number): { source: SeriesSource; most: () => number } {
  let waiting = 0;
  let most = 0;
  const source = {
    async *series() {
      most = Math.max(most, ++waiting);
      await new Promise((resolve) => setTimeout(resolve, 10));
      waiting--;
      for (let i = 0; i < batches; i++) yield { seriesCount: 1 } as SeriesBatch;
    },
  } as unknown as SeriesSource;
  return { source, most: () => most };
}

test("RequestSource opens so many selects at once, and lets any number be read side by side", async () => {
  const { source, most } = slowSource(2);
  const registry = new Registry();
  const metrics = new GateMetrics(2, "test_", registry, "selects");
  const counted = new RequestSource(source, rules, () => undefined, new Gate(2, metrics));
  const selects = Array.from({ length: 5 }, () =>
    counted.series(request, context)[Symbol.asyncIterator](),
  );
  const firsts = await Promise.all(selects.map((select) => select.next()));
  assert.ok(firsts.every(({ done }) => done === false));
  assert.equal(most(), 2);
  await Promise.all(selects.map((select) => select.return?.()));
  const text = await registry.metrics();
  assert.match(text, /test_gate_selects_in_flight 0/);
  assert.match(text, /test_gate_selects_max 2/);
  assert.match(text, /test_gate_selects_total 5/);
});

test("RequestSource gives its place back when there is no series and when a select fails", async () => {
  const metrics = new GateMetrics(1, "test_", new Registry(), "selects");
  const gate = new Gate(1, metrics);
  const { source } = slowSource(0);
  const empty = new RequestSource(source, rules, () => undefined, gate);
  for (let i = 0; i < 2; i++) for await (const _ of empty.series(request, context)) assert.fail();
  const failing = {
    // biome-ignore lint/correctness/useYield: it fails before it could
    async *series() {
      throw new Error("no");
    },
  } as unknown as SeriesSource;
  const broken = new RequestSource(failing, rules, () => undefined, gate);
  for (let i = 0; i < 2; i++) {
    await assert.rejects(async () => {
      for await (const _ of broken.series(request, context)) assert.fail();
    }, /^Error: no$/);
  }
});
