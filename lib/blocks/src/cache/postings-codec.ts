// Postings in a cache, as Thanos keeps them: a prefix, then differences as uvarints, compressed by snappy.
//
//   "dss" snappy stream of uvarint*      "dvs" snappy block of uvarint*  (read only)
//   without a prefix: count (BE32) then that many postings (BE32)  (read only)
import { decodeSnappyBlock } from "@deucalion/kernels";
import { decodeSnappyStream, encodeSnappyStream } from "@deucalion/rpc";
import { BlocksError } from "../errors.ts";

const streamed = [0x64, 0x73, 0x73];
const block = [0x64, 0x76, 0x73];
const plainBytesMax = 1 << 30;

function startsWith(data: Uint8Array, prefix: readonly number[]): boolean {
  return prefix.every((byte, i) => data[i] === byte);
}

/** Encodes ascending postings. */
export function encodePostings(postings: Uint32Array): Uint8Array {
  const plain = new Uint8Array(postings.length * 5);
  let at = 0;
  let before = 0;
  for (let i = 0; i < postings.length; i++) {
    let delta = postings[i]! - before;
    before = postings[i]!;
    for (; delta >= 128; delta >>>= 7) plain[at++] = (delta & 127) | 128;
    plain[at++] = delta;
  }
  const stream = encodeSnappyStream(plain.subarray(0, at));
  const out = new Uint8Array(streamed.length + stream.length);
  out.set(streamed);
  out.set(stream, streamed.length);
  return out;
}

/** Decodes what `encodePostings` or Thanos wrote. Throws if it is damaged. */
export function decodePostings(data: Uint8Array): Uint32Array {
  if (startsWith(data, streamed))
    return deltas(decodeSnappyStream(data.subarray(3), plainBytesMax));
  if (startsWith(data, block)) return deltas(decodeSnappyBlock(data.subarray(3), plainBytesMax));
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const count = data.length < 4 ? 0 : view.getUint32(0);
  if (data.length !== 4 + 4 * count) throw damaged();
  return Uint32Array.from({ length: count }, (_, i) => view.getUint32(4 + 4 * i));
}

function deltas(plain: Uint8Array): Uint32Array {
  let count = 0;
  for (let i = 0; i < plain.length; i++) if (plain[i]! < 128) count++;
  const postings = new Uint32Array(count);
  let value = 0;
  let at = 0;
  for (let i = 0; i < count; i++) {
    let delta = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = plain[at++]!;
      delta += (byte & 127) * factor;
      if (byte < 128) break;
      if (factor > 2 ** 28) throw damaged();
    }
    value += delta;
    if (value > 0xffff_ffff) throw damaged();
    postings[i] = value;
  }
  if (at !== plain.length) throw damaged();
  return postings;
}

function damaged(): BlocksError {
  return new BlocksError("BLOCKS_INDEX", "cached postings are damaged");
}
