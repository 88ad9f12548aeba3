// Series entries in a cache that keeps them one by one: their bytes without length and checksum.
import { crc32c } from "@deucalion/kernels";
import type { BlockIo } from "./block-io.ts";

/** Entries of `postings` that the cache has, by their offset; undefined where it keeps none. */
export async function knownEntries(
  io: BlockIo,
  postings: Uint32Array,
  scale: number,
): Promise<ReadonlyMap<number, Uint8Array> | undefined> {
  if (io.cache === undefined || postings.length === 0) return undefined;
  const references = Array.from(postings, (posting) => posting * scale);
  return io.cache.series(io.block, references, io.signal);
}

/** The entry as it stands in an index: length, bytes, checksum. */
export function framedEntry(entry: Uint8Array): Uint8Array {
  const framed = new Uint8Array(entry.length + 14);
  let at = 0;
  let length = entry.length;
  for (; length >= 128; length >>>= 7) framed[at++] = (length & 127) | 128;
  framed[at++] = length;
  framed.set(entry, at);
  at += entry.length;
  new DataView(framed.buffer).setUint32(at, crc32c(entry, 0, entry.length) >>> 0);
  return framed.subarray(0, at + 4);
}

/** Gives the cache an entry that was read and verified: `bytes` of `data` at `offset`. */
export function rememberEntry(
  io: BlockIo,
  reference: number,
  data: Uint8Array,
  offset: number,
  bytes: number,
): void {
  let start = offset;
  while (data[start]! >= 128) start++;
  io.cache?.storeSeries(io.block, reference, data.subarray(start + 1, offset + bytes - 4));
}
