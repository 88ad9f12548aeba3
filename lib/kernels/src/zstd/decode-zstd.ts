// Zstandard frames: decoding, safe on any input.
//
// Frame: magic, descriptor, [window], [dictionary], [content size]; blocks: three bytes (last, type, size), then raw
// bytes, one byte to repeat, or literals and sequences; [four bytes of checksum, which is left to the caller's own].
import { KernelError } from "../errors.ts";
import { malformedZstd } from "./fse-table.ts";
import type { HuffmanTable } from "./huffman-table.ts";
import { blockBytesMax, readLiterals } from "./literals.ts";
import { runSequences, type SequenceSink, type SequenceTables } from "./sequences.ts";

/** Output that grows as bytes come, up to a limit. */
class Output implements SequenceSink {
  data: Uint8Array;
  length = 0;
  readonly #bytesMax: number;
  /** Start of the frame, before which no match reaches, and end of what the block may hold. */
  frameStart = 0;
  blockEnd = 0;
  #literals: Uint8Array = new Uint8Array(0);
  #used = 0;

  constructor(capacity: number, bytesMax: number) {
    this.data = new Uint8Array(capacity);
    this.#bytesMax = bytesMax;
  }

  #reserve(count: number): number {
    const at = this.length;
    const end = at + count;
    if (end > this.#bytesMax) {
      throw new KernelError("KERNEL_RANGE", "zstd frame is too large", {
        bytesMax: this.#bytesMax,
      });
    }
    if (end > this.data.length) {
      const larger = new Uint8Array(Math.min(this.#bytesMax, Math.max(end, 2 * this.data.length)));
      larger.set(this.data.subarray(0, at));
      this.data = larger;
    }
    this.length = end;
    return at;
  }

  append(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    this.data.set(bytes, at);
  }

  repeat(byte: number, count: number): void {
    const at = this.#reserve(count);
    this.data.fill(byte, at, at + count);
  }

  /** Begins a block with these literals. */
  begin(literals: Uint8Array): void {
    this.#literals = literals;
    this.#used = 0;
    this.blockEnd = this.length + blockBytesMax;
  }

  literals(count: number): void {
    const end = this.#used + count;
    if (end > this.#literals.length || this.length + count > this.blockEnd) {
      malformedZstd("more literals are used than there are");
    }
    this.append(this.#literals.subarray(this.#used, end));
    this.#used = end;
  }

  match(offset: number, length: number): void {
    if (offset <= 0 || offset > this.length - this.frameStart)
      malformedZstd("match reaches too far");
    if (this.length + length > this.blockEnd) malformedZstd("block is too large");
    const at = this.#reserve(length);
    const data = this.data;
    if (offset >= length) data.copyWithin(at, at - offset, at - offset + length);
    else for (let i = 0; i < length; i++) data[at + i] = data[at + i - offset]!;
  }

  /** Ends a block with what is left of its literals. */
  end(): void {
    this.literals(this.#literals.length - this.#used);
  }
}

/**
 * Decodes the frames of `data`. Memory grows with what is decoded, never with what a header claims. Throws KERNEL_RANGE
 * past `bytesMax` and KERNEL_BITS on malformed input; dictionaries are not supported.
 */
export function decodeZstd(data: Uint8Array, bytesMax: number): Uint8Array {
  const out = new Output(Math.min(bytesMax, 4 * data.length + 64), bytesMax);
  for (let at = 0; at < data.length; ) at = decodeFrame(data, at, out);
  return out.data.length === out.length ? out.data : out.data.slice(0, out.length);
}

function decodeFrame(data: Uint8Array, from: number, out: Output): number {
  const byte = (i: number): number => data[i] ?? malformedZstd("frame is cut off");
  const magic =
    byte(from) | (byte(from + 1) << 8) | (byte(from + 2) << 16) | (byte(from + 3) << 24);
  if ((magic & -16) === 0x184d2a50) {
    const size =
      byte(from + 4) + byte(from + 5) * 256 + byte(from + 6) * 65536 + byte(from + 7) * 16777216;
    if (from + 8 + size > data.length) malformedZstd("frame is cut off");
    return from + 8 + size;
  }
  if (magic !== (0xfd2fb528 | 0)) malformedZstd("magic number");
  const descriptor = byte(from + 4);
  const single = (descriptor & 0x20) !== 0;
  if ((descriptor & 8) !== 0) malformedZstd("reserved bit of the frame is set");
  if ((descriptor & 3) !== 0) malformedZstd("dictionaries are not supported");
  const sizeBytes = [single ? 1 : 0, 2, 4, 8][descriptor >>> 6]!;
  let at = from + 5 + (single ? 0 : 1);
  let size = 0;
  for (let i = sizeBytes - 1; i >= 0; i--) size = size * 256 + byte(at + i);
  if (sizeBytes === 2) size += 256;
  at += sizeBytes;

  out.frameStart = out.length;
  const repeats = [1, 4, 8];
  let huffman: HuffmanTable | null = null;
  let tables: SequenceTables | null = null;
  for (let last = false; !last; ) {
    const header = byte(at) | (byte(at + 1) << 8) | (byte(at + 2) << 16);
    at += 3;
    last = (header & 1) === 1;
    const type = (header >> 1) & 3;
    const count = header >> 3;
    if (count > blockBytesMax || type === 3) malformedZstd("block header");
    if (type === 1) {
      out.repeat(byte(at), count);
      at += 1;
      continue;
    }
    const end = at + count;
    if (end > data.length) malformedZstd("block is cut off");
    if (type === 0) {
      out.append(data.subarray(at, end));
    } else {
      const literals = readLiterals(data, at, end, huffman);
      huffman = literals.table;
      out.begin(literals.bytes);
      tables = runSequences(data, literals.end, end, tables, repeats, out);
      out.end();
    }
    at = end;
  }
  if (sizeBytes > 0 && out.length - out.frameStart !== size) malformedZstd("content size");
  if ((descriptor & 4) === 0) return at;
  if (at + 4 > data.length) malformedZstd("checksum is cut off");
  return at + 4;
}
