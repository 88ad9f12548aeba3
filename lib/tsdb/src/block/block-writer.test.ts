// Real blocks read, encoded again and written again: chunks, index and segments must come out byte for byte.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { encodeXor } from "@deucalion/kernels";
import { ChunkEncoding, Labels, Matcher, SampleColumns } from "@deucalion/model";
import { aggregateChunks } from "../chunk/aggregate-chunks.ts";
import { chunkSampleCount, decodeChunkInto } from "../chunk/decode-chunk.ts";
import type { EncodedChunk } from "../chunk/encode-samples.ts";
import { type CounterResetHeader, HistogramAppender } from "../chunk/histogram-appender.ts";
import { Xor2Appender } from "../chunk/xor2-appender.ts";
import { type ChunkMeta, IndexWriter } from "../index/index-writer.ts";
import { seriesLabels } from "../index/series-labels.ts";
import { conformanceBlocks, conformanceMissing } from "../testing/mod.ts";
import { Block } from "./block.ts";
import { BlockWriter } from "./block-writer.ts";

/** Decodes a chunk and encodes its samples again with the appender of its encoding. */
function encodedAgain(encoding: number, data: Uint8Array): Uint8Array {
  const samples = new SampleColumns();
  decodeChunkInto(encoding, data, 0, data.length, samples);
  const { times, valueBits, histograms, startTimes } = samples;
  if (encoding === ChunkEncoding.xor) return encodeXor(times, valueBits, 0, samples.count);
  if (encoding === ChunkEncoding.xor2) {
    const appender = new Xor2Appender();
    for (let i = 0; i < samples.count; i++) {
      appender.append(times[i]!, valueBits[2 * i + 1]!, valueBits[2 * i]!, startTimes?.[i] ?? 0);
    }
    return appender.finish();
  }
  const starts = encoding >= ChunkEncoding.histogramST;
  const integer = encoding === ChunkEncoding.histogram || encoding === ChunkEncoding.histogramST;
  const appender = new HistogramAppender({ integer, startTimes: starts });
  for (let i = 0; i < samples.count; i++) {
    appender.add(times[i]!, histograms![i]!, startTimes?.[i] ?? 0);
  }
  appender.header = (data[starts ? 0 : 2]! >>> 6) as CounterResetHeader;
  return appender.finish();
}

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "deucalion-block-"));
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("encoders give the bytes of real chunks", { skip: conformanceMissing }, async (t) => {
  const counts = new Map<number, number>();
  for (const { name, dir } of conformanceBlocks()) {
    const block = await Block.open(dir);
    t.after(() => block.close());
    await block.index.readSeries(await block.index.allPostings(), async (entry) => {
      const read = await block.segments.read(entry.refs.subarray(0, entry.chunkCount));
      for (let i = 0; i < entry.chunkCount; i++) {
        const data = read.buffers[read.buffer[i]!]!;
        const parts =
          read.encoding[i] === ChunkEncoding.aggregated
            ? aggregateChunks(data, read.offset[i]!, read.length[i]!)
            : [{ encoding: read.encoding[i]!, offset: read.offset[i]!, length: read.length[i]! }];
        for (const part of parts) {
          const bytes = data.subarray(part.offset, part.offset + part.length);
          const again = encodedAgain(part.encoding, bytes);
          assert.equal(Buffer.compare(bytes, again), 0, `${name} encoding ${part.encoding}`);
          counts.set(part.encoding, (counts.get(part.encoding) ?? 0) + 1);
        }
      }
    });
  }
  assert.deepEqual([...counts.keys()].sort(), [1, 2, 3, 4]);
});

test("IndexWriter gives the bytes of real indexes", { skip: conformanceMissing }, async () => {
  await withFolder(async (folder) => {
    for (const { name, dir } of conformanceBlocks()) {
      const block = await Block.open(dir);
      const { index } = block;
      const symbols = Array.from({ length: index.symbols.count }, (_, i) => index.symbols.text(i));
      const path = join(folder, "index");
      const writer = await IndexWriter.create(path, symbols);
      await index.readSeries(await index.allPostings(), async (entry) => {
        const metas: ChunkMeta[] = [];
        for (let i = 0; i < entry.chunkCount; i++) {
          const [minTime, maxTime] = [entry.minTimes[i]!, entry.maxTimes[i]!];
          metas.push({ minTime, maxTime, ref: entry.refs[i]! });
        }
        await writer.addSeries([...entry.labels.subarray(0, 2 * entry.labelCount)], metas);
      });
      await writer.finish();
      await block.close();
      const [want, got] = await Promise.all([readFile(join(dir, "index")), readFile(path)]);
      assert.equal(Buffer.compare(want, got), 0, name);
      await rm(path);
    }
  });
});

test("BlockWriter writes blocks that read back equal", { skip: conformanceMissing }, async () => {
  const withUnusedSymbols: string[] = [];
  await withFolder(async (folder) => {
    for (const { name, dir } of conformanceBlocks()) {
      if (name.includes("highcard")) continue;
      const block = await Block.open(dir);
      const { ulid, minTime, maxTime } = block.meta;
      const writer = await BlockWriter.create(folder, { ulid, minTime, maxTime });
      await block.index.readSeries(await block.index.allPostings(), async (entry) => {
        const read = await block.segments.read(entry.refs.subarray(0, entry.chunkCount));
        const chunks: EncodedChunk[] = [];
        for (let i = 0; i < entry.chunkCount; i++) {
          const buffer = read.buffers[read.buffer[i]!]!;
          const data = buffer.subarray(read.offset[i]!, read.offset[i]! + read.length[i]!);
          const encoding = read.encoding[i]!;
          const sampleCount = encoding === 255 ? 0 : chunkSampleCount(encoding, data, 0);
          const [from, to] = [entry.minTimes[i]!, entry.maxTimes[i]!];
          chunks.push({ encoding, minTime: from, maxTime: to, sampleCount, data });
        }
        await writer.addSeries(seriesLabels(entry, block.index.symbols), chunks);
      });
      const meta = await writer.finish();
      if (!name.startsWith("downsampled")) {
        const { numTombstones: _, ...stats } = block.meta.stats ?? {};
        assert.deepEqual(meta.stats, stats, name);
      }
      const own = join(folder, ulid);
      const again = await Block.open(own);
      assert.deepEqual(again.index.labelNames(), block.index.labelNames());
      const files = ["chunks/000001"];
      if (again.index.symbols.count === block.index.symbols.count) files.push("index");
      else withUnusedSymbols.push(name);
      for (const file of files) {
        const [want, got] = await Promise.all([
          readFile(join(dir, file)),
          readFile(join(own, file)),
        ]);
        assert.equal(Buffer.compare(want, got), 0, `${name} ${file}`);
      }
      await Promise.all([block.close(), again.close()]);
      await rm(own, { recursive: true });
    }
  });
  assert.deepEqual(withUnusedSymbols, []);
});

test("BlockWriter refuses series out of order and leaves nothing behind", async () => {
  await withFolder(async (folder) => {
    const options = { ulid: "01HK0000000000000000000000", minTime: 0, maxTime: 10 };
    const writer = await BlockWriter.create(folder, options);
    await writer.addSeries(Labels.from({ a: "2" }), []);
    await assert.rejects(writer.addSeries(Labels.from({ a: "1" }), []), {
      code: "TSDB_INDEX_ORDER",
    });
    await writer.abandon();
    await assert.rejects(Block.open(join(folder, options.ulid)));
  });
});

test("Block.series() gives what matchers ask for, deleted samples left out", {
  skip: conformanceMissing,
}, async (t) => {
  const { dir } = conformanceBlocks().find(({ name }) => name.startsWith("tombstones"))!;
  const block = await Block.open(dir);
  t.after(() => block.close());
  const context = { signal: new AbortController().signal, warn: () => undefined };
  const select = async (matchers: Matcher[]): Promise<number> => {
    const request = { minTime: 0, maxTime: Number.MAX_SAFE_INTEGER, matchers };
    let count = 0;
    for await (const batch of block.series(request, context)) count += batch.seriesCount;
    return count;
  };
  const names = block.index.labelValues("__name__");
  let total = 0;
  for (const name of names) total += await select([new Matcher("=", "__name__", name)]);
  // Series whose chunks have all been deleted are not there.
  assert.ok(total < block.meta.stats!.numSeries! && total > 490);
  const all = await select([new Matcher("=~", "__name__", ".*")]);
  assert.equal(await select([new Matcher("=", "__name__", "")]), all - total);
  assert.equal(await select([new Matcher("=~", "__name__", ".+")]), total);
  assert.equal(
    await select([
      new Matcher("!=", "__name__", names[0]!),
      new Matcher("=~", "__name__", `${names[0]!}|${names[1]!}`),
    ]),
    await select([new Matcher("=", "__name__", names[1]!)]),
  );
  assert.equal(await select([new Matcher("=", "no_such_label", "")]), all);
  const samples = new SampleColumns();
  const request = {
    minTime: 0,
    maxTime: Number.MAX_SAFE_INTEGER,
    matchers: [new Matcher("!=", "a", "b")],
  };
  for await (const batch of block.series(request, context)) {
    for (let i = 0; i < batch.seriesCount; i++) batch.samplesInto(i, samples);
  }
  assert.ok(samples.count > 0 && samples.count < block.meta.stats!.numSamples!);
});
