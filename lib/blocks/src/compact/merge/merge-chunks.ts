// The chunks of one series from several blocks become the chunks of one block: copied where they do not overlap,
// merged sample by sample where they do.
import type { ChunkMemory } from "@deucalion/kernels";
import { ChunkEncoding, mergeFill, mergePenalty, type SampleColumns } from "@deucalion/model";
import { chainSamplesInto, type EncodedChunk, encodeSamples } from "@deucalion/tsdb";
import { BlocksError } from "../../errors.ts";
import { ColumnPool } from "./column-pool.ts";
import { decodeWith } from "./decode-with.ts";
import { popHeap, pushHeap } from "./go-heap.ts";
import { frameEncoded, fromEncoded, type SourceChunk, sameChunk } from "./source-chunk.ts";

/** How samples of overlapping chunks become one series. "" keeps one sample for each timestamp. */
export type CompactionDedup = "" | "penalty" | "fill";

/** What merging met; counts only grow. */
export interface MergeCounts {
  /** Groups of chunks that were merged sample by sample. */
  overlaps: number;
  /** Chunks left out because they were there twice. */
  duplicateChunks: number;
  /** Timestamps at which sources had different values. */
  conflicts: number;
}

/** The chunks of a series in one source. */
export interface ChunkRun {
  readonly chunks: SourceChunk[];
  /** Values of the replica labels of the source: equal for blocks of one replica. Orders replicas for `fill`. */
  readonly replica: string;
}

interface Cursor {
  readonly chunks: readonly SourceChunk[];
  at: number;
}

function less(a: Cursor, b: Cursor): boolean {
  const x = a.chunks[a.at]!;
  const y = b.chunks[b.at]!;
  return x.minTime === y.minTime ? x.maxTime < y.maxTime : x.minTime < y.minTime;
}

function ordered(chunks: readonly SourceChunk[]): boolean {
  for (let i = 1; i < chunks.length; i++) {
    if (chunks[i]!.minTime <= chunks[i - 1]!.maxTime) return false;
  }
  return true;
}

/** Appends the merged chunks of a series to `out`, ascending and free of overlap. */
export function mergeChunks(
  runs: readonly ChunkRun[],
  dedup: CompactionDedup,
  counter: boolean,
  counts: MergeCounts,
  out: SourceChunk[],
  pool: ColumnPool = new ColumnPool(),
): void {
  const all: SourceChunk[] = [];
  const sorted = [...runs].sort((a, b) => a.chunks[0]!.minTime - b.chunks[0]!.minTime);
  for (const run of sorted) for (const chunk of run.chunks) all.push(chunk);
  if (ordered(all)) {
    for (const chunk of all) out.push(chunk);
    return;
  }
  if (dedup === "fill" && new Set(runs.map((run) => run.replica)).size > 1) {
    pool.takeBack();
    fillRuns(runs, counter, counts, out, pool);
    return;
  }
  mergeOverlaps(
    runs.map((run) => run.chunks),
    dedup === "penalty" ? "penalty" : "",
    counts,
    out,
    pool,
  );
}

function mergeOverlaps(
  lists: readonly (readonly SourceChunk[])[],
  dedup: "" | "penalty",
  counts: MergeCounts,
  out: SourceChunk[],
  pool: ColumnPool,
): void {
  const heap: Cursor[] = [];
  const push = (cursor: Cursor): void => {
    if (cursor.at < cursor.chunks.length) pushHeap(heap, cursor, less);
  };
  for (const chunks of lists) push({ chunks, at: 0 });
  for (;;) {
    const cursor = popHeap(heap, less);
    if (cursor === undefined) return;
    const base = cursor.chunks[cursor.at++]!;
    push(cursor);
    const overlapping: SourceChunk[] = [];
    let maxTime = base.maxTime;
    let previous = base;
    while (heap.length > 0 && heap[0]!.chunks[heap[0]!.at]!.minTime <= maxTime) {
      const top = popHeap(heap, less)!;
      const next = top.chunks[top.at++]!;
      push(top);
      if (sameChunk(next, previous)) {
        counts.duplicateChunks++;
        continue;
      }
      overlapping.push(next);
      maxTime = Math.max(maxTime, next.maxTime);
      previous = next;
    }
    if (overlapping.length === 0) {
      out.push(base);
      continue;
    }
    counts.overlaps++;
    pool.takeBack();
    const merged = mergeSamples(base, overlapping, dedup, counts, pool);
    // Later chunks may overlap what was just made, so it is treated as one more source.
    if (merged.length > 0) out.push(merged[0]!);
    push({ chunks: merged, at: 1 });
  }
}

/** Decodes a chunk of raw samples into `samples`, which is empty. */
export function decodeSource(
  chunk: SourceChunk,
  samples: SampleColumns,
  memory: ChunkMemory | null = null,
): SampleColumns {
  if (chunk.encoding === ChunkEncoding.aggregated) {
    throw new BlocksError("BLOCKS_SOURCE", "downsampled chunks overlap", {
      minTime: chunk.minTime,
      maxTime: chunk.maxTime,
    });
  }
  decodeWith(memory, chunk.encoding, chunk.data, chunk.offset, chunk.length, samples);
  return samples;
}

function mergeSamples(
  base: SourceChunk,
  overlapping: readonly SourceChunk[],
  dedup: "" | "penalty",
  counts: MergeCounts,
  pool: ColumnPool,
): SourceChunk[] {
  const merged = pool.take();
  const decode = (chunk: SourceChunk): SampleColumns =>
    decodeSource(chunk, pool.take(), pool.memory);
  if (dedup === "penalty") {
    mergePenalty([base, ...overlapping].map(decode), false, merged, () => pool.take());
  } else {
    const runs = [...overlapping, base].map(decode);
    chainSamplesInto(runs, merged);
    checkNothingLost(runs, merged, counts);
  }
  return encodeMerged(merged, 120, pool);
}

/** Every timestamp of the sources must be there once; counts the ones at which values differ. */
function checkNothingLost(
  runs: readonly SampleColumns[],
  merged: SampleColumns,
  counts: MergeCounts,
): void {
  for (const run of runs) {
    let at = 0;
    for (let i = 0; i < run.count; i++) {
      const time = run.times[i]!;
      while (at < merged.count && merged.times[at]! < time) at++;
      if (at === merged.count || merged.times[at] !== time) {
        throw new BlocksError("BLOCKS_RESULT", "a merge lost a sample", { time });
      }
      const same =
        run.valueBits[2 * i] === merged.valueBits[2 * at] &&
        run.valueBits[2 * i + 1] === merged.valueBits[2 * at + 1];
      if (!same) counts.conflicts++;
    }
  }
}

/** Samples as chunks, each decoded again and compared with what went in. */
export function encodeMerged(
  samples: SampleColumns,
  samplesPerChunk = 120,
  pool: ColumnPool = new ColumnPool(),
): SourceChunk[] {
  const startTimes = samples.startTimes !== null;
  const options = { samplesPerChunk, xor2: startTimes, histogramStartTimes: startTimes };
  const chunks = encodeSamples(samples, 0, samples.count, options, pool.memory ?? undefined);
  const check = pool.take();
  let at = 0;
  for (const chunk of chunks) at = checkEncoded(chunk, samples, at, check, pool.memory);
  if (at !== samples.count) {
    throw new BlocksError("BLOCKS_RESULT", "chunks do not hold the samples that went in", {
      want: samples.count,
      got: at,
    });
  }
  const { memory } = pool;
  if (memory === null) return chunks.map(fromEncoded);
  return chunks.map((chunk) => frameEncoded(chunk, memory));
}

function checkEncoded(
  chunk: EncodedChunk,
  samples: SampleColumns,
  from: number,
  scratch: SampleColumns,
  memory: ChunkMemory | null,
): number {
  scratch.reset();
  decodeWith(memory, chunk.encoding, chunk.data, 0, chunk.data.length, scratch);
  if (scratch.histograms === null && samples.histograms === null) {
    if (!sameFloats(scratch, samples, from)) throw differs(samples.times[from]);
    return from + scratch.count;
  }
  for (let i = 0; i < scratch.count; i++) {
    const at = from + i;
    const same =
      scratch.times[i] === samples.times[at] &&
      scratch.valueBits[2 * i] === samples.valueBits[2 * at] &&
      scratch.valueBits[2 * i + 1] === samples.valueBits[2 * at + 1] &&
      scratch.histograms?.[i]?.count === samples.histograms?.[at]?.count;
    if (!same && !bothNotANumber(scratch, i, samples, at)) {
      throw differs(samples.times[at]);
    }
  }
  return from + scratch.count;
}

function differs(time: number | undefined): BlocksError {
  const text = "a chunk does not read back as it was written";
  return new BlocksError("BLOCKS_RESULT", text, { time });
}

function sameFloats(got: SampleColumns, want: SampleColumns, from: number): boolean {
  const { count, times, valueBits } = got;
  const wantTimes = want.times;
  const wantBits = want.valueBits;
  for (let i = 0, at = from; i < count; i++, at++) {
    if (times[i] !== wantTimes[at]) return false;
    if (valueBits[2 * i] !== wantBits[2 * at]) return false;
    if (valueBits[2 * i + 1] !== wantBits[2 * at + 1]) return false;
  }
  return true;
}

/** Histograms keep their sums as numbers, whose NaN bits may be normalised. */
function bothNotANumber(a: SampleColumns, i: number, b: SampleColumns, j: number): boolean {
  if (a.histograms?.[i] === undefined || a.times[i] !== b.times[j]) return false;
  return Number.isNaN(a.values[i]!) && Number.isNaN(b.values[j]!);
}

/** De-duplicates by the querier's `fill`: replicas in the order of their label values. */
function fillRuns(
  runs: readonly ChunkRun[],
  counter: boolean,
  counts: MergeCounts,
  out: SourceChunk[],
  pool: ColumnPool,
): void {
  const replicas = new Map<string, SampleColumns[]>();
  for (const { replica, chunks } of runs) {
    const list = replicas.get(replica);
    const samples = pool.take();
    const decoded = chunks.map((chunk) => decodeSource(chunk, pool.take(), pool.memory));
    chainSamplesInto(decoded, samples);
    if (list === undefined) replicas.set(replica, [samples]);
    else list.push(samples);
  }
  const columns = [...replicas.keys()].sort().map((replica) => {
    const own = replicas.get(replica)!;
    if (own.length === 1) return own[0]!;
    const joined = pool.take();
    chainSamplesInto(own, joined);
    return joined;
  });
  counts.overlaps++;
  const merged = pool.take();
  mergeFill(columns, { counter }, merged);
  for (const chunk of encodeMerged(merged, 120, pool)) out.push(chunk);
}
