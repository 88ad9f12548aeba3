// A block whose index has version 1: references are offsets, series are not aligned, the postings table is not sorted.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ByteWriter, silentLog } from "@deucalion/base";
import { crc32c, encodeXor, loadXxhash64 } from "@deucalion/kernels";
import { decodeLabels, Matcher, SampleColumns } from "@deucalion/model";
import { MemoryBucket } from "@deucalion/objstore/testing";
import { encodeIndexV1 } from "@deucalion/tsdb/testing";
import { parseBlockMeta } from "../meta/block-meta.ts";
import { never } from "../testing/conformance.ts";
import { BucketSource } from "./bucket-source.ts";
import { serveDefaults } from "./serve-options.ts";

const id = "01HK0000000000000000000001";

function indexOf([first, second]: number[]): Uint8Array {
  const times = { minTime: 1000, maxTime: 1000 };
  return encodeIndexV1([
    { ...times, ref: first! },
    { ...times, ref: second! },
  ]);
}

function segment(values: number[]): { data: Uint8Array; refs: number[] } {
  const out = new ByteWriter();
  out.u32(0x85bd40dd);
  out.u32(0x01000000);
  const refs = values.map((value) => {
    const ref = out.length;
    const bits = new Uint32Array(Float64Array.of(value).buffer);
    const chunk = encodeXor(Float64Array.of(1000), bits, 0, 1);
    out.uvarint(chunk.length);
    const at = out.length;
    out.u8(1);
    out.bytes(chunk);
    out.u32(crc32c(out.data, at, out.length));
    return ref;
  });
  return { data: out.finish(), refs };
}

test("a block of version 1 is served", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "index-v1-"));
  const bucket = new MemoryBucket();
  const { data, refs } = segment([7, 8]);
  await bucket.upload(`${id}/chunks/000001`, data, {}, never);
  await bucket.upload(`${id}/index`, indexOf(refs), {}, never);
  const text = JSON.stringify({ ulid: id, minTime: 0, maxTime: 2000, version: 1 });
  const metas = new Map([[id, parseBlockMeta(text)]]);
  const deps = { bucket, dataDir, xxhash: await loadXxhash64(), log: silentLog, signal: never };
  const source = new BucketSource(serveDefaults, deps);
  try {
    source.update({ metas, unreadable: new Map() });
    const context = { signal: never, warn: (message: string) => assert.fail(message) };
    const select = async (matcher: Matcher): Promise<unknown[]> => {
      const got: unknown[] = [];
      const samples = new SampleColumns();
      const request = { minTime: 0, maxTime: 5000, matchers: [matcher] };
      for await (const batch of source.series(request, context)) {
        for (let i = 0; i < batch.seriesCount; i++) {
          samples.reset();
          batch.samplesInto(i, samples);
          const labels = decodeLabels(batch.labels(i)).toString();
          got.push([labels, samples.count, samples.values[0]]);
        }
      }
      return got;
    };
    const [x, y] = [
      ['{a="x"}', 1, 7],
      ['{a="y", b="x"}', 1, 8],
    ];
    assert.deepEqual(await select(new Matcher("=~", "a", ".+")), [x, y]);
    assert.deepEqual(await select(new Matcher("=", "b", "")), [x]);
    assert.deepEqual(await select(new Matcher("=", "a", "y")), [y]);
    const all = { minTime: 0, maxTime: 5000, matchers: [] };
    assert.deepEqual(await source.labelNames(all, context), ["a", "b"]);
    assert.deepEqual(await source.labelValues("a", all, context), ["x", "y"]);
    const some = { ...all, matchers: [new Matcher("=", "b", "x")] };
    assert.deepEqual(await source.labelValues("a", some, context), ["y"]);
  } finally {
    source.close();
    await rm(dataDir, { recursive: true });
  }
});
