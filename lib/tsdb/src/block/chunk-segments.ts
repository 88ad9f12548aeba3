// The chunk segments of one block, read by chunk references in few joined ranges.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { TsdbError } from "../errors.ts";
import { type ByteRange, coalesceRanges } from "../index/coalesce-ranges.ts";
import type { RangeReader } from "../index/range-reader.ts";
import { ChunkFrame, checkSegmentHeader, segmentHeaderBytes } from "./chunk-frame.ts";
import { type FileRanges, openFileRanges } from "./file-ranges.ts";

/** Gap across which reads are joined, bytes of one read, bytes guessed for a chunk of unknown length. */
const gapMax = 32 * 1024;
const readMax = 4 * 1024 * 1024;
const guessBytes = 4096;

/** Chunks that were read, by their place in the list of references asked for. */
export interface ReadChunks {
  readonly buffers: readonly Uint8Array[];
  readonly buffer: Uint32Array;
  readonly offset: Uint32Array;
  readonly length: Uint32Array;
  readonly encoding: Uint8Array;
}

/** Reads chunks of a block. Segment n holds the references n × 2^32 … */
export class ChunkSegments {
  readonly #segments: readonly RangeReader[];

  /** `segments` in order; they stay the caller's to close. */
  constructor(segments: readonly RangeReader[]) {
    this.#segments = segments;
  }

  /** Checks the header of every segment. Throws TSDB_SEGMENT_HEADER. */
  async checkHeaders(signal?: AbortSignal): Promise<void> {
    for (const segment of this.#segments) {
      const size = Math.min(segment.size, segmentHeaderBytes);
      checkSegmentHeader(await segment.read(0, size, signal));
    }
  }

  /** Reads the chunks at `refs`, in any order; checks each checksum. Throws TSDB_CHUNK_*. */
  async read(refs: ArrayLike<number>, signal?: AbortSignal): Promise<ReadChunks> {
    const count = refs.length;
    const sorted = Uint32Array.from({ length: count }, (_, i) => i);
    sorted.sort((a, b) => refs[a]! - refs[b]!);
    const out = {
      buffers: [] as Uint8Array[],
      buffer: new Uint32Array(count),
      offset: new Uint32Array(count),
      length: new Uint32Array(count),
      encoding: new Uint8Array(count),
    };
    const frame = new ChunkFrame();
    for (let at = 0; at < count; ) {
      const segment = Math.floor(refs[sorted[at]!]! / 4294967296);
      let end = at + 1;
      while (end < count && Math.floor(refs[sorted[end]!]! / 4294967296) === segment) end++;
      await this.#readSegment(segment, refs, sorted.subarray(at, end), frame, out, signal);
      at = end;
    }
    return out;
  }

  async #readSegment(
    index: number,
    refs: ArrayLike<number>,
    sorted: Uint32Array,
    frame: ChunkFrame,
    out: ReadChunks & { buffers: Uint8Array[] },
    signal?: AbortSignal,
  ): Promise<void> {
    const segment = this.#segments[index];
    if (segment === undefined) {
      throw new TsdbError("TSDB_CHUNK_RANGE", `segment index ${index} out of range`, { index });
    }
    const offsets = Array.from(sorted, (i) => refs[i]! - index * 4294967296);
    const ranges: ByteRange[] = offsets.map((from, i) => {
      const next = offsets[i + 1] ?? Number.POSITIVE_INFINITY;
      const to = next - from <= 2 * guessBytes && next > from ? next : from + guessBytes;
      return { from, to: Math.min(segment.size, to) };
    });
    for (const { from, to } of ranges) {
      if (from < segmentHeaderBytes || from >= to) {
        throw new TsdbError("TSDB_CHUNK_RANGE", "segment doesn't include the chunk", {
          segment: index,
          offset: from,
          size: segment.size,
        });
      }
    }
    let next = 0;
    for (const { from, to } of coalesceRanges(ranges, gapMax, readMax)) {
      const data = await segment.read(from, to - from, signal);
      const buffer = out.buffers.push(data) - 1;
      for (; next < sorted.length && offsets[next]! < to && offsets[next]! >= from; next++) {
        const at = offsets[next]! - from;
        const row = sorted[next]!;
        out.buffer[row] = buffer;
        if (frame.read(data, at) < 0) {
          const whole = await readWholeFrame(segment, offsets[next]!, frame, signal);
          out.buffer[row] = out.buffers.push(whole) - 1;
        }
        out.offset[row] = frame.offset;
        out.length[row] = frame.length;
        out.encoding[row] = frame.encoding;
      }
    }
  }
}

/** Reads one frame whose size turned out larger than guessed. */
async function readWholeFrame(
  segment: RangeReader,
  offset: number,
  frame: ChunkFrame,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  let need = guessBytes;
  for (let tries = 0; tries < 3; tries++) {
    const length = Math.min(need, segment.size - offset);
    const data = await segment.read(offset, length, signal);
    const used = frame.read(data, 0);
    if (used >= 0) return data;
    if (-used > segment.size - offset) break;
    need = -used;
  }
  const text = "segment doesn't include enough bytes to read the chunk";
  throw new TsdbError("TSDB_CHUNK_RANGE", text, { offset, size: segment.size });
}

/** The segment files of a block folder, in order; none where there is no folder, so that reading a chunk says so. */
export async function openSegmentFiles(dir: string): Promise<FileRanges[]> {
  const folder = join(dir, "chunks");
  const all = await readdir(folder).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === "ENOENT") return [];
    throw thrown;
  });
  const names = all.filter((name) => /^\d{6,}$/.test(name)).sort();
  const files: FileRanges[] = [];
  try {
    for (const name of names) files.push(await openFileRanges(join(folder, name)));
  } catch (thrown) {
    await Promise.all(files.map((file) => file.close()));
    throw thrown;
  }
  return files;
}
