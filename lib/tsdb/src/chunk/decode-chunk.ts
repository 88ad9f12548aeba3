// Decodes chunks of every encoding into columns.
import { decodeXorInto, KernelError } from "@deucalion/kernels";
import { ChunkEncoding, type SampleColumns } from "@deucalion/model";
import { TsdbError } from "../errors.ts";
import { decodeHistogramInto } from "./decode-histogram.ts";
import { decodeXor2Into } from "./decode-xor2.ts";

/**
 * Appends the samples of the chunk `data[offset, offset + length)` to `out`; a `ChunkDecoder` of the model.
 * Start timestamps go to `out.startTimes`. Keeps no reference to `data`. Downsampled chunks (encoding 255) are first
 * split with `aggregateChunks`. Throws TSDB_CHUNK_ENCODING or TSDB_CHUNK_DATA, and then leaves `out.count` as it was.
 */
export function decodeChunkInto(
  encoding: number,
  data: Uint8Array,
  offset: number,
  length: number,
  out: SampleColumns,
): void {
  try {
    switch (encoding) {
      case ChunkEncoding.xor:
        decodeFloatsInto(data, offset, length, out);
        return;
      case ChunkEncoding.xor2:
        decodeXor2Into(data, offset, length, out);
        return;
      case ChunkEncoding.histogram:
      case ChunkEncoding.floatHistogram:
      case ChunkEncoding.histogramST:
      case ChunkEncoding.floatHistogramST:
        decodeHistogramInto(
          {
            integer: encoding === ChunkEncoding.histogram || encoding === ChunkEncoding.histogramST,
            startTimes: encoding >= ChunkEncoding.histogramST,
          },
          data,
          offset,
          length,
          out,
        );
        return;
      default:
        throw new TsdbError("TSDB_CHUNK_ENCODING", "chunk encoding is not one we read", {
          encoding,
        });
    }
  } catch (thrown) {
    if (!(thrown instanceof KernelError)) throw thrown;
    const data = { encoding, offset, length, ...thrown.data };
    throw new TsdbError("TSDB_CHUNK_DATA", thrown.message, data, { cause: thrown });
  }
}

/** Samples that a chunk says it holds, from its header; 0 if it is too short. */
export function chunkSampleCount(encoding: number, data: Uint8Array, offset: number): number {
  const word = ((data[offset] ?? 0) << 8) | (data[offset + 1] ?? 0);
  const startTimes =
    encoding === ChunkEncoding.histogramST || encoding === ChunkEncoding.floatHistogramST;
  return startTimes ? word & 0x3fff : word;
}

function decodeFloatsInto(
  data: Uint8Array,
  offset: number,
  length: number,
  out: SampleColumns,
): void {
  const first = out.count;
  if (out.memory === null) decodeXorInto(data, offset, length, out);
  else out.memory.decodeXorInto(data, offset, length, out);
  if (out.startTimes !== null) out.startTimes.fill(0, first, out.count);
  if (out.histograms !== null) {
    for (let i = first; i < out.count; i++) out.histograms[i] = undefined;
  }
}
