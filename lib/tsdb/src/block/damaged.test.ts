// Damaged real blocks: what is wrong is told by a code, at opening or when the damaged part is read.
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { Matcher, SampleColumns } from "@deucalion/model";
import { conformanceMissing, conformanceRoot } from "../testing/mod.ts";
import { Block } from "./block.ts";

/** Code that the block is refused with, or "" if it reads well. */
const expected: Readonly<Record<string, string>> = {
  "chunk-bad-crc": "TSDB_CHUNK_CHECKSUM",
  "chunk-bad-magic": "TSDB_SEGMENT_HEADER",
  "chunk-file-missing": "TSDB_CHUNK_RANGE",
  "chunk-file-truncated": "TSDB_CHUNK_RANGE",
  "deletion-mark": "",
  "index-bad-magic": "TSDB_INDEX_HEADER",
  "index-bad-series-byte": "TSDB_INDEX_CHECKSUM",
  "index-bad-symbol-byte": "TSDB_INDEX_CHECKSUM",
  "index-bad-toc-crc": "TSDB_INDEX_TOC",
  "index-missing": "ENOENT",
  "index-truncated": "TSDB_INDEX_TOC",
  "meta-empty": "TSDB_META",
  "meta-missing": "ENOENT",
  "meta-no-thanos": "",
  "meta-not-json": "TSDB_META",
  "meta-version-2": "TSDB_META",
  "no-compact-mark": "",
};

async function readAll(dir: string): Promise<number> {
  const block = await Block.open(dir);
  try {
    const samples = new SampleColumns();
    const matchers = [new Matcher("=~", "__name__", ".+")];
    const request = { minTime: 0, maxTime: Number.MAX_SAFE_INTEGER, matchers };
    const context = { signal: new AbortController().signal, warn: () => undefined };
    for await (const batch of block.series(request, context)) {
      for (let i = 0; i < batch.seriesCount; i++) batch.samplesInto(i, samples);
    }
    return samples.count;
  } finally {
    await block.close();
  }
}

test("Block says what is wrong with a damaged block", { skip: conformanceMissing }, async (t) => {
  for (const [name, code] of Object.entries(expected)) {
    const folder = join(conformanceRoot, "blocks", "damaged", name);
    if (!existsSync(folder)) continue;
    const dir = join(folder, readdirSync(folder).find((entry) => entry.startsWith("01"))!);
    await t.test(name, async () => {
      if (code === "") assert.ok((await readAll(dir)) > 0);
      else await assert.rejects(readAll(dir), { code });
    });
  }
});
