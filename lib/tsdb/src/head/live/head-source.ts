// A head that is written to, as something that can be queried at the same time.
import {
  compareLabelBytes,
  compareStrings,
  decodeText,
  EncodedBatch,
  type LabelBytes,
  LabelCursor,
  type LabelRequest,
  type Matcher,
  type SeriesBatch,
  type SeriesRequest,
  type SeriesSource,
  type SourceContext,
  type SourceInfo,
} from "@deucalion/model";
import { decodeChunkInto } from "../../chunk/decode-chunk.ts";
import { hasSamples, readHeadSeries } from "./chunks/head-read.ts";
import type { LiveHead } from "./live-head.ts";

const batchSeries = 512;
/**
 * Series whose chunks are read at once, but for the first batch. Neighbours by labels lie far apart in the files, which
 * are in the order in which chunks were closed: reading is of nearly all in between.
 */
const readSeries = 8 * batchSeries;

/** Series, label names and values of a head. Labels are those that were written, without external ones. */
export class HeadSource implements SeriesSource {
  readonly #head: LiveHead;

  constructor(head: LiveHead) {
    this.#head = head;
  }

  info(): SourceInfo {
    const head = this.#head;
    return {
      labelSets: [],
      minTime: Math.min(head.minTime, head.late.minTime),
      maxTime: Math.max(head.maxTime, head.late.maxTime),
    };
  }

  #select(matchers: readonly Matcher[], minTime: number, maxTime: number): Uint32Array {
    const head = this.#head;
    return head.select(matchers).filter((series) => hasSamples(head, series, minTime, maxTime));
  }

  async *series(request: SeriesRequest, context: SourceContext): AsyncIterable<SeriesBatch> {
    const head = this.#head;
    const { minTime, maxTime, matchers } = request;
    head.readers++;
    try {
      let found = head.order.sort(this.#select(matchers, minTime, maxTime));
      const without = new Set(
        (request.withoutReplicaLabels ?? []).filter((name) => head.postings.has(name)),
      );
      const stripped = without.size > 0 ? stripAndSort(found, head, without) : null;
      if (stripped !== null) found = stripped.series;
      const limit = request.limit ? request.limit : found.length;
      const count = Math.min(limit, found.length);
      for (let at = 0, next = 0; at < count; at = next) {
        context.signal.throwIfAborted();
        next = Math.min(count, at + (at === 0 ? batchSeries : readSeries));
        const part = found.subarray(at, next);
        const columns = await readHeadSeries(head, part, {
          minTime,
          maxTime,
          skipChunks: request.skipChunks === true,
          inOrder: true,
          outOfOrder: true,
        });
        if (stripped !== null) {
          for (let i = 0; i < part.length; i++) {
            const { data, start, end } = stripped.labels[at + i]!;
            columns.labelBuffer[i] = columns.addBuffer(data);
            columns.labelStart[i] = start;
            columns.labelEnd[i] = end;
          }
        }
        for (let from = 0; from < part.length; from += batchSeries) {
          const to = Math.min(part.length, from + batchSeries);
          yield new EncodedBatch(columns.part(from, to), decodeChunkInto);
        }
      }
    } finally {
      head.release();
    }
  }

  async labelNames(request: LabelRequest, _context: SourceContext): Promise<string[]> {
    const head = this.#head;
    if (request.matchers.length === 0) {
      return this.#meets(request) ? head.postings.names() : [];
    }
    const names = new Set<string>();
    const cursor = new LabelCursor();
    for (const series of this.#select(request.matchers, request.minTime, request.maxTime)) {
      const labels = head.table.labels(series);
      cursor.reset(labels);
      while (cursor.next()) {
        names.add(decodeText(labels.data, cursor.nameStart, cursor.nameEnd));
      }
    }
    return [...names].sort(compareStrings);
  }

  async labelValues(
    name: string,
    request: LabelRequest,
    _context: SourceContext,
  ): Promise<string[]> {
    const head = this.#head;
    if (!this.#meets(request)) return [];
    if (request.matchers.length === 0) return [...head.postings.values(name)].sort(compareStrings);
    const values = new Set<string>();
    for (const series of this.#select(request.matchers, request.minTime, request.maxTime)) {
      const value = head.labelsOf(series).get(name);
      if (value !== "") values.add(value);
    }
    return [...values].sort(compareStrings);
  }

  #meets(request: LabelRequest): boolean {
    const { minTime, maxTime } = this.info();
    return minTime <= request.maxTime && maxTime >= request.minTime;
  }
}

/** Labels without some of them, and the series in the order of what is left. */
function stripAndSort(
  series: Uint32Array,
  head: LiveHead,
  without: ReadonlySet<string>,
): { series: Uint32Array<ArrayBuffer>; labels: LabelBytes[] } {
  const cursor = new LabelCursor();
  const rows: { labels: LabelBytes; series: number }[] = [];
  for (const one of series) {
    const labels = head.table.labels(one);
    const parts: Uint8Array[] = [];
    let bytes = 0;
    let from = labels.start;
    cursor.reset(labels);
    while (cursor.next()) {
      const end = Math.max(cursor.nameEnd, cursor.valueEnd);
      if (!without.has(decodeText(labels.data, cursor.nameStart, cursor.nameEnd))) {
        parts.push(labels.data.subarray(from, end));
        bytes += end - from;
      }
      from = end;
    }
    const data = new Uint8Array(bytes);
    let at = 0;
    for (const part of parts) {
      data.set(part, at);
      at += part.length;
    }
    rows.push({ labels: { data, start: 0, end: bytes }, series: one });
  }
  rows.sort((a, b) => compareLabelBytes(a.labels, b.labels));
  return {
    series: Uint32Array.from(rows, (row) => row.series),
    labels: rows.map((row) => row.labels),
  };
}
