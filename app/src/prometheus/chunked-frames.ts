// Splits a streamed remote-read body into frames: uvarint length, 4-byte big-endian CRC-32C, message.
import { crc32c } from "@deucalion/kernels";
import { PrometheusError } from "./errors.ts";

/** Longest frame that is accepted, as in Prometheus' own reader. */
export const frameBytesMax = 50_000_000;

/** Yields the messages of the frames; each is a view of memory that is not used again. Throws PROMETHEUS_FRAME. */
export async function* chunkedFrames(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held: Uint8Array = new Uint8Array(0);
  let parts: Uint8Array[] = [];
  let partBytes = 0;
  let need = 1;
  for await (const part of body) {
    parts.push(part);
    partBytes += part.length;
    if (held.length + partBytes < need) continue;
    let data = Buffer.concat([held, ...parts]) as Uint8Array;
    parts = [];
    partBytes = 0;
    let at = 0;
    for (;;) {
      const head = readHead(data, at);
      if (head === null) {
        need = data.length - at + 1;
        break;
      }
      if (data.length - head.start < head.length + 4) {
        need = head.start - at + head.length + 4;
        break;
      }
      yield checked(data, head.start, head.length);
      at = head.start + 4 + head.length;
    }
    data = data.subarray(at);
    held = data;
  }
  if (held.length + partBytes > 0) {
    throw new PrometheusError("PROMETHEUS_FRAME", "the remote-read stream ends within a frame", {
      bytes: held.length + partBytes,
    });
  }
}

function readHead(data: Uint8Array, at: number): { start: number; length: number } | null {
  let length = 0;
  let scale = 1;
  for (let i = at; i < data.length; i++) {
    length += (data[i]! & 0x7f) * scale;
    if (length > frameBytesMax) {
      throw new PrometheusError(
        "PROMETHEUS_FRAME",
        `a remote-read frame is longer than ${frameBytesMax} bytes`,
        { length },
      );
    }
    if (data[i]! < 0x80) return { start: i + 1, length };
    scale *= 128;
  }
  return null;
}

function checked(data: Uint8Array, start: number, length: number): Uint8Array {
  const want = new DataView(data.buffer, data.byteOffset + start, 4).getUint32(0);
  const got = crc32c(data, start + 4, start + 4 + length);
  if (want !== got >>> 0) {
    throw new PrometheusError(
      "PROMETHEUS_FRAME",
      "checksum of a remote-read frame does not match",
      { want, got },
    );
  }
  return data.subarray(start + 4, start + 4 + length);
}
