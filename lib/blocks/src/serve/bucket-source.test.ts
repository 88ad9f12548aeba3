// What a source does when it is stopped, limited, or its bucket fails.
import assert from "node:assert/strict";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Matcher, type SeriesRequest } from "@deucalion/model";
import { conformance, never, openFolder } from "../testing/conformance.ts";
import type { ServeOptions } from "./serve-options.ts";

const bucket = join(conformance, "blocks/ha/bucket");
const all: SeriesRequest = {
  minTime: 0,
  maxTime: 2 ** 43,
  matchers: [new Matcher("=~", "__name__", ".+")],
};

async function drain(
  opened: Awaited<ReturnType<typeof openFolder>>,
  request: SeriesRequest,
  signal: AbortSignal = never,
): Promise<{ series: number; warnings: string[] }> {
  const warnings: string[] = [];
  let series = 0;
  const context = { signal, warn: (text: string) => warnings.push(text) };
  for await (const batch of opened.source.series(request, context)) series += batch.seriesCount;
  return { series, warnings };
}

async function withBucket(
  options: Partial<ServeOptions>,
  run: (opened: Awaited<ReturnType<typeof openFolder>>) => Promise<void>,
): Promise<void> {
  const opened = await openFolder(bucket, options);
  try {
    await run(opened);
  } finally {
    await opened.close();
  }
}

test("limits end a call with an error that says what and how much", async () => {
  await withBucket({ seriesMax: 100 }, async (opened) => {
    await assert.rejects(drain(opened, all), {
      code: "BLOCKS_LIMIT_SERIES",
      message: /^exceeded series limit: limit 100 violated \(got \d+\)$/,
    });
    const few = { ...all, matchers: [new Matcher("=", "__name__", "up")] };
    assert.ok((await drain(opened, few)).series > 0);
  });
  await withBucket({ samplesMax: 12_000 }, (opened) =>
    assert.rejects(drain(opened, all), { code: "BLOCKS_LIMIT_SAMPLES" }),
  );
  await withBucket({ bytesMax: 100_000 }, (opened) =>
    assert.rejects(drain(opened, { ...all, partialResponse: "warn" }), {
      code: "BLOCKS_LIMIT_BYTES",
      message: /^exceeded bytes limit while fetching chunks: limit 100000 violated/,
    }),
  );
});

test("several lists of matchers are welcome unless a call is limited", async () => {
  await withBucket({}, async ({ source }) => assert.deepEqual(source.info().anyOf, []));
  await withBucket({ seriesMax: 100 }, async ({ source }) =>
    assert.equal(source.info().anyOf, undefined),
  );
});

test("a call stops at once when its signal aborts", async () => {
  await withBucket({}, async (opened) => {
    await drain(opened, all);
    const stop = new AbortController();
    opened.bucket.choose = (_, name) =>
      name.includes("/chunks/") ? { delayMs: 60_000 } : undefined;
    setTimeout(() => stop.abort(new Error("gone")), 20);
    const begun = performance.now();
    await assert.rejects(drain(opened, all, stop.signal), { message: "gone" });
    assert.ok(performance.now() - begun < 5000);
    await assert.rejects(drain(opened, all, AbortSignal.abort(new Error("early"))), {
      message: "early",
    });
  });
});

test("leaving a call early releases its blocks", async () => {
  await withBucket({ callBytes: 1, seriesBatch: 2 }, async (opened) => {
    const context = { signal: never, warn: () => undefined };
    for await (const batch of opened.source.series(all, context)) {
      assert.ok(batch.seriesCount > 0);
      break;
    }
    assert.equal((await drain(opened, all)).series, 172);
  });
});

test("a block whose reads fail is named in a warning, or is the error", async () => {
  await withBucket({}, async (opened) => {
    const [bad] = [...opened.source.blocks.keys()];
    opened.bucket.choose = (operation, name) =>
      operation === "getRange" && name.startsWith(`${bad}/chunks`)
        ? { error: new Error("connection reset") }
        : undefined;
    const { series, warnings } = await drain(opened, all);
    assert.equal(series, 129);
    assert.deepEqual(warnings, [`block ${bad}: connection reset`]);
    await assert.rejects(drain(opened, { ...all, partialResponse: "abort" }), {
      code: "BLOCKS_SERVE",
      message: `block ${bad}: connection reset`,
    });
  });
});

test("an index that cannot be read is tried again at the next update, not at each query", async () => {
  await withBucket({}, async (opened) => {
    const [bad] = [...opened.source.blocks.keys()];
    let tried = 0;
    opened.bucket.choose = (_, name) => {
      if (name !== `${bad}/index`) return undefined;
      tried++;
      return { error: new Error("timeout") };
    };
    assert.equal((await drain(opened, all)).series, 129);
    assert.deepEqual((await drain(opened, all)).warnings, [`block ${bad}: timeout`]);
    assert.equal(tried, 1);
    opened.bucket.choose = () => undefined;
    await opened.fetch();
    assert.deepEqual(await drain(opened, all), { series: 172, warnings: [] });
  });
});

test("corrupted bytes on the way are noticed", async () => {
  await withBucket({}, async (opened) => {
    await drain(opened, all);
    for (const part of ["/index", "/chunks/"]) {
      let at = 0;
      opened.bucket.choose = (operation, name) =>
        operation === "getRange" && name.includes(part)
          ? { corrupt: (data) => data.fill(0x55, data.length >> 1, (data.length >> 1) + 1 + at++) }
          : undefined;
      const { warnings } = await drain(opened, all);
      assert.equal(warnings.length, 4, part);
    }
  });
});

test("a block that leaves the bucket stays readable for the query that reads it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "leaving-"));
  after(() => rm(folder, { recursive: true, force: true }));
  await cp(bucket, folder, { recursive: true });
  const opened = await openFolder(folder, { callBytes: 1, seriesBatch: 2 });
  try {
    const [gone] = [...opened.source.blocks.keys()];
    let series = 0;
    const context = { signal: never, warn: (text: string) => assert.fail(text) };
    for await (const batch of opened.source.series(all, context)) {
      if (series === 0) {
        const left = new Map([...opened.source.blocks].map(([id, { meta }]) => [id, meta]));
        left.delete(gone!);
        opened.source.update({ metas: left, unreadable: new Map() });
      }
      series += batch.seriesCount;
    }
    assert.equal(series, 172);
    assert.equal((await drain(opened, all)).series, 129);
  } finally {
    await opened.close();
  }
});

test("block matchers choose blocks, and the caller is told which were asked", async () => {
  await withBucket({}, async (opened) => {
    const ids = [...opened.source.blocks.keys()];
    const queried: string[] = [];
    const context = {
      signal: never,
      warn: (text: string) => assert.fail(text),
      queriedBlock: (id: string) => queried.push(id),
    };
    const blockMatchers = [new Matcher("=", "__block_id", ids[1]!)];
    for await (const _ of opened.source.series({ ...all, blockMatchers }, context));
    assert.deepEqual(queried, [ids[1]]);
    queried.length = 0;
    const labels = { ...all, blockMatchers: [new Matcher("=", "cluster", "eu")] };
    const values = await opened.source.labelValues("replica", labels, context);
    assert.deepEqual([values, queried.length], [["a", "b"], 2]);
  });
});
