// A merge in parts must give the block that the merge in one piece gives.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Labels, SampleColumns } from "@deucalion/model";
import { FilesystemBucket } from "@deucalion/objstore";
import { encodeSamples, writeBlock } from "@deucalion/tsdb";
import fc from "fast-check";
import { ulid } from "ulid";
import type { BlockMeta } from "../../meta/block-meta.ts";
import { never } from "../../testing/conformance.ts";
import { bucketStart, hourMs } from "../../testing/random-bucket.ts";
import { type BlockExecutor, inlineExecutor, WorkerExecutor } from "../block-executor.ts";
import { compactedMeta, segmentNamesOf } from "../result-meta.ts";
import type { MergeOptions, MergeResult } from "./merge-blocks.ts";
import { verifyWritten } from "./read-back.ts";
import { SourceBlock } from "./source-block.ts";
import type { SourceChunk } from "./source-chunk.ts";
import { SourceBlockError } from "./source-error.ts";

const scratch = await mkdtemp(join(tmpdir(), "split-merge-"));
after(() => rm(scratch, { recursive: true }));

/** One block: which series it has, and its start and end in hours. */
interface RandomBlock {
  readonly series: readonly number[];
  readonly hours: readonly [number, number];
  readonly replica: string;
}

const anyBlock: fc.Arbitrary<RandomBlock> = fc.record({
  series: fc.uniqueArray(fc.nat(60), { minLength: 0, maxLength: 30 }),
  hours: fc.tuple(fc.nat(5), fc.integer({ min: 6, max: 8 })),
  replica: fc.constantFrom("a", "b"),
});

function labelsOf(series: number): Labels {
  const name = ["up", "requests_total", "zz"][series % 3]!;
  if (series % 5 === 0) return Labels.from({ __name__: name, é: String(series) });
  return Labels.from({ __name__: name, a: String(series % 7), b: String(series) });
}

async function writeRandom(folder: string, block: RandomBlock, n: number): Promise<BlockMeta> {
  const [from, to] = block.hours.map((hours) => bucketStart + hours * hourMs) as [number, number];
  const series = block.series.map((id) => {
    const samples = new SampleColumns();
    for (let time = from + id * 100; time < to; time += 60_000) {
      samples.pushFloat(time, time / 60_000 + id + (block.replica === "a" ? 0 : id % 2));
    }
    return { labels: labelsOf(id), chunks: encodeSamples(samples, 0, samples.count) };
  });
  series.sort((a, b) => (a.labels.key < b.labels.key ? -1 : 1));
  const meta = await writeBlock(
    folder,
    { ulid: ulid(bucketStart + n), minTime: from, maxTime: to },
    series,
  );
  const thanos = {
    labels: {},
    downsample: { resolution: 0 },
    source: "sidecar",
    index_stats: {},
  };
  return { ...meta, thanos } as unknown as BlockMeta;
}

/** Everything that an index says and its chunks hold, but for where chunks lie. */
async function contentOf(dir: string, meta: BlockMeta): Promise<string[]> {
  const bucket = new FilesystemBucket(dir);
  const options = { acceptMalformedIndex: false, windowBytes: 1 << 16 };
  const block = await SourceBlock.open(bucket, meta, options, never);
  const { symbols } = block;
  block.useSymbols(Uint32Array.from({ length: symbols.count }, (_, i) => i));
  const lines = [Array.from({ length: symbols.count }, (_, i) => symbols.text(i)).join()];
  while (await block.next()) {
    const labels = Array.from(block.labels.subarray(0, 2 * block.labelCount));
    const chunks: SourceChunk[] = [];
    await block.chunksInto(chunks);
    const texts = chunks.map(({ data, offset, length, minTime, maxTime, encoding }) => {
      const bytes = Buffer.from(data.subarray(offset, offset + length)).toString("base64");
      return `${minTime} ${maxTime} ${encoding} ${bytes}`;
    });
    lines.push(`${labels.map((n) => symbols.text(n)).join()}: ${texts.join(" | ")}`);
  }
  await bucket.close();
  return lines;
}

/** Merges `sources` into a new block of `folder` and reads it back as the compactor does. */
async function mergeAndRead(
  executor: BlockExecutor,
  folder: string,
  sources: readonly BlockMeta[],
  options: MergeOptions,
): Promise<{ readonly result: MergeResult; readonly content: readonly string[] }> {
  const id = ulid();
  const dir = join(folder, id);
  const result = await executor.run({ kind: "merge", sources, dir, options }, never);
  assert.deepEqual((await readdir(dir)).sort(), ["chunks", "index"]);
  assert.deepEqual((await readdir(join(dir, "chunks"))).sort(), segmentNamesOf(result));
  const group = { key: "", labels: Labels.from({}), resolutionMs: 0, blocks: [] };
  const meta = compactedMeta(id, group, sources, result.stats, segmentNamesOf(result));
  const local = new FilesystemBucket(folder);
  await verifyWritten(local, meta, result, never);
  await local.close();
  return { result, content: await contentOf(folder, meta) };
}

test("mergeBlocks() in parts gives what it gives in one piece", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyBlock, { minLength: 1, maxLength: 5 }),
      fc.constantFrom("" as const, "penalty" as const, "fill" as const),
      fc.integer({ min: 2, max: 5 }),
      async (blocks, dedup, parts) => {
        const folder = await mkdtemp(join(scratch, "property-"));
        const bucket = new FilesystemBucket(join(folder, "bucket"));
        await mkdir(join(folder, "bucket"));
        const sources: BlockMeta[] = [];
        for (const [n, block] of blocks.entries()) {
          sources.push(await writeRandom(join(folder, "bucket"), block, n));
        }
        const replicas = blocks.map(({ replica }) => replica);
        const options = { dedup, acceptMalformedIndex: false, replicas, windowBytes: 1 << 14 };
        const executor = inlineExecutor(bucket);
        const one = await mergeAndRead(executor, folder, sources, options);
        const split = await mergeAndRead(executor, folder, sources, { ...options, parts });
        assert.deepEqual(split.content, one.content);
        assert.deepEqual(split.result.stats, one.result.stats);
        assert.deepEqual(split.result.counts, one.result.counts);
        await bucket.close();
        await rm(folder, { recursive: true });
      },
    ),
    {
      numRuns: 60,
      // Which of two equal series comes first depends on the series before the cut.
      examples: [
        [
          [
            { series: [0, 23], hours: [1, 6], replica: "b" },
            { series: [23], hours: [1, 6], replica: "a" },
          ],
          "",
          2,
        ],
      ],
    },
  );
});

/** Three blocks of 60 series in a bucket of their own. */
async function threeBlocks(folder: string): Promise<BlockMeta[]> {
  await mkdir(folder);
  const series = Array.from({ length: 60 }, (_, i) => i);
  const sources: BlockMeta[] = [];
  for (let n = 0; n < 3; n++) {
    const block = { series, hours: [2 * n, 2 * n + 2] as const, replica: "a" };
    sources.push(await writeRandom(folder, block, n));
  }
  return sources;
}

const plain: MergeOptions = { dedup: "", acceptMalformedIndex: false, replicas: [] };

/** Three threads over a folder, or two beside this one. */
function threads(directory: string, here: FilesystemBucket | null): WorkerExecutor {
  return new WorkerExecutor({ type: "FILESYSTEM", config: { directory }, prefix: "" }, 3, here);
}

for (const where of ["in threads", "in threads and here"]) {
  test(`WorkerExecutor splits a merge over threads that are idle: ${where}`, async () => {
    const directory = join(scratch, `threads-${where}`);
    const sources = await threeBlocks(directory);
    const out = join(scratch, `threads-out-${where}`);
    await mkdir(out);
    const bucket = new FilesystemBucket(directory);
    const one = await mergeAndRead(inlineExecutor(bucket), out, sources, plain);
    const executor = threads(directory, where === "in threads" ? null : bucket);
    try {
      const split = await mergeAndRead(executor, out, sources, { ...plain, parts: 8 });
      assert.deepEqual(segmentNamesOf(split.result), ["000001", "000002", "000003"]);
      assert.deepEqual(split.content, one.content);
      // Places were given back: the next one has three again, and two at once share them.
      const both = await Promise.all([
        mergeAndRead(executor, out, sources, { ...plain, parts: 2 }),
        mergeAndRead(executor, out, sources, { ...plain, parts: 2 }),
      ]);
      assert.deepEqual(
        both.map(({ result }) => result.segments.length),
        [2, 1],
      );
      for (const { content } of both) assert.deepEqual(content, one.content);
    } finally {
      await executor.close();
      await bucket.close();
    }
  });
}

test("this thread takes a task again after one that failed or was given up", async () => {
  const directory = join(scratch, "again");
  const sources = await threeBlocks(directory);
  const out = join(scratch, "again-out");
  await mkdir(out);
  const bucket = new FilesystemBucket(directory);
  const executor = threads(directory, bucket);
  try {
    const task = { kind: "merge", sources, dir: join(out, "none"), options: plain } as const;
    await assert.rejects(executor.run(task, AbortSignal.abort(new Error("enough"))), /enough/);
    const missing = [{ ...sources[0]!, ulid: "01ARZ3NDEKTSV4RRFFQ69G5FAV" }];
    await assert.rejects(executor.run({ ...task, sources: missing }, never));
    const one = await mergeAndRead(inlineExecutor(bucket), out, sources, plain);
    const four = [1, 2, 3, 4].map(() => mergeAndRead(executor, out, sources, plain));
    for (const { content } of await Promise.all(four)) assert.deepEqual(content, one.content);
  } finally {
    await executor.close();
    await bucket.close();
  }
});

test("a part that meets a damaged chunk names the block, and nothing is left", async () => {
  const directory = join(scratch, "damaged");
  const sources = await threeBlocks(directory);
  const { ulid: bad } = sources[1]!;
  const segment = join(directory, bad, "chunks", "000001");
  const bytes = await readFile(segment);
  bytes[bytes.length - 20]! ^= 1;
  await writeFile(segment, bytes);
  const executor = threads(directory, null);
  try {
    const dir = join(scratch, "damaged-out");
    const task = { kind: "merge", sources, dir, options: { ...plain, parts: 3 } } as const;
    await assert.rejects(executor.run(task, never), (thrown: unknown) => {
      assert.ok(thrown instanceof SourceBlockError, String(thrown));
      assert.deepEqual([thrown.block, thrown.reason], [bad, "block-chunk-damaged"]);
      return true;
    });
    await assert.rejects(readdir(dir), /ENOENT/);
  } finally {
    await executor.close();
  }
});

test("a split merge that is given up ends its threads", async () => {
  const directory = join(scratch, "given-up");
  const sources = await threeBlocks(directory);
  const executor = threads(directory, null);
  const dir = join(scratch, "given-up-out");
  const stop = new AbortController();
  const task = { kind: "merge", sources, dir, options: { ...plain, parts: 3 } } as const;
  const running = executor.run(task, stop.signal);
  setTimeout(() => stop.abort(new Error("enough")), 120);
  await running.then(
    () => undefined,
    (thrown: unknown) => assert.match(String(thrown), /enough/),
  );
  await executor.close();
  // Whoever gave it up removes the folder; nobody makes it again.
  await rm(dir, { recursive: true, force: true });
  await new Promise((resolve) => setTimeout(resolve, 150));
  await assert.rejects(readdir(dir), /ENOENT/);
});
