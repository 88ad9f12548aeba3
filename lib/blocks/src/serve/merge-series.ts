// Merges the series of several blocks by labels into batches.
import { ChunkColumns, compareLabelBytes, type LabelBytes } from "@deucalion/model";
import type { ReadAhead } from "./read-ahead.ts";

const batchSeriesMax = 2048;
const batchChunksMax = 30_000;
const batchBuffersMax = 60_000;

/** One block's series: the piece in hand and the place in it. It is the labels of the series it is at. */
class Cursor implements LabelBytes {
  readonly source: ReadAhead<ChunkColumns>;
  columns: ChunkColumns | undefined;
  series = 0;
  data: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  /** All of `data`. */
  words = new DataView(new ArrayBuffer(0));
  /** Numbers of this piece's buffers in the batch that is being made; -1 where it has none yet. */
  buffers = new Int32Array(0);

  constructor(source: ReadAhead<ChunkColumns>) {
    this.source = source;
  }

  /** True if the piece has been used up. */
  get ended(): boolean {
    return this.series >= this.columns!.seriesCount;
  }

  /** Moves on within the piece; false at its end. */
  step(): boolean {
    this.series++;
    if (this.series >= this.columns!.seriesCount) return false;
    this.#see();
    return true;
  }

  #see(): void {
    const { labelBuffer, labelStart, labelEnd, buffers } = this.columns!;
    const data = buffers[labelBuffer[this.series]!]!;
    if (data !== this.data) {
      this.data = data;
      this.words = new DataView(data.buffer as ArrayBuffer, data.byteOffset, data.length);
    }
    this.start = labelStart[this.series]!;
    this.end = labelEnd[this.series]!;
  }

  async load(): Promise<boolean> {
    do {
      this.columns = await this.source.take();
      if (this.columns === undefined) return false;
    } while (this.columns.seriesCount === 0);
    this.series = 0;
    this.#see();
    this.buffers = new Int32Array(this.columns.buffers.length).fill(-1);
    return true;
  }

  /** The number in `out` of buffer `buffer` of this piece. */
  bufferIn(out: ChunkColumns, buffer: number): number {
    const known = this.buffers[buffer]!;
    if (known >= 0) return known;
    const number = out.addBuffer(this.columns!.buffers[buffer]!);
    this.buffers[buffer] = number;
    return number;
  }
}

/**
 * Yields the series of all sources in order of labels. Series with equal labels become one, with their chunks in order of
 * time and equal chunks once. One source is passed through. Ends after `limit` series, 0 for all. When a batch is yielded,
 * `ended` has got the pieces that no later batch refers to.
 */
export async function* mergeSeries(
  sources: readonly ReadAhead<ChunkColumns>[],
  limit: number,
  ended: ChunkColumns[],
): AsyncGenerator<ChunkColumns> {
  for (const source of sources) source.start();
  if (sources.length === 1 && limit === 0) {
    for (;;) {
      const columns = await sources[0]!.take();
      if (columns === undefined) return;
      ended.push(columns);
      yield columns;
    }
  }
  const cursors = sources.map((source) => new Cursor(source));
  const loaded = await Promise.all(cursors.map((cursor) => cursor.load()));
  const heap: Cursor[] = [];
  for (const [i, cursor] of cursors.entries()) if (loaded[i]!) push(heap, cursor);
  let out = new ChunkColumns(batchSeriesMax, 1024);
  let count = 0;
  // The cursors at the smallest labels, all equal.
  let equal = popEqual(heap);
  while (equal.length > 0) {
    addMerged(out, equal);
    count++;
    const done = limit > 0 && count >= limit;
    if (
      done ||
      out.seriesCount >= batchSeriesMax ||
      out.chunkCount >= batchChunksMax ||
      out.buffers.length >= batchBuffersMax
    ) {
      yield out;
      if (done) return;
      // The next batch is much like the last one.
      out = new ChunkColumns(batchSeriesMax, out.chunkCount + (out.chunkCount >> 3));
      for (const cursor of cursors) cursor.buffers.fill(-1);
    }
    let moved = true;
    for (const cursor of equal) moved = cursor.step() && moved;
    if (moved && leadEqually(equal, heap)) continue;
    for (const cursor of equal) {
      if (cursor.ended) {
        ended.push(cursor.columns!);
        if (!(await cursor.load())) continue;
      }
      push(heap, cursor);
    }
    equal = popEqual(heap);
  }
  if (out.seriesCount > 0) yield out;
}

/** Blocks of one stream hold mostly the same series, so that the heap can often be left alone. */
function leadEqually(equal: readonly Cursor[], heap: readonly Cursor[]): boolean {
  const first = equal[0]!;
  for (let i = 1; i < equal.length; i++) if (!sameLabels(first, equal[i]!)) return false;
  return heap.length === 0 || less(first, heap[0]!);
}

function popEqual(heap: Cursor[]): Cursor[] {
  const first = pop(heap);
  if (first === undefined) return [];
  const equal = [first];
  while (heap.length > 0 && sameLabels(heap[0]!, first)) equal.push(pop(heap)!);
  return equal;
}

/** Whether the labels are the same, four bytes at a time from the end, where neighbours differ. */
function sameLabels(a: Cursor, b: Cursor): boolean {
  const length = a.end - a.start;
  if (length !== b.end - b.start) return false;
  const x = a.words;
  const y = b.words;
  const shift = b.start - a.start;
  let at = a.end - 4;
  for (; at >= a.start; at -= 4) if (x.getInt32(at) !== y.getInt32(at + shift)) return false;
  for (at += 3; at >= a.start; at--) if (x.getUint8(at) !== y.getUint8(at + shift)) return false;
  return true;
}

function less(a: Cursor, b: Cursor): boolean {
  return compareLabelBytes(a, b) < 0;
}

function push(heap: Cursor[], cursor: Cursor): void {
  let at = heap.length;
  heap.push(cursor);
  while (at > 0) {
    const parent = (at - 1) >>> 1;
    if (!less(cursor, heap[parent]!)) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = cursor;
}

function pop(heap: Cursor[]): Cursor | undefined {
  const top = heap[0];
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return top;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && less(heap[child + 1]!, heap[child]!)) child++;
    if (!less(heap[child]!, last)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = last;
  return top;
}

/** Adds one series made of the current series of all `cursors`. */
function addMerged(out: ChunkColumns, cursors: Cursor[]): void {
  const first = cursors[0]!;
  const labelBuffer = first.bufferIn(out, first.columns!.labelBuffer[first.series]!);
  out.addSeries(labelBuffer, first.start, first.end);
  const from = out.chunkCount;
  sortByStart(cursors);
  let sorted = true;
  for (const cursor of cursors) {
    const columns = cursor.columns!;
    const start = columns.first[cursor.series]!;
    const end = columns.first[cursor.series + 1]!;
    if (start < end && out.chunkCount > from)
      sorted &&= columns.minTime[start]! > out.maxTime[out.chunkCount - 1]!;
    for (let c = start; c < end; c++) {
      out.addChunk(
        columns.minTime[c]!,
        columns.maxTime[c]!,
        columns.encoding[c]!,
        columns.aggregate[c]!,
        columns.length[c] === 0 ? 0 : cursor.bufferIn(out, columns.buffer[c]!),
        columns.offset[c]!,
        columns.length[c]!,
      );
    }
  }
  if (!sorted) sortChunks(out, from);
}

/** Blocks mostly follow each other for all series: what was put in order for one is in order for the next. */
function sortByStart(cursors: Cursor[]): void {
  for (let i = 1; i < cursors.length; i++) {
    const cursor = cursors[i]!;
    const start = startOf(cursor);
    let to = i;
    for (; to > 0 && startOf(cursors[to - 1]!) > start; to--) cursors[to] = cursors[to - 1]!;
    cursors[to] = cursor;
  }
}

function startOf(cursor: Cursor): number {
  const columns = cursor.columns!;
  const start = columns.first[cursor.series]!;
  return start < columns.first[cursor.series + 1]! ? columns.minTime[start]! : 0;
}

/** A chunk as the wire knows it: one to five rows with the same times, one for each aggregate. */
interface WireChunk {
  readonly from: number;
  readonly to: number;
}

/** Puts the chunks of the last series in order of time and content, equal ones once. */
function sortChunks(out: ChunkColumns, from: number): void {
  const chunks: WireChunk[] = [];
  for (let i = from; i < out.chunkCount; ) {
    let to = i + 1;
    while (
      to < out.chunkCount &&
      out.aggregate[to]! > out.aggregate[to - 1]! &&
      out.minTime[to] === out.minTime[i] &&
      out.maxTime[to] === out.maxTime[i]
    )
      to++;
    chunks.push({ from: i, to });
    i = to;
  }
  chunks.sort((a, b) => compareChunks(out, a, b));
  const copy = new ChunkColumns(1, out.chunkCount - from);
  copy.addSeries(0, 0, 0);
  for (const [i, chunk] of chunks.entries()) {
    if (i > 0 && compareChunks(out, chunks[i - 1]!, chunk) === 0) continue;
    for (let c = chunk.from; c < chunk.to; c++)
      copy.addChunk(
        out.minTime[c]!,
        out.maxTime[c]!,
        out.encoding[c]!,
        out.aggregate[c]!,
        out.buffer[c]!,
        out.offset[c]!,
        out.length[c]!,
      );
  }
  out.chunkCount = from;
  for (let c = 0; c < copy.chunkCount; c++)
    out.addChunk(
      copy.minTime[c]!,
      copy.maxTime[c]!,
      copy.encoding[c]!,
      copy.aggregate[c]!,
      copy.buffer[c]!,
      copy.offset[c]!,
      copy.length[c]!,
    );
}

function compareChunks(out: ChunkColumns, a: WireChunk, b: WireChunk): number {
  const times =
    out.minTime[a.from]! - out.minTime[b.from]! || out.maxTime[a.from]! - out.maxTime[b.from]!;
  if (times !== 0) return times;
  const size = Math.min(a.to - a.from, b.to - b.from);
  for (let i = 0; i < size; i++) {
    const x = a.from + i;
    const y = b.from + i;
    const kind = out.aggregate[x]! - out.aggregate[y]! || out.encoding[x]! - out.encoding[y]!;
    if (kind !== 0) return kind;
    const data = out.buffers[out.buffer[x]!]!;
    const other = out.buffers[out.buffer[y]!]!;
    const order = Buffer.compare(
      data.subarray(out.offset[x]!, out.offset[x]! + out.length[x]!),
      other.subarray(out.offset[y]!, out.offset[y]! + out.length[y]!),
    );
    if (order !== 0) return order;
  }
  return a.to - a.from - (b.to - b.from);
}
