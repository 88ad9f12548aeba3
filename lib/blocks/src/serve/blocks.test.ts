// Every block of the conformance data, read through ranges, has the series and chunks it is known to have.
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { crc32c } from "@deucalion/kernels";
import { decodeLabels, Matcher, SampleColumns } from "@deucalion/model";
import { parseBlockMeta } from "../meta/block-meta.ts";
import { conformance, never, openFolder } from "../testing/conformance.ts";

interface Expected {
  readonly labels: Record<string, string>;
  readonly chunks: { mint: number; maxt: number; enc: number; len: number; crc32c: string }[];
  readonly samples?: unknown[];
}

const blocks = join(conformance, "blocks");
const everything = new Matcher("=~", "__name__", ".*");
const allTime = { minTime: Number.MIN_SAFE_INTEGER, maxTime: Number.MAX_SAFE_INTEGER };

/** Folders with blocks, and for each block its file of expected series. */
const cases: [folder: string, expected: (id: string) => string][] = [
  ["floats", () => "expected.jsonl.gz"],
  ["floats-xor2", () => "expected.jsonl.gz"],
  ["hist", () => "expected.jsonl.gz"],
  ["highcard", () => "expected.jsonl.gz"],
  ["ha/bucket", (id) => `-${id}.jsonl.gz`],
  ["downsampled/bucket", (id) => `-${id}.jsonl.gz`],
  ["compaction/input", (id) => `expected-input-${id}.jsonl.gz`],
  ["compaction/output", (id) => `expected-output-${id}.jsonl.gz`],
];

async function expectedOf(folder: string, suffix: string): Promise<Expected[]> {
  const parent = folder.includes("/") ? folder.slice(0, folder.indexOf("/")) : folder;
  const names = await readdir(join(blocks, parent));
  const name = names.find((candidate) => candidate.endsWith(suffix));
  const lines = gunzipSync(await readFile(join(blocks, parent, name!)))
    .toString()
    .trim()
    .split("\n");
  return lines.map((line) => JSON.parse(line) as Expected);
}

for (const [folder, suffix] of cases) {
  test(`blocks/${folder} is served as it is`, async () => {
    const opened = await openFolder(join(blocks, folder));
    try {
      for (const [id, block] of opened.source.blocks) {
        const want = await expectedOf(folder, suffix(id));
        const { resolution } = block.meta.thanos.downsample;
        const request = {
          ...allTime,
          matchers: [everything],
          blockMatchers: [new Matcher("=", "__block_id", id)],
          maxResolutionMs: resolution,
          aggregates: [1, 2, 3, 4, 5] as const,
        };
        const context = { signal: never, warn: (text: string) => assert.fail(text) };
        const got = new Map<string, unknown[]>();
        const samples = new SampleColumns();
        const counts = new Map<string, number>();
        for await (const batch of opened.source.series(request, context)) {
          const columns = batch.chunks!;
          for (let i = 0; i < batch.seriesCount; i++) {
            const key = JSON.stringify(decodeLabels(batch.labels(i)));
            const chunks: unknown[] = [];
            for (let c = columns.first[i]!; c < columns.first[i + 1]!; c++) {
              const start = columns.offset[c]!;
              const end = start + columns.length[c]!;
              const data = columns.buffers[columns.buffer[c]!]!;
              const crc = crc32c(data, start, end).toString(16).padStart(8, "0");
              chunks.push([columns.minTime[c], columns.maxTime[c], columns.encoding[c], crc]);
            }
            assert.ok(!got.has(key), `twice: ${key}`);
            got.set(key, chunks);
            samples.reset();
            batch.samplesInto(i, samples);
            counts.set(key, samples.count);
          }
        }
        assert.equal(got.size, want.length);
        for (const series of want) {
          const labels = { ...series.labels, ...block.meta.thanos.labels };
          const sorted = Object.fromEntries(
            Object.entries(labels).sort(([a], [b]) =>
              Buffer.compare(Buffer.from(a), Buffer.from(b)),
            ),
          );
          const key = JSON.stringify(sorted);
          const chunks = got.get(key);
          assert.ok(chunks !== undefined, `missing: ${key}`);
          if (resolution > 0) {
            const times = new Set(chunks.map((chunk) => JSON.stringify((chunk as []).slice(0, 2))));
            assert.deepEqual(
              [...times],
              series.chunks.map(({ mint, maxt }) => JSON.stringify([mint, maxt])),
            );
            continue;
          }
          const wanted = series.chunks.map(({ mint, maxt, enc, crc32c: crc }) => [
            mint,
            maxt,
            enc,
            crc,
          ]);
          assert.deepEqual(chunks, wanted);
          if (series.samples !== undefined) assert.equal(counts.get(key), series.samples.length);
        }
      }
    } finally {
      await opened.close();
    }
  });
}

test("one block costs few reads, and close ranges come together", async () => {
  const opened = await openFolder(join(blocks, "floats"));
  try {
    const context = { signal: never, warn: (text: string) => assert.fail(text) };
    const select = async (matcher: Matcher): Promise<number> => {
      opened.bucket.resetCounts();
      let series = 0;
      for await (const batch of opened.source.series({ ...allTime, matchers: [matcher] }, context))
        series += batch.seriesCount;
      return series;
    };
    await select(new Matcher("=", "__name__", "nothing"));
    assert.equal(await select(new Matcher("=", "__name__", "nothing")), 0);
    assert.equal(opened.bucket.reads, 0);
    assert.equal(await select(everything), 500);
    // One for postings, one for series entries, one for chunks.
    assert.equal(opened.bucket.reads, 3);
    const size = opened.bucket.requests.map(({ length }) => length);
    const [id] = [...opened.source.blocks.keys()];
    const chunks = await readFile(join(blocks, "floats", id!, "chunks/000001"));
    const index = await readFile(join(blocks, "floats", id!, "index"));
    assert.ok(size.at(-1)! <= chunks.length, "chunks are read once");
    assert.ok(size[0]! + size[1]! <= index.length, "of the index less than all is read");
  } finally {
    await opened.close();
  }
});

test("little memory costs more reads, but not more bytes than are there", async () => {
  const opened = await openFolder(join(blocks, "floats"), { readBytesMax: 64 << 10 });
  try {
    const context = { signal: never, warn: (text: string) => assert.fail(text) };
    for (const _ of [1, 2]) {
      opened.bucket.resetCounts();
      for await (const batch of opened.source.series(
        { ...allTime, matchers: [everything] },
        context,
      ))
        assert.ok(batch.chunks!.buffers.slice(1).every(({ length }) => length < 100_000));
    }
    const [id] = [...opened.source.blocks.keys()];
    const { length } = await readFile(join(blocks, "floats", id!, "chunks/000001"));
    const reads = opened.bucket.requests.filter(({ name }) => name.includes("/chunks/"));
    const bytes = reads.reduce((sum, read) => sum + read.length, 0);
    assert.ok(reads.length <= 2 + length / (32 << 10), `${reads.length} reads of ${length} bytes`);
    assert.ok(bytes <= 1.1 * length, `${bytes} of ${length} bytes`);
  } finally {
    await opened.close();
  }
});

test("blocks with tombstones are served as Thanos does: what is deleted is still there", async () => {
  const opened = await openFolder(join(blocks, "tombstones"));
  try {
    const [id, block] = [...opened.source.blocks][0]!;
    const text = await readFile(join(blocks, "tombstones", id, "meta.json"), "utf8");
    assert.deepEqual(block.meta, parseBlockMeta(text));
    let series = 0;
    const warnings: string[] = [];
    const context = { signal: never, warn: (message: string) => warnings.push(message) };
    for await (const batch of opened.source.series(
      { ...allTime, matchers: [everything], skipChunks: true },
      context,
    ))
      series += batch.seriesCount;
    assert.equal(series, parseBlockMeta(text).stats.numSeries);
    assert.deepEqual(warnings, []);
  } finally {
    await opened.close();
  }
});
