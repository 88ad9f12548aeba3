// One message as one gRPC frame.
import type { SnappyEncoder } from "@deucalion/kernels";
import { encodeSnappyStream } from "../compress/snappy-stream.ts";

export type Compression = "none" | "snappy";

/** A gRPC frame around a message, compressed if asked for. Copies the message. */
export function encodeFrame(
  message: Uint8Array,
  compression: Compression,
  encoder?: SnappyEncoder,
): Uint8Array {
  const body = compression === "snappy" ? encodeSnappyStream(message, encoder) : message;
  const frame = new Uint8Array(5 + body.length);
  frame[0] = compression === "snappy" ? 1 : 0;
  putLength(frame, 1, body.length);
  frame.set(body, 5);
  return frame;
}

/** Writes a frame's length, big endian. */
export function putLength(out: Uint8Array, at: number, length: number): void {
  out[at] = length >>> 24;
  out[at + 1] = length >>> 16;
  out[at + 2] = length >>> 8;
  out[at + 3] = length;
}
