// Merged blocks must hold what real Thanos made of the same blocks, chunk by chunk.
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { gunzipSync } from "node:zlib";
import { crc32c } from "@deucalion/kernels";
import { FilesystemBucket } from "@deucalion/objstore";
import { conformanceMissing } from "@deucalion/tsdb/testing";
import { downsampleBlock } from "../../downsample/downsample-block.ts";
import { type BlockMeta, parseBlockMeta } from "../../meta/block-meta.ts";
import { conformance, never } from "../../testing/conformance.ts";
import { mergeBlocks } from "./merge-blocks.ts";
import { SourceBlock } from "./source-block.ts";
import type { SourceChunk } from "./source-chunk.ts";

const skip = conformanceMissing;
const blocks = join(conformance, "blocks");

async function metaOf(dir: string): Promise<BlockMeta> {
  return parseBlockMeta(await readFile(join(dir, "meta.json"), "utf8"));
}

interface ExpectedChunk {
  readonly mint: number;
  readonly maxt: number;
  readonly enc: number;
  readonly len: number;
  readonly crc32c: string;
}

interface ExpectedSeries {
  readonly labels: Record<string, string>;
  readonly chunks: readonly ExpectedChunk[];
}

async function readExpected(path: string): Promise<ExpectedSeries[]> {
  const text = gunzipSync(await readFile(path))
    .toString("utf8")
    .trimEnd();
  return text.split("\n").map((line) => {
    const { labels, chunks } = JSON.parse(line) as ExpectedSeries;
    return {
      labels,
      chunks: chunks.map(({ mint, maxt, enc, len, crc32c }) => ({ mint, maxt, enc, len, crc32c })),
    };
  });
}

/** Labels and chunks of a block in a folder, in the form of the expected files. */
async function seriesOf(parent: string, name: string, meta: BlockMeta): Promise<ExpectedSeries[]> {
  const bucket = new FilesystemBucket(parent);
  const block = await SourceBlock.open(
    bucket,
    { ...meta, ulid: name },
    { acceptMalformedIndex: false, windowBytes: 1 << 16 },
    never,
  );
  const { symbols } = block;
  block.useSymbols(Uint32Array.from({ length: symbols.count }, (_, i) => i));
  const all: ExpectedSeries[] = [];
  while (await block.next()) {
    const labels: Record<string, string> = {};
    for (let i = 0; i < 2 * block.labelCount; i += 2) {
      labels[symbols.text(block.labels[i]!)] = symbols.text(block.labels[i + 1]!);
    }
    const chunks: SourceChunk[] = [];
    await block.chunksInto(chunks);
    all.push({
      labels,
      chunks: chunks.map((chunk) => ({
        mint: chunk.minTime,
        maxt: chunk.maxTime,
        enc: chunk.encoding,
        len: chunk.length,
        crc32c: crc32c(chunk.data, chunk.offset, chunk.offset + chunk.length)
          .toString(16)
          .padStart(8, "0"),
      })),
    });
  }
  await bucket.close();
  return all;
}

async function compare(
  got: readonly ExpectedSeries[],
  want: readonly ExpectedSeries[],
): Promise<void> {
  assert.equal(got.length, want.length, "series");
  for (const [i, series] of want.entries()) assert.deepEqual(got[i], series);
}

/** Merges what an output block says it was made of and compares the two. */
async function checkMerge(input: string, folder: string, dedup: "" | "penalty"): Promise<void> {
  const outputs = join(folder, "output");
  for (const id of await readdir(outputs)) {
    const want = await metaOf(join(outputs, id));
    const parents = (want.compaction.parents ?? []) as { ulid: string }[];
    if (parents.length === 0) continue;
    const sources = await Promise.all(parents.map(({ ulid }) => metaOf(join(input, ulid))));
    const scratch = await mkdtemp(join(tmpdir(), "merge-blocks-"));
    try {
      const options = { dedup, acceptMalformedIndex: false, replicas: [] };
      const bucket = new FilesystemBucket(input);
      const result = await mergeBlocks(bucket, sources, join(scratch, "out"), options, never);
      await bucket.close();
      assert.deepEqual(result.stats, want.stats);
      assert.deepEqual(
        result.segments.map(({ name }) => name),
        want.thanos.segment_files,
      );
      await compare(
        await seriesOf(scratch, "out", want),
        await readExpected(join(folder, `expected-output-${id}.jsonl.gz`)),
      );
      assert.deepEqual(
        await readFile(join(scratch, "out", "index")),
        await readFile(join(outputs, id, "index")),
        "index",
      );
    } finally {
      await rm(scratch, { recursive: true });
    }
  }
}

test("mergeBlocks() of consecutive blocks copies chunks", { skip }, async () => {
  const folder = join(blocks, "compaction");
  await checkMerge(join(folder, "input"), folder, "");
});

test("mergeBlocks() of overlapping blocks keeps one sample for each time", { skip }, async () => {
  const folder = join(blocks, "vertical", "ooo-overlap");
  await checkMerge(join(folder, "input"), folder, "");
});

test("mergeBlocks() of replicas one to one", { skip }, async () => {
  await checkMerge(join(blocks, "ha", "bucket"), join(blocks, "vertical", "replica-none"), "");
});

test("mergeBlocks() of replicas by penalty", { skip }, async () => {
  const folder = join(blocks, "vertical", "replica-penalty");
  await checkMerge(join(blocks, "ha", "bucket"), folder, "penalty");
});

test("downsampleBlock() gives the chunks that Thanos gives", { skip }, async () => {
  const folder = join(blocks, "downsampled");
  const dir = join(folder, "bucket");
  const bucket = new FilesystemBucket(dir);
  const ids = await readdir(dir);
  const metas = await Promise.all(ids.map((id) => metaOf(join(dir, id))));
  for (const want of metas) {
    const { resolution } = want.thanos.downsample;
    if (resolution === 0) continue;
    const inputMs = resolution === 300_000 ? 0 : 300_000;
    const source = metas.find((meta) => meta.thanos.downsample.resolution === inputMs)!;
    const scratch = await mkdtemp(join(tmpdir(), "downsample-block-"));
    try {
      const result = await downsampleBlock(
        bucket,
        source,
        resolution,
        join(scratch, "out"),
        { acceptMalformedIndex: false },
        never,
      );
      await compare(
        await seriesOf(scratch, "out", want),
        await readExpected(
          join(folder, `expected-${inputMs === 0 ? "5m" : "1h"}-${want.ulid}.jsonl.gz`),
        ),
      );
      assert.equal(result.stats.numSamples, want.stats.numSamples);
    } finally {
      await rm(scratch, { recursive: true });
    }
  }
  await bucket.close();
});
