// Reads the chunks of some series of a block into chunk columns.
import { messageOf } from "@deucalion/base";
import { Aggregate, ChunkColumns, ChunkEncoding } from "@deucalion/model";
import { isNotFound } from "@deucalion/objstore";
import { AggregateParts } from "@deucalion/tsdb";
import type { BlockIo } from "./block-io.ts";
import type { CallBudget } from "./call-budget.ts";
import { planReads } from "./plan-reads.ts";
import type { CallBuffers } from "./read-buffers.ts";
import type { SeriesRows } from "./series-rows.ts";
import type { ServeOptions } from "./serve-options.ts";

/** No chunk is longer; a length beyond it is damage, and not a reason to read half the segment. */
const chunkBytesMax = 16 << 20;

export interface ChunkFetch {
  readonly io: BlockIo;
  readonly buffers: CallBuffers;
  readonly budget: CallBudget;
  readonly options: ServeOptions;
  /** What a chunk of unknown length is taken for. */
  readonly bytesGuess: number;
  /** Which values of downsampled chunks are wanted. */
  readonly aggregates: readonly number[];
  /** Told of each chunk that cannot be used. */
  readonly damaged: (message: string) => void;
}

/** Where a chunk lies in a buffer, once its length and checksum are verified. */
interface Found {
  buffer: number;
  encoding: number;
  offset: number;
  length: number;
}

/** Columns for series `order[from … to)`, with their labels only. */
export function labelColumns(
  rows: SeriesRows,
  order: Uint32Array,
  from: number,
  to: number,
): ChunkColumns {
  const columns = new ChunkColumns(to - from, 0);
  const labels = columns.addBuffer(rows.labels.data);
  for (let i = from; i < to; i++) {
    const row = order[i]!;
    columns.addSeries(labels, rows.labelStart[row]!, rows.labelEnd[row]!);
  }
  return columns;
}

/**
 * Columns for series `order[from … to)` with their chunks. Every checksum is verified; a chunk that is damaged, cut off or
 * in a missing segment is reported and left out, and a series left without chunks too.
 */
export async function chunkColumns(
  rows: SeriesRows,
  order: Uint32Array,
  from: number,
  to: number,
  fetch: ChunkFetch,
): Promise<ChunkColumns> {
  const { io, options } = fetch;
  let count = 0;
  for (let i = from; i < to; i++) count += rows.first[order[i]! + 1]! - rows.first[order[i]!]!;
  fetch.budget.chargeChunks(count);
  const chunks = new Uint32Array(count);
  let n = 0;
  let ascending = true;
  for (let i = from; i < to; i++) {
    const row = order[i]!;
    for (let c = rows.first[row]!; c < rows.first[row + 1]!; c++) {
      if (n > 0 && rows.ref[chunks[n - 1]!]! > rows.ref[c]!) ascending = false;
      chunks[n++] = c;
    }
  }
  if (!ascending) chunks.sort((a, b) => rows.ref[a]! - rows.ref[b]!);
  const starts = new Float64Array(count);
  const ends = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const c = chunks[i]!;
    starts[i] = rows.ref[c]!;
    ends[i] = rows.refEnd[c]! || rows.ref[c]! + fetch.bytesGuess;
  }
  const plan = planReads(starts, ends, count, options.gapBytes, options.readBytesMax);
  const reads = await io.all(plan, (at, length) => readOrReport(fetch, at, length));
  const columns = new ChunkColumns(to - from, count * Math.max(1, fetch.aggregates.length));
  const labels = columns.addBuffer(rows.labels.data);
  for (const read of reads) columns.addBuffer(read.data);
  const readOf = new Uint32Array(rows.chunkCount);
  for (let i = 0; i < count; i++) readOf[chunks[i]!] = plan.readOf[i]!;
  const found: Found = { buffer: 0, encoding: 0, offset: 0, length: 0 };
  const parts = new AggregateParts();
  for (let i = from; i < to; i++) {
    const row = order[i]!;
    columns.addSeries(labels, rows.labelStart[row]!, rows.labelEnd[row]!);
    const before = columns.chunkCount;
    for (let c = rows.first[row]!; c < rows.first[row + 1]!; c++) {
      const read = readOf[c]!;
      found.buffer = read + 1;
      let ok = locate(reads[read]!, rows.ref[c]! - plan.from[read]!, found, fetch);
      if (ok === "longer") ok = await locateLong(rows.ref[c]!, found, columns, fetch);
      if (ok !== "found") continue;
      addChunk(columns, rows.minTime[c]!, rows.maxTime[c]!, found, parts, fetch);
    }
    if (columns.chunkCount === before) columns.seriesCount--;
  }
  return columns;
}

/** A read, or why the segment cannot be read at all. `wanted` is what was asked for. */
interface SegmentRead {
  readonly data: Uint8Array;
  readonly wanted: number;
  readonly missing: string;
}

async function readOrReport(
  { io, buffers }: ChunkFetch,
  at: number,
  wanted: number,
): Promise<SegmentRead> {
  try {
    return { data: await io.chunks(at, wanted, buffers.take), wanted, missing: "" };
  } catch (error) {
    // A missing segment costs its own chunks; anything else may pass, and fails the block.
    if (!isNotFound(error)) throw error;
    return { data: new Uint8Array(0), wanted, missing: messageOf(error) };
  }
}

type Outcome = "found" | "longer" | "damaged";

// Chunk in a segment: uvarint length, encoding byte, data, BE32 CRC-32C of encoding and data.
function locate(read: SegmentRead, at: number, found: Found, fetch: ChunkFetch): Outcome {
  const { data } = read;
  if (read.missing !== "") {
    fetch.damaged(read.missing);
    return "damaged";
  }
  const from = at | 0;
  let length = 0;
  let scale = 1;
  let next = from;
  for (;;) {
    const byte = data[next++];
    if (byte === undefined) return cutOff(read, fetch);
    length += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
    scale *= 128;
    if (next - from > 5) {
      fetch.damaged("chunk length is malformed");
      return "damaged";
    }
  }
  if (length > chunkBytesMax) {
    fetch.damaged("chunk length is malformed");
    return "damaged";
  }
  const end = (next + 1 + length) | 0;
  if (end + 4 > data.length) return cutOff(read, fetch);
  const stored =
    ((data[end]! << 24) | (data[end + 1]! << 16) | (data[end + 2]! << 8) | data[end + 3]!) >>> 0;
  if (fetch.buffers.crc32c(data, next, end) !== stored) {
    fetch.damaged("chunk checksum mismatch");
    return "damaged";
  }
  found.encoding = data[next]!;
  found.offset = next + 1;
  found.length = length;
  return "found";
}

function cutOff(read: SegmentRead, fetch: ChunkFetch): Outcome {
  if (read.data.length === read.wanted) return "longer";
  fetch.damaged("segment ends within a chunk");
  return "damaged";
}

/** A chunk longer than guessed: read again by itself, growing until it fits. */
async function locateLong(
  ref: number,
  found: Found,
  columns: ChunkColumns,
  fetch: ChunkFetch,
): Promise<Outcome> {
  for (let length = 4 * fetch.bytesGuess; ; length *= 8) {
    const read = await readOrReport(fetch, ref, length);
    found.buffer = columns.buffers.length;
    const outcome = locate(read, 0, found, fetch);
    if (outcome === "longer") continue;
    if (outcome === "found") columns.addBuffer(read.data);
    return outcome;
  }
}

function addChunk(
  columns: ChunkColumns,
  minTime: number,
  maxTime: number,
  { buffer, encoding, offset, length }: Found,
  parts: AggregateParts,
  fetch: ChunkFetch,
): void {
  if (encoding !== ChunkEncoding.aggregated) {
    columns.addChunk(minTime, maxTime, encoding, Aggregate.raw, buffer, offset, length);
    return;
  }
  try {
    parts.read(columns.buffers[buffer]!, offset, length);
  } catch (error) {
    fetch.damaged(messageOf(error));
    return;
  }
  const before = columns.chunkCount;
  for (let i = 0; i < parts.count; i++) {
    const aggregate = parts.aggregate[i]!;
    if (!fetch.aggregates.includes(aggregate)) continue;
    const [at, bytes] = [parts.offset[i]!, parts.length[i]!];
    columns.addChunk(minTime, maxTime, parts.encoding[i]!, aggregate, buffer, at, bytes);
  }
  if (columns.chunkCount === before)
    columns.addChunk(minTime, maxTime, ChunkEncoding.none, Aggregate.raw, 0, 0, 0);
}
