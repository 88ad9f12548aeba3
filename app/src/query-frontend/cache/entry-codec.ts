// The bytes of a cache entry: a JSON head, then the columns of each extent. Layout below, little-endian:
//
//   entry  = magic u32, compressed u32, body             body is a snappy block where compressed is 1
//   body   = head length u32, head (JSON), pad to 8, extent …
//   extent = rows × { metric length u32, floats and sparse << 31 u32, histograms u32, start f64,
//                     metric (see metric-delta.ts), pad to 8, values f64 …, [indexes u32 …, pad to 8],
//                     histogram indexes u32 …, histogram lengths u32 …, texts, pad to 8 }
import { decodeSnappyBlock, SnappyEncoder } from "@deucalion/kernels";
import type { Row } from "../answers/row.ts";
import { FrontendError } from "../errors.ts";
import type { StoreSet } from "../stores-watch.ts";
import { MetricReader, MetricWriter } from "./metric-delta.ts";

/** A stretch of steps whose samples are all known. */
export interface Extent {
  readonly startMs: number;
  readonly endMs: number;
  /** Sorted by labels. */
  readonly rows: readonly Row[];
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  /** The stores that were asked; null where the querier does not tell. */
  readonly stores: StoreSet | null;
  /** Members of `data` beside the result, JSON: `analysis` of an answer without analysis, for instance. */
  readonly analysis: unknown;
}

interface Head {
  readonly key: string;
  readonly stepMs: number;
  readonly extents: readonly (Omit<Extent, "rows" | "stores"> & {
    readonly rows: number;
    readonly stores: readonly (readonly [string, number, number])[] | null;
  })[];
}

const magic = 0x32464344;
const bytesMax = 1 << 30;
/** Bytes of a row before its metric. */
const rowHeadBytes = 20;

function padded(at: number): number {
  return (at + 7) & ~7;
}

function rowBytes(row: Row, metric: Buffer): number {
  let texts = 0;
  for (const text of row.histograms) texts += text.length;
  const indexes = row.indexes === null ? 0 : padded(4 * row.values.length);
  return (
    padded(rowHeadBytes + metric.length) +
    8 * row.values.length +
    indexes +
    padded(8 * row.histograms.length + texts)
  );
}

function writeRow(body: Buffer, at: number, row: Row, metric: Buffer): number {
  const { values, indexes, histogramIndexes, histograms } = row;
  const sparse = indexes === null ? 0 : 2 ** 31;
  body.writeUInt32LE(metric.length, at);
  body.writeUInt32LE(sparse + values.length, at + 4);
  body.writeUInt32LE(histograms.length, at + 8);
  body.writeDoubleLE(row.startMs, at + 12);
  metric.copy(body, at + rowHeadBytes);
  let to = at + padded(rowHeadBytes + metric.length);
  const { buffer, byteOffset } = body;
  new Float64Array(buffer, byteOffset + to, values.length).set(values);
  to += 8 * values.length;
  if (indexes !== null) {
    new Uint32Array(buffer, byteOffset + to, indexes.length).set(indexes);
    to += padded(4 * indexes.length);
  }
  const from = to;
  for (const index of histogramIndexes) to = body.writeUInt32LE(index, to);
  for (const text of histograms) to = body.writeUInt32LE(text.length, to);
  for (const text of histograms) to += text.copy(body, to);
  return from + padded(to - from);
}

/** Bytes of an entry. All rows are on the grid of `stepMs`. */
export function encodeEntry(
  key: string,
  stepMs: number,
  extents: readonly Extent[],
  compress: boolean,
): Buffer {
  const head: Head = {
    key,
    stepMs,
    extents: extents.map(({ rows, stores, ...rest }) => ({
      ...rest,
      rows: rows.length,
      stores: stores === null ? null : [...stores].map(([id, s]) => [id, s.count, s.minTime]),
    })),
  };
  const text = Buffer.from(JSON.stringify(head));
  const rows = extents.flatMap((extent) => extent.rows);
  let bytes = 16 + padded(text.length);
  const deltas = new MetricWriter();
  const metrics = rows.map((row) => Buffer.from(deltas.next(row.metric)));
  rows.forEach((row, i) => {
    bytes += rowBytes(row, metrics[i]!);
  });
  // A buffer of its own begins at a multiple of eight, so columns are read in place.
  const body = Buffer.from(new ArrayBuffer(bytes));
  body.writeUInt32LE(magic, 0);
  body.writeUInt32LE(text.length, 8);
  text.copy(body, 16);
  let at = 16 + padded(text.length);
  rows.forEach((row, i) => {
    at = writeRow(body, at, row, metrics[i]!);
  });
  if (!compress) return body;
  const packed = new SnappyEncoder().encode(body.subarray(8));
  const out = Buffer.alloc(8 + packed.length);
  out.writeUInt32LE(magic, 0);
  out.writeUInt32LE(1, 4);
  out.set(packed, 8);
  return out;
}

/** Reads rows in place: their columns are views of the entry. */
class BodyReader {
  readonly #body: Buffer;
  readonly #stepMs: number;
  at: number;
  readonly #metrics = new MetricReader();

  constructor(body: Buffer, at: number, stepMs: number) {
    this.#body = body;
    this.at = at;
    this.#stepMs = stepMs;
  }

  row(): Row {
    const body = this.#body;
    const { at } = this;
    const metricEnd = at + rowHeadBytes + body.readUInt32LE(at);
    const mixed = body.readUInt32LE(at + 4);
    const count = body.readUInt32LE(at + 8);
    const floats = mixed & 0x7fffffff;
    const sparse = mixed >= 2 ** 31;
    const startMs = body.readDoubleLE(at + 12);
    const metric = this.#metrics.next(body.toString("utf8", at + rowHeadBytes, metricEnd));
    const { buffer, byteOffset } = body;
    let to = padded(metricEnd);
    const values = new Float64Array(buffer, byteOffset + to, floats);
    to += 8 * floats;
    let indexes: Uint32Array | null = null;
    if (sparse) {
      indexes = new Uint32Array(buffer, byteOffset + to, floats);
      to += padded(4 * floats);
    }
    const from = to;
    const histogramIndexes = new Uint32Array(buffer, byteOffset + to, count);
    let textAt = to + 8 * count;
    const histograms: Buffer[] = [];
    for (let i = 0; i < count; i++) {
      const length = body.readUInt32LE(to + 4 * (count + i));
      histograms.push(body.subarray(textAt, textAt + length));
      textAt += length;
    }
    this.at = from + padded(textAt - from);
    return { metric, startMs, stepMs: this.#stepMs, indexes, values, histogramIndexes, histograms };
  }
}

/** The extents of an entry; none if it is that of another key. Throws FRONTEND_CACHE, RangeError, SyntaxError. */
export function decodeEntry(entry: Buffer, key: string): Extent[] {
  if (entry.length < 8 || entry.readUInt32LE(0) !== magic) {
    throw new FrontendError("FRONTEND_CACHE", "the entry has another format");
  }
  let body = entry;
  if (entry.readUInt32LE(4) === 1) {
    const unpacked = decodeSnappyBlock(entry.subarray(8), bytesMax);
    body = Buffer.from(new ArrayBuffer(8 + unpacked.length));
    body.set(unpacked, 8);
  }
  const length = body.readUInt32LE(8);
  const head = JSON.parse(body.toString("utf8", 16, 16 + length)) as Head;
  if (head.key !== key) return [];
  const reader = new BodyReader(body, 16 + padded(length), head.stepMs);
  return head.extents.map(({ rows, stores, ...rest }) => ({
    ...rest,
    analysis: rest.analysis,
    stores:
      stores === null
        ? null
        : new Map(stores.map(([id, count, minTime]) => [id, { count, minTime }])),
    rows: Array.from({ length: rows }, () => reader.row()),
  }));
}
