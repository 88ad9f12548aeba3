// Files of requests that wait for a receiver: frames of a length, a checksum and the request in a snappy block.
//
// Frame: BE32 bytes of the block, BE32 CRC-32C of it, the block. A torn or damaged frame ends its file.
import { crc32c, decodeSnappyBlock, SnappyEncoder } from "@deucalion/kernels";

const headerBytes = 8;
/** Largest request that is kept. */
export const hintBytesMax = 64 * 1024 * 1024;

/** Encodes requests; what comes back is valid until the next call. */
export class HintEncoder {
  readonly #snappy = new SnappyEncoder();
  #frame = new Uint8Array(1 << 16);

  frame(request: Uint8Array): Uint8Array {
    const block = this.#snappy.encode(request);
    const length = headerBytes + block.length;
    if (length > this.#frame.length) this.#frame = new Uint8Array(2 * length);
    const out = this.#frame;
    const view = new DataView(out.buffer);
    view.setUint32(0, block.length);
    view.setUint32(4, crc32c(block, 0, block.length));
    out.set(block, headerBytes);
    return out.subarray(0, length);
  }
}

/** A frame that was read: the request, and where the next one begins. */
export interface ReadHint {
  readonly request: Uint8Array;
  readonly end: number;
}

/** The frame at `at`; "damaged" for one that is torn, not there, or does not fit its checksum. */
export function readHint(data: Uint8Array, at: number): ReadHint | "damaged" {
  const start = at + headerBytes;
  if (start > data.length) return "damaged";
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const end = start + view.getUint32(at);
  if (end > data.length || crc32c(data, start, end) !== view.getUint32(at + 4)) return "damaged";
  try {
    return { request: decodeSnappyBlock(data.subarray(start, end), hintBytesMax), end };
  } catch {
    return "damaged";
  }
}
