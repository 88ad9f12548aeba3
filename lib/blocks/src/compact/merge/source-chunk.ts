// A chunk on its way from source blocks to a new one.
import type { ChunkMemory } from "@deucalion/kernels";
import { ChunkEncoding } from "@deucalion/model";
import { chunkSampleCount, type EncodedChunk } from "@deucalion/tsdb";

/** A chunk with its bytes. Times in milliseconds, inclusive. `data` is never written to again. */
export interface SourceChunk {
  readonly minTime: number;
  readonly maxTime: number;
  readonly encoding: number;
  readonly data: Uint8Array;
  readonly offset: number;
  readonly length: number;
  /** Where the whole frame (length, encoding, data, checksum) lies in `data`; equal for a chunk without frame. */
  readonly frameStart: number;
  readonly frameEnd: number;
  /** Samples; for downsampled chunks those of its first aggregate. */
  readonly sampleCount: number;
}

/** Samples of a chunk by its header. A downsampled chunk is counted by its count aggregate, as Thanos does. */
export function countChunkSamples(
  encoding: number,
  data: Uint8Array,
  offset: number,
  length: number,
): number {
  if (encoding !== ChunkEncoding.aggregated) return chunkSampleCount(encoding, data, offset);
  let size = 0;
  let at = offset;
  for (let scale = 1; at < offset + length; scale *= 128) {
    const byte = data[at++]!;
    size += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
  }
  return size === 0 ? 0 : chunkSampleCount(data[at]!, data, at + 1);
}

/** A chunk that was just encoded. */
export function fromEncoded(chunk: EncodedChunk): SourceChunk {
  return {
    minTime: chunk.minTime,
    maxTime: chunk.maxTime,
    encoding: chunk.encoding,
    data: chunk.data,
    offset: 0,
    length: chunk.data.length,
    frameStart: 0,
    frameEnd: 0,
    sampleCount: chunk.sampleCount,
  };
}

/** A chunk that was just encoded, with its frame: valid until `memory` is reset. */
export function frameEncoded(chunk: EncodedChunk, memory: ChunkMemory): SourceChunk {
  const { data, encoding } = chunk;
  const { length } = data;
  const frame = memory.alloc(length + 10);
  let at = 0;
  let rest = length;
  for (; rest >= 0x80; rest >>>= 7) frame[at++] = (rest & 0x7f) | 0x80;
  frame[at++] = rest;
  frame[at++] = encoding;
  const offset = at;
  frame.set(data, at);
  at += length;
  const checksum = memory.crc32c(frame, offset - 1, at);
  frame[at++] = checksum >>> 24;
  frame[at++] = checksum >>> 16;
  frame[at++] = checksum >>> 8;
  frame[at++] = checksum;
  return {
    minTime: chunk.minTime,
    maxTime: chunk.maxTime,
    encoding,
    data: frame,
    offset,
    length,
    frameStart: 0,
    frameEnd: at,
    sampleCount: chunk.sampleCount,
  };
}

/** True if both hold the same bytes in the same encoding for the same times. */
export function sameChunk(a: SourceChunk, b: SourceChunk): boolean {
  if (a.minTime !== b.minTime || a.maxTime !== b.maxTime || a.length !== b.length) return false;
  if (a.encoding !== b.encoding) return false;
  for (let i = 0; i < a.length; i++) {
    if (a.data[a.offset + i] !== b.data[b.offset + i]) return false;
  }
  return true;
}
