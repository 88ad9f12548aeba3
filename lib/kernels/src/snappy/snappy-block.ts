// Snappy blocks: decoding, safe on any input.
//
// uvarint size, then elements by the low two bits of their tag: 0 literal (length − 1 in the upper six bits, 60–63: in
// the next 1–4 bytes), 1 copy (length 4–11, offset of 11 bits), 2 copy (length 1–64, offset of 16 bits), 3 the same with 32.
import { KernelError } from "../errors.ts";

function malformed(at: number): never {
  throw new KernelError("KERNEL_BITS", "snappy block is malformed", { at });
}

/** The size that a block claims to have when it is decoded. Throws KERNEL_BITS. */
export function snappyBlockSize(data: Uint8Array): number {
  let size = 0;
  let scale = 1;
  for (let at = 0; at < 5; at++) {
    const byte = data[at];
    if (byte === undefined) malformed(at);
    size += (byte & 0x7f) * scale;
    if (byte < 0x80) return size;
    scale *= 128;
  }
  return malformed(5);
}

/**
 * Decodes a block. Throws KERNEL_RANGE if it claims more than `bytesMax` or more than any input of its length can hold,
 * before anything is allocated, and KERNEL_BITS if it is malformed.
 */
export function decodeSnappyBlock(data: Uint8Array, bytesMax: number): Uint8Array {
  const size = snappyBlockSize(data);
  // The best a block can do is a copy of 64 bytes in three.
  if (size > bytesMax || size > 22 * data.length + 64) {
    throw new KernelError("KERNEL_RANGE", "snappy block claims too large a size", { size });
  }
  const out = new Uint8Array(size);
  const end = data.length;
  let at = 0;
  while (data[at++]! >= 0x80);
  let to = 0;
  while (at < end) {
    const tag = data[at++]!;
    const kind = tag & 3;
    if (kind === 0) {
      let length = (tag >>> 2) + 1;
      if (length > 60) {
        const bytes = length - 60;
        if (at + bytes > end) malformed(at);
        length = 1;
        for (let i = 0; i < bytes; i++) length += data[at + i]! * 256 ** i;
        at += bytes;
      }
      if (at + length > end || to + length > size) malformed(at);
      if (length > 16) out.set(data.subarray(at, at + length), to);
      else for (let i = 0; i < length; i++) out[to + i] = data[at + i]!;
      at += length;
      to += length;
      continue;
    }
    const bytes = kind === 3 ? 4 : kind;
    if (at + bytes > end) malformed(at);
    let length = (tag >>> 2) + 1;
    let offset = data[at]!;
    if (kind === 1) {
      length = ((tag >>> 2) & 7) + 4;
      offset += (tag >>> 5) * 256;
    } else {
      for (let i = 1; i < bytes; i++) offset += data[at + i]! * 256 ** i;
    }
    at += bytes;
    if (offset === 0 || offset > to || to + length > size) malformed(at);
    if (offset >= length && length > 16) out.copyWithin(to, to - offset, to - offset + length);
    else for (let i = 0; i < length; i++) out[to + i] = out[to + i - offset]!;
    to += length;
  }
  if (to !== size) malformed(at);
  return out;
}
