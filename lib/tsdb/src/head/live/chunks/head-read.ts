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

/** Chunks of one series as they were at one moment, before those on disk are read. */
interface Gathered {
  readonly labels: LabelBytes;
  /** Positions in the list of references; `outOfOrder` ones last. */
  readonly from: number;
  readonly inOrderEnd: number;
  readonly end: number;
  readonly open: EncodedChunk | null;
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
  let open: EncodedChunk | null = null;
  if (parts.inOrder) {
    for (let row = table.firstChunk[series]!; row >= 0; row = chunks.next[row]!) want(row);
    const encoding = table.kind[series]!;
    const first = table.openTime[series]!;
    const last = table.lastTime[series]!;
    if (encoding !== ChunkKind.none && first <= maxTime && last >= minTime) {
      const sampleCount = head.openCount(series);
      const data = head.openBytes(series).slice();
      open = { encoding, minTime: first, maxTime: last, sampleCount, data };
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
  const out = new ChunkColumns(series.length, 4 * series.length);
  let labelBytes = 0;
  for (const one of series) {
    const gathered = gather(
      head,
      one,
      minTime,
      maxTime,
      wanted,
      range.skipChunks ? { inOrder: false, outOfOrder: false } : range,
    );
    labelBytes += gathered.labels.end - gathered.labels.start;
    all.push(gathered);
  }
  const labels = new Uint8Array(labelBytes);
  const labelBuffer = out.addBuffer(labels);
  const starts: number[] = [];
  let at = 0;
  for (const { labels: from } of all) {
    starts.push(at);
    labels.set(from.data.subarray(from.start, from.end), at);
    at += from.end - from.start;
  }
  starts.push(at);
  const places = await head.files.read(wanted.refs);
  const numbers = new Map<Uint8Array, number>();
  const number = (data: Uint8Array): number => {
    let found = numbers.get(data);
    if (found === undefined) {
      found = out.addBuffer(data);
      numbers.set(data, found);
    }
    return found;
  };
  for (const [i, one] of all.entries()) {
    out.addSeries(labelBuffer, starts[i]!, starts[i + 1]!);
    const merged =
      one.late !== null || one.end > one.inOrderEnd || meetsRange(one.deleted, minTime, maxTime);
    if (merged) {
      for (const chunk of mergeChunks(one, wanted, places)) {
        const { minTime: first, maxTime: last, encoding, data } = chunk;
        out.addChunk(first, last, encoding, Aggregate.raw, number(data), 0, data.length);
      }
      continue;
    }
    for (let j = one.from; j < one.end; j++) {
      const { data, offset, length } = places[j]!;
      out.addChunk(
        wanted.minTimes[j]!,
        wanted.maxTimes[j]!,
        wanted.encodings[j]!,
        Aggregate.raw,
        number(data),
        offset,
        length,
      );
    }
    if (one.open !== null) {
      const { minTime: first, maxTime: last, encoding, data } = one.open;
      out.addChunk(first, last, encoding, Aggregate.raw, number(data), 0, data.length);
    }
  }
  return out;
}

/** In-order and out-of-order samples of a series as new chunks, deleted ones left out. */
function mergeChunks(
  one: Gathered,
  wanted: Wanted,
  places: readonly { data: Uint8Array; offset: number; length: number }[],
): EncodedChunk[] {
  const inOrder = new SampleColumns();
  for (let j = one.from; j < one.inOrderEnd; j++) {
    const { data, offset, length } = places[j]!;
    decodeChunkInto(wanted.encodings[j]!, data, offset, length, inOrder);
  }
  if (one.open !== null) {
    decodeChunkInto(one.open.encoding, one.open.data, 0, one.open.data.length, inOrder);
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
