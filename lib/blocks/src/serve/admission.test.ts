// Calls are let in by what they will hold; those that cannot fit are refused before they read anything.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Matcher, type SeriesRequest } from "@deucalion/model";
import { conformance, never, openFolder } from "../testing/conformance.ts";
import { Admission, type CallEstimate } from "./admission.ts";
import { seriesAtMost } from "./estimate-call.ts";
import type { ServeOptions } from "./serve-options.ts";

const need = (bytes: number): CallEstimate => ({ bytes, series: 7, blocks: 3 });

test("Admission lets in what fits, in order, and has others wait", async () => {
  const admission = new Admission({ allMax: 100, callMax: 0, waitMs: 5000 });
  const order: string[] = [];
  const enter = async (name: string, bytes: number): Promise<() => void> => {
    const leave = await admission.admit(need(bytes), never);
    order.push(name);
    return leave;
  };
  const a = await enter("a", 60);
  const b = enter("b", 50);
  const c = enter("c", 10);
  await pause(5);
  // c would fit, but b came first.
  assert.deepEqual(order, ["a"]);
  a();
  a();
  const leaveB = await b;
  const leaveC = await c;
  assert.deepEqual(order, ["a", "b", "c"]);
  assert.equal(admission.held, 60);
  leaveB();
  leaveC();
  assert.equal(admission.held, 0);
});

test("Admission refuses what can never fit, and what waits too long", async () => {
  const admission = new Admission({ allMax: 100 * 2 ** 20, callMax: 50 * 2 ** 20, waitMs: 10 });
  await assert.rejects(admission.admit(need(60 * 2 ** 20), never), {
    code: "BLOCKS_LIMIT_MEMORY",
    message:
      "exceeded memory limit: up to 7 series in 3 blocks would take about 60MiB; --store.limits.request-memory allows 50MiB. Narrow the matchers or the time range.",
  });
  const leave = await admission.admit(need(50 * 2 ** 20), never);
  await admission.admit(need(40 * 2 ** 20), never);
  await assert.rejects(
    admission.admit(need(20 * 2 ** 20), never),
    /beside 90MiB of other calls that do not end; --store.limits.memory allows 100MiB/,
  );
  const stop = new AbortController();
  const waiting = admission.admit(need(20 * 2 ** 20), stop.signal);
  stop.abort(new Error("gone"));
  await assert.rejects(waiting, /gone/);
  // Those that gave up hold nothing up.
  leave();
  await admission.admit(need(20 * 2 ** 20), never);
  assert.equal(admission.held, 60 * 2 ** 20);
});

const all: SeriesRequest = {
  minTime: Number.MIN_SAFE_INTEGER,
  maxTime: Number.MAX_SAFE_INTEGER,
  matchers: [new Matcher("=~", "__name__", ".+")],
};

async function withBlocks(
  options: Partial<ServeOptions>,
  run: (opened: Awaited<ReturnType<typeof openFolder>>) => Promise<void>,
): Promise<void> {
  const opened = await openFolder(join(conformance, "blocks/highcard"), options);
  try {
    await run(opened);
  } finally {
    await opened.close();
  }
}

test("a call over the memory limit reads nothing but index-headers; a narrower one is served", async () => {
  const count = async (
    { source }: Awaited<ReturnType<typeof openFolder>>,
    request: SeriesRequest,
  ): Promise<number> => {
    let series = 0;
    for await (const batch of source.series(request, { signal: never, warn: assert.fail }))
      series += batch.seriesCount;
    return series;
  };
  await withBlocks({ callHeldMax: 100_000 }, async (opened) => {
    await Promise.all([...opened.source.blocks.values()].map((block) => block.header()));
    opened.bucket.resetCounts();
    await assert.rejects(count(opened, all), { code: "BLOCKS_LIMIT_MEMORY" });
    assert.equal(opened.bucket.reads, 0);
    const context = { signal: never, warn: assert.fail };
    const counts: number[] = [];
    for (const name of await opened.source.labelNames({ ...all, matchers: [] }, context)) {
      const values = await opened.source.labelValues(name, { ...all, matchers: [] }, context);
      const matchers = [new Matcher("=", name, values[0]!)];
      const [block] = [...opened.source.blocks.values()];
      const most = seriesAtMost((await block!.header()).postings, matchers);
      if (block!.labels.get(name) !== "" || most > 100) continue;
      assert.equal(await count(opened, { ...all, matchers }), most);
      counts.push(most);
    }
    assert.ok(counts.length > 0);
  });
});

test("postings that are over the limit of bytes are not read", async () => {
  await withBlocks({ bytesMax: 1000 }, async (opened) => {
    await Promise.all([...opened.source.blocks.values()].map((block) => block.header()));
    opened.bucket.resetCounts();
    const read = async (): Promise<void> => {
      for await (const _ of opened.source.series(all, { signal: never, warn: assert.fail })) void _;
    };
    await assert.rejects(read(), {
      code: "BLOCKS_LIMIT_BYTES",
      message: /fetching postings: limit 1000 violated .*--store.grpc.downloaded-bytes-limit/,
    });
    assert.equal(opened.bucket.reads, 0);
  });
});
