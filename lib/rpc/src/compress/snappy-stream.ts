// Snappy's framing format, which Thanos uses to compress gRPC messages: one stream for each message.
//
//   stream:  ff 06 00 00 "sNaPpY"  chunk*          chunk:  type(1)  length(3, little endian)  body
//   body of 00 (compressed) and 01 (as it is):  masked CRC32C of the plain bytes (4, little endian)  data
//   fe is padding, 80…fd are skipped, 02…7f are errors; a chunk holds at most 65,536 plain bytes.
import { crc32c, decodeSnappyBlock, SnappyEncoder, snappyBytesMax } from "@deucalion/kernels";
import { RpcError } from "../errors.ts";

const chunkBytesMax = 65_536;
const identifier = Uint8Array.of(0xff, 6, 0, 0, 0x73, 0x4e, 0x61, 0x50, 0x70, 0x59);

function maskedCrc(data: Uint8Array, start: number, end: number): number {
  const crc = crc32c(data, start, end) >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** Compresses one message. An encoder that is kept saves making its table anew. */
export function encodeSnappyStream(
  message: Uint8Array,
  encoder: SnappyEncoder = new SnappyEncoder(),
): Uint8Array {
  const chunks = Math.ceil(message.length / chunkBytesMax);
  const out = new Uint8Array(identifier.length + snappyBytesMax(message.length) + chunks * 48);
  out.set(identifier);
  let to = identifier.length;
  for (let at = 0; at < message.length; at += chunkBytesMax) {
    const end = Math.min(at + chunkBytesMax, message.length);
    const body = to + 8;
    let stop = encoder.encodeInto(message, at, end, out, body);
    const useful = stop - body < end - at - ((end - at) >>> 3);
    if (!useful) {
      out.set(message.subarray(at, end), body);
      stop = body + end - at;
    }
    const length = stop - to - 4;
    const crc = maskedCrc(message, at, end);
    out[to] = useful ? 0 : 1;
    for (let i = 0; i < 3; i++) out[to + 1 + i] = length >>> (8 * i);
    for (let i = 0; i < 4; i++) out[to + 4 + i] = crc >>> (8 * i);
    to = stop;
  }
  return out.subarray(0, to);
}

function fail(message: string, at: number): never {
  throw new RpcError("RPC_SNAPPY", `snappy: ${message}`, { at });
}

function plainChunk(data: Uint8Array, start: number, end: number, compressed: boolean): Uint8Array {
  if (!compressed) return data.subarray(start, end);
  try {
    return decodeSnappyBlock(data.subarray(start, end), chunkBytesMax);
  } catch (cause) {
    throw new RpcError("RPC_SNAPPY", "snappy: block is corrupt", { at: start }, { cause });
  }
}

/** Decompresses one message; throws RPC_SNAPPY, and RPC_MESSAGE_SIZE past `bytesMax` plain bytes. */
export function decodeSnappyStream(data: Uint8Array, bytesMax: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let total = 0;
  let at = 0;
  let identified = false;
  while (at < data.length) {
    if (data.length - at < 4) fail("chunk header is cut off", at);
    const type = data[at]!;
    const length = data[at + 1]! | (data[at + 2]! << 8) | (data[at + 3]! << 16);
    const start = at + 4;
    const end = start + length;
    if (end > data.length) fail("chunk is cut off", at);
    at = end;
    if (type === 0xff) {
      for (let i = 4; i < 10; i++) {
        if (length !== 6 || data[start + i - 4] !== identifier[i])
          fail("not a snappy stream", start);
      }
      identified = true;
      continue;
    }
    if (!identified) fail("stream identifier is missing", start);
    if (type >= 0x80) continue;
    if (type > 1) fail(`chunk type ${type} is reserved`, start);
    if (length < 4) fail("chunk has no checksum", start);
    const plain = plainChunk(data, start + 4, end, type === 0);
    if (plain.length > chunkBytesMax) fail("chunk is larger than 64 KiB", start);
    total += plain.length;
    if (total > bytesMax) {
      throw new RpcError("RPC_MESSAGE_SIZE", "decompressed message is too large", { bytesMax });
    }
    const want =
      (data[start]! |
        (data[start + 1]! << 8) |
        (data[start + 2]! << 16) |
        (data[start + 3]! << 24)) >>>
      0;
    if (maskedCrc(plain, 0, plain.length) !== want) fail("checksum does not match", start);
    parts.push(plain);
  }
  if (!identified && data.length > 0) fail("stream identifier is missing", 0);
  if (parts.length === 1) return parts[0]!;
  const out = new Uint8Array(total);
  let to = 0;
  for (const part of parts) {
    out.set(part, to);
    to += part.length;
  }
  return out;
}
