// A block in a folder, as something that can be queried.
import { join } from "node:path";
import { ByteWriter } from "@deucalion/base";
import {
  Aggregate,
  ChunkColumns,
  ChunkEncoding,
  compareLabelBytes,
  EncodedBatch,
  type LabelBytes,
  type LabelRequest,
  SampleColumns,
  type SeriesBatch,
  type SeriesRequest,
  type SeriesSource,
  type SourceContext,
  type SourceInfo,
} from "@deucalion/model";
import { aggregateChunks } from "../chunk/aggregate-chunks.ts";
import { decodeChunkInto } from "../chunk/decode-chunk.ts";
import { encodeSamples } from "../chunk/encode-samples.ts";
import { IndexReader } from "../index/index-reader.ts";
import type { SeriesEntry } from "../index/series-entry.ts";
import { appendLabel } from "../index/series-labels.ts";
import { ChunkSegments, openSegmentFiles, type ReadChunks } from "./chunk-segments.ts";
import { type FileRanges, openFileRanges } from "./file-ranges.ts";
import { type BlockMeta, readBlockMeta } from "./meta.ts";
import {
  coversRange,
  type Interval,
  meetsRange,
  readTombstones,
  removeDeleted,
  type Tombstones,
} from "./tombstones.ts";

/** Series looked up at once, and chunks in one batch. */
const seriesMax = 512;
const chunksMax = 4096;

/** Series found, before their chunks are read: label ranges in one buffer, chunks as columns. */
interface FoundSeries {
  readonly labels: LabelBytes;
  readonly intervals: readonly Interval[];
  readonly minTimes: readonly number[];
  readonly maxTimes: readonly number[];
  readonly refs: readonly number[];
}

/** Reads one block: symbols and postings table stay in memory, all else is read when it is asked for. */
export class Block implements SeriesSource {
  readonly dir: string;
  readonly meta: BlockMeta;
  readonly index: IndexReader;
  readonly segments: ChunkSegments;
  readonly tombstones: Tombstones;
  readonly #files: readonly FileRanges[];

  private constructor(
    dir: string,
    meta: BlockMeta,
    index: IndexReader,
    segments: ChunkSegments,
    tombstones: Tombstones,
    files: readonly FileRanges[],
  ) {
    this.dir = dir;
    this.meta = meta;
    this.index = index;
    this.segments = segments;
    this.tombstones = tombstones;
    this.#files = files;
  }

  /** Opens the block in `dir`, which keeps its files open until `close`. Throws TSDB_META, TSDB_INDEX_*, TSDB_SEGMENT_*. */
  static async open(dir: string): Promise<Block> {
    const meta = await readBlockMeta(dir);
    const files: FileRanges[] = [];
    try {
      const indexFile = await openFileRanges(join(dir, "index"));
      files.push(indexFile);
      const index = await IndexReader.open(indexFile);
      const segmentFiles = await openSegmentFiles(dir);
      files.push(...segmentFiles);
      const segments = new ChunkSegments(segmentFiles);
      await segments.checkHeaders();
      return new Block(dir, meta, index, segments, await readTombstones(dir), files);
    } catch (thrown) {
      await Promise.all(files.map((file) => file.close()));
      throw thrown;
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#files.map((file) => file.close()));
  }

  info(): SourceInfo {
    return { labelSets: [], minTime: this.meta.minTime, maxTime: this.meta.maxTime - 1 };
  }

  async *series(request: SeriesRequest, context: SourceContext): AsyncIterable<SeriesBatch> {
    const { signal } = context;
    const refs = await this.index.select(request.matchers, signal);
    const without = new Set(request.withoutReplicaLabels ?? []);
    const reordered = without.size > 0 && this.index.labelNames().some((name) => without.has(name));
    let left = request.limit ? request.limit : Number.POSITIVE_INFINITY;
    let waiting: FoundSeries[] = [];
    for (let at = 0; at < refs.length && left > 0; at += seriesMax) {
      const part = refs.subarray(at, at + seriesMax);
      const found = await this.#find(part, request, without, signal);
      if (reordered) {
        waiting.push(...found);
        continue;
      }
      const taken = found.slice(0, left);
      left -= taken.length;
      yield* this.#batches(taken, request, signal);
    }
    if (!reordered) return;
    waiting = waiting.sort((a, b) => compareLabelBytes(a.labels, b.labels)).slice(0, left);
    yield* this.#batches(waiting, request, signal);
  }

  /** Reads series entries and keeps those with chunks in the time asked for. */
  async #find(
    refs: Uint32Array,
    request: SeriesRequest,
    without: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<FoundSeries[]> {
    const labels = new ByteWriter(128 * refs.length);
    const starts: number[] = [];
    const found: Omit<FoundSeries, "labels">[] = [];
    await this.index.readSeries(
      refs,
      (entry, ref) => {
        const intervals = this.tombstones.get(ref) ?? [];
        const chunks = chunksWithin(entry, request.minTime, request.maxTime, intervals);
        if (chunks.refs.length === 0) return;
        starts.push(labels.length);
        this.#appendLabels(labels, entry, without);
        found.push({ intervals, ...chunks });
      },
      signal,
    );
    const data = labels.finish();
    return found.map((series, i) => ({
      ...series,
      labels: { data, start: starts[i]!, end: starts[i + 1] ?? data.length },
    }));
  }

  #appendLabels(out: ByteWriter, entry: SeriesEntry, without: ReadonlySet<string>): void {
    const symbols = this.index.symbols;
    for (let i = 0; i < 2 * entry.labelCount; i += 2) {
      const name = symbols.ordinal(entry.labels[i]!);
      if (without.size > 0 && without.has(symbols.text(name))) continue;
      const value = symbols.ordinal(entry.labels[i + 1]!);
      appendLabel(
        out,
        symbols.data,
        symbols.start(name),
        symbols.end(name),
        symbols.start(value),
        symbols.end(value),
      );
    }
  }

  async *#batches(
    found: readonly FoundSeries[],
    request: SeriesRequest,
    signal: AbortSignal,
  ): AsyncIterable<SeriesBatch> {
    for (let at = 0; at < found.length; ) {
      let end = at;
      let chunks = 0;
      while (end < found.length && end - at < seriesMax && (end === at || chunks < chunksMax)) {
        chunks += found[end++]!.refs.length;
      }
      signal.throwIfAborted();
      yield await this.#batch(found.slice(at, end), request, signal);
      at = end;
    }
  }

  async #batch(
    found: readonly FoundSeries[],
    request: SeriesRequest,
    signal: AbortSignal,
  ): Promise<SeriesBatch> {
    const columns = new ChunkColumns();
    const read = request.skipChunks
      ? null
      : await this.segments.read(
          found.flatMap((series) => series.refs),
          signal,
        );
    const labelBuffers = new Map<Uint8Array, number>();
    const base = columns.buffers.length;
    for (const buffer of read?.buffers ?? []) columns.addBuffer(buffer);
    let row = 0;
    for (const series of found) {
      const { data, start, end } = series.labels;
      let buffer = labelBuffers.get(data);
      if (buffer === undefined) {
        buffer = columns.addBuffer(data);
        labelBuffers.set(data, buffer);
      }
      columns.addSeries(buffer, start, end);
      if (read === null) continue;
      for (let i = 0; i < series.refs.length; i++, row++) {
        addChunk(columns, base, read, row, series, i, request);
      }
    }
    return new EncodedBatch(columns, decodeChunkInto);
  }

  async labelNames(request: LabelRequest, context: SourceContext): Promise<string[]> {
    const names =
      request.matchers.length === 0
        ? this.index.labelNames()
        : await this.#collect(request, context, (entry, add) => {
            for (let i = 0; i < 2 * entry.labelCount; i += 2) add(entry.labels[i]!);
          });
    const without = new Set(request.withoutReplicaLabels ?? []);
    return limited(
      names.filter((name) => !without.has(name)),
      request,
    );
  }

  async labelValues(
    name: string,
    request: LabelRequest,
    context: SourceContext,
  ): Promise<string[]> {
    if (request.withoutReplicaLabels?.includes(name)) return [];
    if (request.matchers.length === 0) return limited(this.index.labelValues(name), request);
    const symbols = this.index.symbols;
    const values = await this.#collect(request, context, (entry, add) => {
      for (let i = 0; i < 2 * entry.labelCount; i += 2) {
        if (symbols.text(symbols.ordinal(entry.labels[i]!)) === name) add(entry.labels[i + 1]!);
      }
    });
    return limited(values, request);
  }

  /** Symbols of the series that match, in order. */
  async #collect(
    request: LabelRequest,
    context: SourceContext,
    visit: (entry: SeriesEntry, add: (symbol: number) => void) => void,
  ): Promise<string[]> {
    const refs = await this.index.select(request.matchers, context.signal);
    const seen = new Set<number>();
    const add = (symbol: number): void => void seen.add(symbol);
    await this.index.readSeries(refs, (entry) => visit(entry, add), context.signal);
    const { symbols } = this.index;
    return [...seen].sort((a, b) => a - b).map((symbol) => symbols.text(symbols.ordinal(symbol)));
  }
}

function limited(list: string[], request: LabelRequest): string[] {
  return request.limit ? list.slice(0, request.limit) : list;
}

function chunksWithin(
  entry: SeriesEntry,
  minTime: number,
  maxTime: number,
  intervals: readonly Interval[],
): { minTimes: number[]; maxTimes: number[]; refs: number[] } {
  const out = { minTimes: [] as number[], maxTimes: [] as number[], refs: [] as number[] };
  for (let i = 0; i < entry.chunkCount; i++) {
    const from = entry.minTimes[i]!;
    const to = entry.maxTimes[i]!;
    if (to < minTime || from > maxTime) continue;
    if (intervals.length > 0 && coversRange(intervals, from, to)) continue;
    out.minTimes.push(from);
    out.maxTimes.push(to);
    out.refs.push(entry.refs[i]!);
  }
  return out;
}

/** Adds the rows of one chunk: one, one for each aggregate, or those of what deletions left of it. */
function addChunk(
  columns: ChunkColumns,
  base: number,
  read: ReadChunks,
  row: number,
  series: FoundSeries,
  index: number,
  request: SeriesRequest,
): void {
  const encoding = read.encoding[row]!;
  const buffer = base + read.buffer[row]!;
  const offset = read.offset[row]!;
  const length = read.length[row]!;
  const from = series.minTimes[index]!;
  const to = series.maxTimes[index]!;
  if (encoding === ChunkEncoding.aggregated) {
    for (const part of aggregateChunks(columns.buffers[buffer]!, offset, length)) {
      if (request.aggregates !== undefined && !request.aggregates.includes(part.aggregate))
        continue;
      columns.addChunk(from, to, part.encoding, part.aggregate, buffer, part.offset, part.length);
    }
  } else if (meetsRange(series.intervals, from, to)) {
    const samples = new SampleColumns();
    decodeChunkInto(encoding, columns.buffers[buffer]!, offset, length, samples);
    removeDeleted(samples, 0, series.intervals);
    const options = {
      samplesPerChunk: 65535,
      xor2: encoding === ChunkEncoding.xor2,
      histogramStartTimes: encoding >= ChunkEncoding.histogramST,
    };
    for (const chunk of encodeSamples(samples, 0, samples.count, options)) {
      const own = columns.addBuffer(chunk.data);
      columns.addChunk(
        chunk.minTime,
        chunk.maxTime,
        chunk.encoding,
        Aggregate.raw,
        own,
        0,
        chunk.data.length,
      );
    }
  } else {
    columns.addChunk(from, to, encoding, Aggregate.raw, buffer, offset, length);
  }
}
