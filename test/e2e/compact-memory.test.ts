// The compactor under a limit of memory: many series with few samples, and many chunks.
// DEUCALION_COMPACT_SCALE multiplies the series (1 by default; 50 is 3 × a million, and 3 × 200,000 with 60 chunks each).
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { SampleColumns } from "@deucalion/model";
import { encodeSamples, IndexWriter, SegmentWriter } from "@deucalion/tsdb";
import { Confined } from "./hostile-memory.ts";

const scale = Number(process.env.DEUCALION_COMPACT_SCALE ?? "1");
const hourMs = 3_600_000;
/** A multiple of two weeks. */
const start = 1_704_326_400_000 - (1_704_326_400_000 % (336 * hourMs));
const limit = 2 ** 30;

interface Shape {
  readonly series: number;
  readonly chunks: number;
  readonly samplesPerChunk: number;
}

/** Writes a block of two hours, a series at a time; all series have the same samples. */
async function writeShape(bucket: string, id: string, fromHour: number, shape: Shape) {
  const minTime = start + fromHour * hourMs;
  const maxTime = minTime + 2 * hourMs;
  const count = shape.chunks * shape.samplesPerChunk;
  const step = Math.floor((maxTime - minTime) / count);
  const samples = new SampleColumns();
  for (let i = 0; i < count; i++) samples.pushFloat(minTime + i * step, i * 1.5);
  const encoded = encodeSamples(samples, 0, count, {
    samplesPerChunk: shape.samplesPerChunk,
    xor2: false,
    histogramStartTimes: false,
  });
  const pad = (i: number): string => String(i).padStart(7, "0");
  const names = Math.ceil(shape.series / 1000);
  const symbols = ["", "__name__", "instance", "pod"];
  for (let i = 0; i < 100; i++) symbols.push(`host-${pad(i)}`);
  for (let i = 0; i < names; i++) symbols.push(`metric_${pad(i)}`);
  for (let i = 0; i < shape.series; i++) symbols.push(`pod-${pad(i)}`);
  symbols.sort();
  const places = new Map(symbols.map((text, i) => [text, i]));
  const dir = join(bucket, id);
  await mkdir(dir, { recursive: true });
  const index = await IndexWriter.create(join(dir, "index"), symbols);
  const segments = new SegmentWriter(dir);
  const label = (text: string): number => places.get(text)!;
  for (let i = 0; i < shape.series; i++) {
    const refs = await segments.add(encoded);
    const labels = [
      label("__name__"),
      label(`metric_${pad(Math.floor(i / 1000))}`),
      label("instance"),
      label(`host-${pad(Math.floor((i % 1000) / 10))}`),
      label("pod"),
      label(`pod-${pad(i)}`),
    ];
    const chunks = encoded.map((chunk, n) => ({
      minTime: chunk.minTime,
      maxTime: chunk.maxTime,
      ref: refs[n]!,
    }));
    await index.addSeries(labels, chunks);
  }
  await segments.finish();
  await index.finish();
  const meta = {
    ulid: id,
    minTime,
    maxTime,
    stats: {
      numSamples: shape.series * count,
      numSeries: shape.series,
      numChunks: shape.series * encoded.length,
    },
    compaction: { level: 1, sources: [id] },
    version: 1,
    thanos: {
      version: 1,
      labels: { s: "a" },
      downsample: { resolution: 0 },
      source: "sidecar",
      index_stats: {},
    },
  };
  await writeFile(join(dir, "meta.json"), JSON.stringify(meta));
}

/** Compacts three blocks of `shape` and returns the most bytes of memory that it took. */
async function compactWithin(shape: Shape): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "compact-memory-"));
  const bucket = join(folder, "bucket");
  const id = (n: number): string => `01HK${String(n).padStart(22, "0")}`;
  // From end to end they fill the eight hours of a larger block.
  for (const [n, hour] of [0, 2, 6].entries()) await writeShape(bucket, id(n), hour, shape);
  // The youngest block is left alone.
  await writeShape(bucket, id(3), 8, { series: 1, chunks: 1, samplesPerChunk: 2 });
  await writeFile(
    join(folder, "bucket.yml"),
    JSON.stringify({ type: "FILESYSTEM", config: { directory: bucket } }),
  );
  const confined = new Confined(
    "compact",
    [
      "compact",
      `--objstore.config-file=${join(folder, "bucket.yml")}`,
      `--data-dir=${join(folder, "data")}`,
      "--http-address=127.0.0.1:0",
      "--consistency-delay=0s",
    ],
    limit,
  );
  let peak = 0;
  try {
    const ended = confined.running.exited;
    while (confined.alive) {
      peak = Math.max(peak, confined.peakBytes());
      await Promise.race([ended, delay(20)]);
    }
    assert.equal(await ended, 0, confined.running.output.slice(-2000));
    const metas = await Promise.all(
      (await readdir(bucket))
        .filter((name) => /^[0-9A-Z]{26}$/.test(name))
        .map(async (name) => JSON.parse(await readFile(join(bucket, name, "meta.json"), "utf8"))),
    );
    const result = metas.find(({ thanos }) => thanos.source === "compactor");
    assert.ok(result !== undefined, confined.running.output.slice(-2000));
    assert.deepEqual(
      [result.stats.numSeries, result.stats.numSamples],
      [shape.series, 3 * shape.series * shape.chunks * shape.samplesPerChunk],
    );
  } finally {
    await confined.stop();
    await rm(folder, { recursive: true });
  }
  return peak;
}

const cases: readonly (readonly [string, Shape])[] = [
  ["many series", { series: 20_000 * scale, chunks: 1, samplesPerChunk: 5 }],
  ["many chunks", { series: 4000 * scale, chunks: 60, samplesPerChunk: 100 }],
];

for (const [name, shape] of cases) {
  test(`compact stays below 1 GiB: ${name}`, { timeout: 600_000 }, async (t) => {
    const peak = await compactWithin(shape);
    t.diagnostic(`3 × ${shape.series} series of ${shape.chunks} chunks: peak ${peak >> 20} MiB`);
    // What a few thousand series take must leave room for many more.
    assert.ok(peak < (scale > 1 ? limit : limit / 3), `peak ${peak}`);
  });
}
