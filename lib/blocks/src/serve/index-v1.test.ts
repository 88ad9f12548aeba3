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
import { encodeIndexToc, indexMagic } from "@deucalion/tsdb";
import { parseBlockMeta } from "../meta/block-meta.ts";
import { never } from "../testing/conformance.ts";
import { BucketSource } from "./bucket-source.ts";
import { serveDefaults } from "./serve-options.ts";

const id = "01HK0000000000000000000001";

function frame(out: ByteWriter, write: (body: ByteWriter) => void): void {
  const body = new ByteWriter();
  write(body);
  out.u32(body.length);
  out.bytes(body.view());
  out.u32(crc32c(body.view()));
}

/** {a="x"} and {a="y", b="x"}, with one chunk each at the given references. */
function indexV1(chunkRefs: number[]): Uint8Array {
  const out = new ByteWriter();
  out.u32(indexMagic);
  out.u8(1);
  const symbolAt = new Map<string, number>();
  const symbols = out.length;
  frame(out, (body) => {
    body.u32(4);
    for (const symbol of ["a", "b", "x", "y"]) {
      symbolAt.set(symbol, symbols + 4 + body.length);
      body.uvarintString(symbol);
    }
  });
  const series = out.length;
  const refs = [
    ["a", "x"],
    ["a", "y", "b", "x"],
  ].map((labels, i) => {
    const ref = out.length;
    const body = new ByteWriter();
    body.uvarint(labels.length / 2);
    for (const label of labels) body.uvarint(symbolAt.get(label)!);
    body.uvarint(1);
    body.varint(1000);
    body.uvarint(0);
    body.uvarint(chunkRefs[i]!);
    out.uvarintBytes(body.view());
    out.u32(crc32c(body.view()));
    return ref;
  });
  const postings = out.length;
  const entries: [string, string, number][] = [];
  const list = (name: string, value: string, some: number[]): void => {
    entries.push([name, value, out.length]);
    frame(out, (body) => {
      body.u32(some.length);
      for (const ref of some) body.u32(ref);
    });
  };
  list("b", "x", [refs[1]!]);
  list("a", "y", [refs[1]!]);
  list("", "", refs);
  list("a", "x", [refs[0]!]);
  const postingsTable = out.length;
  frame(out, (body) => {
    body.u32(entries.length);
    for (const [name, value, offset] of entries) {
      body.u8(2);
      body.uvarintString(name);
      body.uvarintString(value);
      body.uvarint(offset);
    }
  });
  const toc = { symbols, series, labelIndices: postings, labelIndicesTable: postingsTable };
  out.bytes(encodeIndexToc({ ...toc, postings, postingsTable }));
  return out.finish();
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
  await bucket.upload(`${id}/index`, indexV1(refs), {}, never);
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
