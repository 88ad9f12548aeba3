// Version 1 indexes, made by hand: references are offsets, series are not aligned, the postings table is not sorted.
import { ByteWriter } from "@deucalion/base";
import { crc32c } from "@deucalion/kernels";
import { encodeIndexToc, indexMagic } from "../index/toc.ts";

function frame(out: ByteWriter, write: (body: ByteWriter) => void): void {
  const body = new ByteWriter();
  write(body);
  out.u32(body.length);
  out.bytes(body.view());
  out.u32(crc32c(body.view()));
}

/** One chunk of a series: its first and last time in milliseconds, and its reference. */
export interface ChunkV1 {
  readonly minTime: number;
  readonly maxTime: number;
  readonly ref: number;
}

/** The index of {a="x"} and {a="y", b="x"}, with one chunk each, its references being offsets. */
export function encodeIndexV1(chunks: readonly [ChunkV1, ChunkV1]): Uint8Array {
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
    const { minTime, maxTime, ref: chunkRef } = chunks[i]!;
    body.varint(minTime);
    body.uvarint(maxTime - minTime);
    body.uvarint(chunkRef);
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
