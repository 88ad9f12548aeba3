// Version 1 indexes, made by hand: references are offsets, series are not aligned, the postings table is not sorted.
import assert from "node:assert/strict";
import test from "node:test";
import { ByteWriter } from "@deucalion/base";
import { crc32c } from "@deucalion/kernels";
import { Matcher } from "@deucalion/model";
import { IndexReader } from "./index-reader.ts";
import { memoryRanges } from "./range-reader.ts";
import { seriesLabels } from "./series-labels.ts";
import { encodeIndexToc, indexMagic } from "./toc.ts";

function frame(out: ByteWriter, write: (body: ByteWriter) => void): void {
  const body = new ByteWriter();
  write(body);
  out.u32(body.length);
  out.bytes(body.view());
  out.u32(crc32c(body.view()));
}

/** Two series, {a="x"} and {a="y", b="x"}, with one chunk each. */
function indexV1(): Uint8Array {
  const out = new ByteWriter();
  out.u32(indexMagic);
  out.u8(1);
  const offsetOf = new Map<string, number>();
  const symbols = out.length;
  frame(out, (body) => {
    body.u32(4);
    for (const symbol of ["a", "b", "x", "y"]) {
      offsetOf.set(symbol, symbols + 4 + body.length);
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
    for (const label of labels) body.uvarint(offsetOf.get(label)!);
    body.uvarint(1);
    body.varint(1000 * i);
    body.uvarint(500);
    body.uvarint(8 + i);
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
  list("a", "x", [refs[0]!]);
  list("", "", refs);
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

test("IndexReader reads version 1", async () => {
  const index = await IndexReader.open(memoryRanges(indexV1()));
  assert.deepEqual(index.labelNames(), ["a", "b"]);
  assert.deepEqual(index.labelValues("a"), ["x", "y"]);
  const select = async (matchers: Matcher[]): Promise<unknown[]> => {
    const found: unknown[] = [];
    await index.readSeries(await index.select(matchers), (entry) => {
      const labels = seriesLabels(entry, index.symbols).toJSON();
      found.push([labels, entry.minTimes[0], entry.maxTimes[0], entry.refs[0]]);
    });
    return found;
  };
  const x = [{ a: "x" }, 0, 500, 8];
  const y = [{ a: "y", b: "x" }, 1000, 1500, 9];
  assert.deepEqual(await select([]), [x, y]);
  assert.deepEqual(await select([new Matcher("=", "b", "x")]), [y]);
  assert.deepEqual(await select([new Matcher("=", "b", "")]), [x]);
  assert.deepEqual(await select([new Matcher("=~", "a", "x|y")]), [x, y]);
});
