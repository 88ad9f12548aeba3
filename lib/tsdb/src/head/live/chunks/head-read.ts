// Reads chunks of series of a head: closed ones from files, open ones from memory, out-of-order ones merged in.
import { Aggregate, ChunkColumns, type LabelBytes, SampleColumns } from "@deucalion/model";
import { meetsRange, removeDeleted } from "../../../block/tombstones.ts";
import { decodeChunkInto } from "../../../chunk/decode-chunk.ts";
import { type EncodedChunk, encodeSamples, encodingOf } from "../../../chunk/encode-samples.ts";
import { chainSamplesInto } from "../../chain-samples.ts";
import type { LiveHead } from "../live-head.ts";
import { ChunkKind } from "../series/series-table.ts";

/** True if a series may have samples in [minTime, maxTime]. */
export function hasSamples(
  head: LiveHead,
  series: number,
  minTime: number,
  maxTime: number,
): boolean {
  const { table, chunks } = head;
  if (
    table.kind[series] !== ChunkKind.none &&
    table.openTime[series]! <= maxTime &&
    table.lastTime[series]! >= minTime
  ) {
    return true;
  }
  for (let row = table.firstChunk[series]!; row >= 0; row = chunks.next[row]!) {
    if (chunks.minTime[row]! > maxTime) break;
    if (chunks.maxTime[row]! >= minTime) return true;
  }
  return outOfOrderMeets(head, series, minTime, maxTime);
}

function outOfOrderMeets(
  head: LiveHead,
  series: number,
  minTime: number,
  maxTime: number,
): boolean {
  const state = head.late.series.get(series);
  if (state === undefined) return false;
  const { chunks } = head;
  for (let row = state.first; row >= 0; row = chunks.next[row]!) {
    if (chunks.minTime[row]! <= maxTime && chunks.maxTime[row]! >= minTime) return true;
  }
  const samples = state.open?.samples;
  if (samples === undefined || samples.count === 0) return false;
  return samples.times[0]! <= maxTime && samples.times[samples.count - 1]! >= minTime;
}

/** Bytes of chunks, one behind the other: an array for each would cost more than its chunk. */
class ChunkBytes {
  data: Uint8Array;
  length = 0;

  constructor(capacity: number) {
    this.data = new Uint8Array(capacity);
  }

  /** Makes room for so many bytes of `data` and returns where they go. */
  reserve(count: number): number {
    const at = this.length;
    this.length += count;
    if (this.length > this.data.length) {
      const larger = new Uint8Array(2 * this.length);
      larger.set(this.data.subarray(0, at));
      this.data = larger;
    }
    return at;
  }

  /** Copies `from[start, end)` in and returns where it lies. */
  add(from: Uint8Array, start: number, end: number): number {
    const at = this.reserve(end - start);
    const out = this.data;
    for (let i = start, to = at; i < end; i++, to++) out[to] = from[i]!;
    return at;
  }
}

/** Adds the bytes of the open chunk of a series. */
function addOpen(head: LiveHead, series: number, kind: number, bytes: ChunkBytes): void {
  if (kind === ChunkKind.float) {
    const at = bytes.reserve(head.floats.byteLength(series));
    head.floats.copyInto(series, bytes.data, at);
  } else {
    const data = head.openBytes(series);
    bytes.add(data, 0, data.length);
  }
}

/** The open chunk of a series; its bytes lie in those of all. */
interface OpenChunk {
  readonly encoding: number;
  readonly minTime: number;
  readonly maxTime: number;
  readonly offset: number;
  readonly length: number;
}

/** Chunks of one series as they were at one moment, before those on disk are read. */
interface Gathered {
  readonly labels: LabelBytes;
  /** Positions in the list of references; `outOfOrder` ones last. */
  readonly from: number;
  readonly inOrderEnd: number;
  readonly end: number;
  readonly open: OpenChunk | null;
  readonly late: SampleColumns | null;
  readonly deleted: readonly { readonly minTime: number; readonly maxTime: number }[];
}

/** Columns of chunk references of many series. */
interface Wanted {
  readonly refs: number[];
  readonly minTimes: number[];
  readonly maxTimes: number[];
  readonly encodings: number[];
}

function gather(
  head: LiveHead,
  series: number,
  minTime: number,
  maxTime: number,
  wanted: Wanted,
  bytes: ChunkBytes,
  parts: { readonly inOrder: boolean; readonly outOfOrder: boolean },
): Gathered {
  const { table, chunks } = head;
  const from = wanted.refs.length;
  const want = (row: number): void => {
    if (chunks.minTime[row]! > maxTime || chunks.maxTime[row]! < minTime) return;
    wanted.refs.push(chunks.ref[row]!);
    wanted.minTimes.push(chunks.minTime[row]!);
    wanted.maxTimes.push(chunks.maxTime[row]!);
    wanted.encodings.push(chunks.encoding[row]!);
  };
  let open: OpenChunk | null = null;
  if (parts.inOrder) {
    for (let row = table.firstChunk[series]!; row >= 0; row = chunks.next[row]!) want(row);
    const encoding = table.kind[series]!;
    const first = table.openTime[series]!;
    const last = table.lastTime[series]!;
    if (encoding !== ChunkKind.none && first <= maxTime && last >= minTime) {
      const offset = bytes.length;
      addOpen(head, series, encoding, bytes);
      const length = bytes.length - offset;
      open = { encoding, minTime: first, maxTime: last, offset, length };
    }
  }
  const inOrderEnd = wanted.refs.length;
  let late: SampleColumns | null = null;
  const state = parts.outOfOrder ? head.late.series.get(series) : undefined;
  if (state !== undefined) {
    for (let row = state.first; row >= 0; row = chunks.next[row]!) want(row);
    const samples = state.open?.samples;
    if (samples !== undefined) {
      for (let i = 0; i < samples.count; i++) {
        if (samples.times[i]! < minTime || samples.times[i]! > maxTime) continue;
        late ??= new SampleColumns(samples.count);
        late.pushFrom(samples, i);
      }
    }
  }
  const labels = table.labels(series);
  const deleted = head.tombstones.get(series) ?? [];
  return { labels, from, inOrderEnd, end: wanted.refs.length, open, late, deleted };
}

/** What `readHeadSeries` is to read. */
export interface HeadRange {
  /** Milliseconds, inclusive. */
  readonly minTime: number;
  readonly maxTime: number;
  readonly skipChunks: boolean;
  readonly inOrder: boolean;
  readonly outOfOrder: boolean;
}

/**
 * Series with the chunks that meet a time range, in the order given; chunks of one series ascend and do not overlap.
 * What is appended meanwhile is not seen. The caller is counted in `head.readers`.
 */
export async function readHeadSeries(
  head: LiveHead,
  series: Uint32Array,
  range: HeadRange,
): Promise<ChunkColumns> {
  const { minTime, maxTime } = range;
  const wanted: Wanted = { refs: [], minTimes: [], maxTimes: [], encodings: [] };
  const all: Gathered[] = [];
  const bytes = new ChunkBytes(256 * series.length);
  const parts = range.skipChunks ? { inOrder: false, outOfOrder: false } : range;
  for (const one of series) all.push(gather(head, one, minTime, maxTime, wanted, bytes, parts));
  const places = await head.files.read(wanted.refs);
  const out = new ChunkColumns(series.length, 2 * series.length);
  // The buffer of chunks is the first; it is known when all are in it. Labels stay where they are.
  out.addBuffer(bytes.data);
  const pages = new Map<Uint8Array, number>();
  for (const one of all) {
    const { data: page, start, end } = one.labels;
    let number = pages.get(page);
    if (number === undefined) {
      number = out.addBuffer(page);
      pages.set(page, number);
    }
    out.addSeries(number, start, end);
    const merged =
      one.late !== null || one.end > one.inOrderEnd || meetsRange(one.deleted, minTime, maxTime);
    if (merged) {
      for (const chunk of mergeChunks(one, bytes.data, wanted, places)) {
        const { minTime: first, maxTime: last, encoding, data } = chunk;
        const at = bytes.add(data, 0, data.length);
        out.addChunk(first, last, encoding, Aggregate.raw, 0, at, data.length);
      }
      continue;
    }
    for (let j = one.from; j < one.end; j++) {
      const { data, offset, length } = places[j]!;
      const at = bytes.add(data, offset, offset + length);
      const first = wanted.minTimes[j]!;
      const last = wanted.maxTimes[j]!;
      out.addChunk(first, last, wanted.encodings[j]!, Aggregate.raw, 0, at, length);
    }
    if (one.open !== null) {
      const { minTime: first, maxTime: last, encoding, offset, length } = one.open;
      out.addChunk(first, last, encoding, Aggregate.raw, 0, offset, length);
    }
  }
  out.buffers[0] = bytes.data;
  return out;
}

/** In-order and out-of-order samples of a series as new chunks, deleted ones left out. */
function mergeChunks(
  one: Gathered,
  bytes: Uint8Array,
  wanted: Wanted,
  places: readonly { data: Uint8Array; offset: number; length: number }[],
): EncodedChunk[] {
  const inOrder = new SampleColumns();
  for (let j = one.from; j < one.inOrderEnd; j++) {
    const { data, offset, length } = places[j]!;
    decodeChunkInto(wanted.encodings[j]!, data, offset, length, inOrder);
  }
  if (one.open !== null) {
    const { encoding, offset, length } = one.open;
    decodeChunkInto(encoding, bytes, offset, length, inOrder);
  }
  const runs = [inOrder];
  for (let j = one.inOrderEnd; j < one.end; j++) {
    const run = new SampleColumns();
    const { data, offset, length } = places[j]!;
    decodeChunkInto(wanted.encodings[j]!, data, offset, length, run);
    runs.push(run);
  }
  if (one.late !== null) runs.push(one.late);
  const samples = new SampleColumns();
  chainSamplesInto(
    runs.filter((run) => run.count > 0),
    samples,
  );
  removeDeleted(samples, 0, one.deleted);
  return encodeSamples(samples, 0, samples.count, encodingOf(samples));
}
