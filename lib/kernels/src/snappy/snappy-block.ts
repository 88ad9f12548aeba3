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
 * Decodes a block, to the beginning of `memory` if that is given and large enough. Throws KERNEL_RANGE if it claims more
 * than `bytesMax` or more than any input of its length can hold, before anything is allocated, and KERNEL_BITS if it is
 * malformed.
 */
export function decodeSnappyBlock(
  data: Uint8Array,
  bytesMax: number,
  memory?: Uint8Array,
): Uint8Array {
  const size = snappyBlockSize(data);
  // The best a block can do is a copy of 64 bytes in three.
  if (size > bytesMax || size > 22 * data.length + 64) {
    throw new KernelError("KERNEL_RANGE", "snappy block claims too large a size", { size });
  }
  const out =
    memory !== undefined && memory.length >= size ? memory.subarray(0, size) : new Uint8Array(size);
  const plain = new DataView(out.buffer, out.byteOffset, size);
  const packed = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const end = data.length;
  let at = 0;
  while (data[at++]! >= 0x80);
  let to = 0;
  while (at < end) {
    const tag = data[at++]!;
    const kind = tag & 3;
    let length = (tag >>> 2) + 1;
    if (kind === 0) {
      if (length > 60) {
        const bytes = length - 60;
        if (at + bytes > end) malformed(at);
        length = 1;
        for (let i = 0; i < bytes; i++) length += data[at + i]! * 256 ** i;
        at += bytes;
      }
      if (at + length > end || to + length > size) malformed(at);
      if (length > 64) out.set(data.subarray(at, at + length), to);
      else if (at + length + 3 <= end && to + length + 3 <= size) {
        // Four bytes a step, beyond the end where that is written later.
        for (let i = 0; i < length; i += 4) {
          plain.setInt32(to + i, packed.getInt32(at + i, true), true);
        }
      } else for (let i = 0; i < length; i++) out[to + i] = data[at + i]!;
      at += length;
      to += length;
      continue;
    }
    let offset = 0;
    if (kind === 1) {
      if (at + 1 > end) malformed(at);
      length = ((tag >>> 2) & 7) + 4;
      offset = ((tag >>> 5) << 8) | data[at]!;
      at += 1;
    } else if (kind === 2) {
      if (at + 2 > end) malformed(at);
      offset = data[at]! | (data[at + 1]! << 8);
      at += 2;
    } else {
      if (at + 4 > end) malformed(at);
      offset = packed.getUint32(at, true);
      at += 4;
    }
    if (offset === 0 || offset > to || to + length > size) malformed(at);
    const from = to - offset;
    if (offset >= 4 && to + length + 3 <= size) {
      for (let i = 0; i < length; i += 4) {
        plain.setInt32(to + i, plain.getInt32(from + i, true), true);
      }
    } else for (let i = 0; i < length; i++) out[to + i] = out[from + i]!;
    to += length;
  }
  if (to !== size) malformed(at);
  return out;
}
