// Records of the write-ahead logs: bytes to columns and objects. Layouts: docs/format/wal.md.
import { ByteReader, messageOf } from "@deucalion/base";
import { customBucketsSchema, type FloatHistogram, Labels } from "@deucalion/model";
import { addInterval, type Interval } from "../block/tombstones.ts";
import { TsdbError } from "../errors.ts";
import { readWalHistogram } from "./wal-histogram.ts";

/** Type byte of a record. Custom-bucket records hold the same as those of their kind; `v2` ones have start timestamps. */
export const WalRecordType = {
  series: 1,
  samples: 2,
  tombstones: 3,
  exemplars: 4,
  mmapMarkers: 5,
  metadata: 6,
  histograms: 7,
  floatHistograms: 8,
  customHistograms: 9,
  customFloatHistograms: 10,
  samplesV2: 11,
  histogramsV2: 12,
  floatHistogramsV2: 13,
} as const;

/** Float samples as columns; sample `i` belongs to series `refs[i]`. Times in milliseconds, 0 for no start. */
export interface WalSamples {
  readonly count: number;
  readonly refs: Float64Array;
  readonly times: Float64Array;
  readonly startTimes: Float64Array;
  /** Two words a sample, low word first. */
  readonly valueBits: Uint32Array;
}

export interface WalSeries {
  readonly ref: number;
  readonly labels: Labels;
}

export interface WalTombstone {
  readonly ref: number;
  readonly intervals: readonly Interval[];
}

export interface WalHistogram {
  readonly ref: number;
  readonly startTime: number;
  readonly time: number;
  readonly histogram: FloatHistogram;
}

export interface WalExemplar {
  readonly ref: number;
  readonly time: number;
  readonly valueHigh: number;
  readonly valueLow: number;
  readonly labels: Labels;
}

/** `type` 0 unknown, 1 counter, 2 gauge, 3 histogram, 4 gauge histogram, 5 summary, 6 info, 7 stateset. */
export interface WalMetadata {
  readonly ref: number;
  readonly type: number;
  readonly unit: string;
  readonly help: string;
}

/** Says that what the write-behind log held of a series so far is in m-mapped chunks up to `mmapRef`. */
export interface WalMmapMarker {
  readonly ref: number;
  /** File number × 2^32 + offset. */
  readonly mmapRef: number;
}

/** A decoded record. */
export type WalRecord =
  | { readonly kind: "series"; readonly series: readonly WalSeries[] }
  | { readonly kind: "samples"; readonly samples: WalSamples }
  | { readonly kind: "tombstones"; readonly tombstones: readonly WalTombstone[] }
  | { readonly kind: "exemplars"; readonly exemplars: readonly WalExemplar[] }
  | { readonly kind: "markers"; readonly markers: readonly WalMmapMarker[] }
  | { readonly kind: "metadata"; readonly metadata: readonly WalMetadata[] }
  | { readonly kind: "histograms"; readonly histograms: readonly WalHistogram[] }
  | { readonly kind: "unknown" };

/** Decodes one record. Types that are not known give "unknown". Throws TSDB_WAL_RECORD. */
export function decodeWalRecord(data: Uint8Array): WalRecord {
  const from = new ByteReader(data);
  try {
    return decode(from.u8(), from);
  } catch (thrown) {
    if (thrown instanceof TsdbError) throw thrown;
    const text = `record does not decode: ${messageOf(thrown)}`;
    throw new TsdbError("TSDB_WAL_RECORD", text, { type: data[0] }, { cause: thrown });
  }
}

function decode(type: number, from: ByteReader): WalRecord {
  switch (type) {
    case WalRecordType.series:
      return { kind: "series", series: readAll(from, readSeries) };
    case WalRecordType.samples:
      return { kind: "samples", samples: readSamples(from) };
    case WalRecordType.samplesV2:
      return { kind: "samples", samples: readSamplesV2(from) };
    case WalRecordType.tombstones:
      return { kind: "tombstones", tombstones: readTombstones(from) };
    case WalRecordType.exemplars:
      return { kind: "exemplars", exemplars: readExemplars(from) };
    case WalRecordType.mmapMarkers:
      return { kind: "markers", markers: readAll(from, readMarker) };
    case WalRecordType.metadata:
      return { kind: "metadata", metadata: readAll(from, readMetadata) };
    case WalRecordType.histograms:
    case WalRecordType.customHistograms:
      return { kind: "histograms", histograms: readHistograms(from, true) };
    case WalRecordType.floatHistograms:
    case WalRecordType.customFloatHistograms:
      return { kind: "histograms", histograms: readHistograms(from, false) };
    case WalRecordType.histogramsV2:
      return { kind: "histograms", histograms: readHistogramsV2(from, true) };
    case WalRecordType.floatHistogramsV2:
      return { kind: "histograms", histograms: readHistogramsV2(from, false) };
    default:
      return { kind: "unknown" };
  }
}

function readAll<T>(from: ByteReader, read: (from: ByteReader) => T): T[] {
  const items: T[] = [];
  while (from.left > 0) items.push(read(from));
  return items;
}

/** Labels of a record: uvarint count, then names and values. */
export function readWalLabels(from: ByteReader): Labels {
  const count = from.uvarint();
  if (count * 2 > from.left)
    throw new TsdbError("TSDB_WAL_RECORD", "labels are cut off", { count });
  const pairs: string[] = [];
  for (let i = 0; i < 2 * count; i++) pairs.push(from.uvarintString());
  return new Labels(pairs);
}

function readSeries(from: ByteReader): WalSeries {
  return { ref: from.u64(), labels: readWalLabels(from) };
}

/** Growing columns of samples. */
class SampleBuilder implements WalSamples {
  count = 0;
  refs: Float64Array;
  times: Float64Array;
  startTimes: Float64Array;
  valueBits: Uint32Array;

  /** `bytes` bounds the samples: each takes ten at least. */
  constructor(bytes: number) {
    const capacity = Math.ceil(bytes / 10) + 1;
    this.refs = new Float64Array(capacity);
    this.times = new Float64Array(capacity);
    this.startTimes = new Float64Array(capacity);
    this.valueBits = new Uint32Array(2 * capacity);
  }

  push(ref: number, time: number, start: number, from: ByteReader): void {
    const high = from.u32();
    const at = this.count++;
    this.refs[at] = ref;
    this.times[at] = time;
    this.startTimes[at] = start;
    this.valueBits[2 * at + 1] = high;
    this.valueBits[2 * at] = from.u32();
  }
}

// BE64 first ref, BE64 first time; per sample: varint Δref and Δt to the first, float64.
function readSamples(from: ByteReader): WalSamples {
  const out = new SampleBuilder(from.left);
  if (from.left === 0) return out;
  const firstRef = from.u64();
  const firstTime = from.i64();
  while (from.left > 0) out.push(firstRef + from.varint(), firstTime + from.varint(), 0, from);
  return out;
}

// First: varint ref, time, start, float64; next: varint Δref to the one before, varint Δt to the first, start marker.
function readSamplesV2(from: ByteReader): WalSamples {
  const out = new SampleBuilder(from.left);
  if (from.left === 0) return out;
  const cursor = new V2Cursor(from);
  while (from.left > 0) {
    cursor.next(from);
    out.push(cursor.ref, cursor.time, cursor.start, from);
  }
  return out;
}

/** Reference, time and start timestamp in front of each item of a version 2 record. */
class V2Cursor {
  ref: number;
  time: number;
  start: number;
  readonly #firstTime: number;
  readonly #firstStart: number;
  #begun = false;

  constructor(from: ByteReader) {
    this.ref = from.varint();
    this.time = from.varint();
    this.start = from.varint();
    this.#firstTime = this.time;
    this.#firstStart = this.start;
  }

  next(from: ByteReader): void {
    if (!this.#begun) {
      this.#begun = true;
      return;
    }
    this.ref += from.varint();
    this.time = this.#firstTime + from.varint();
    const marker = from.u8();
    if (marker === 0) this.start = 0;
    else if (marker !== 1) this.start = this.#firstStart + from.varint();
  }
}

function readHistograms(from: ByteReader, integer: boolean): WalHistogram[] {
  if (from.left === 0) return [];
  const firstRef = from.u64();
  const firstTime = from.i64();
  return readAll(from, () => {
    const ref = firstRef + from.varint();
    const time = firstTime + from.varint();
    return { ref, startTime: 0, time, histogram: readWalHistogram(from, integer) };
  }).filter(({ histogram }) => isKnownSchema(histogram.schema));
}

function readHistogramsV2(from: ByteReader, integer: boolean): WalHistogram[] {
  if (from.left === 0) return [];
  const cursor = new V2Cursor(from);
  return readAll(from, () => {
    cursor.next(from);
    const { ref, time, start } = cursor;
    return { ref, startTime: start, time, histogram: readWalHistogram(from, integer) };
  }).filter(({ histogram }) => isKnownSchema(histogram.schema));
}

function isKnownSchema(schema: number): boolean {
  return schema === customBucketsSchema || (schema >= -9 && schema <= 52);
}

function readTombstones(from: ByteReader): WalTombstone[] {
  return readAll(from, () => {
    const ref = from.u64();
    const minTime = from.varint();
    const maxTime = from.varint();
    return { ref, intervals: addInterval([], { minTime, maxTime }) };
  });
}

/** Exemplars of a record, behind its type. */
export function readExemplars(from: ByteReader): WalExemplar[] {
  if (from.left === 0) return [];
  const firstRef = from.u64();
  const firstTime = from.i64();
  return readAll(from, () => ({
    ref: firstRef + from.varint(),
    time: firstTime + from.varint(),
    valueHigh: from.u32(),
    valueLow: from.u32(),
    labels: readWalLabels(from),
  }));
}

function readMarker(from: ByteReader): WalMmapMarker {
  return { ref: from.u64(), mmapRef: from.u64() };
}

function readMetadata(from: ByteReader): WalMetadata {
  const ref = from.uvarint();
  const type = from.u8();
  const fields = from.uvarint();
  let unit = "";
  let help = "";
  for (let i = 0; i < fields; i++) {
    const name = from.uvarintString();
    const value = from.uvarintString();
    if (name === "UNIT") unit = value;
    if (name === "HELP") help = value;
  }
  return { ref, type, unit, help };
}
