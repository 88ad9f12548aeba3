// Columns and objects to records of the write-ahead logs. Layouts: docs/format/wal.md.
import { ByteWriter, putUvarint } from "@deucalion/base";
import {
  customBucketsSchema,
  type FloatHistogram,
  type LabelBytes,
  LabelCursor,
  type Labels,
} from "@deucalion/model";
import { copyShort, copyShortSpare } from "./copy-short.ts";
import { WalRecordType } from "./wal-record.ts";

const hints: Readonly<Record<string, number>> = { unknown: 0, reset: 1, not_reset: 2, gauge: 3 };
const pair = new Float64Array(1);
const words = new Uint32Array(pair.buffer);

function zigzag(value: number): number {
  return value < 0 ? -value * 2 - 1 : value * 2;
}

/** A record of float samples that grows sample by sample. */
export class SampleRecord {
  #data = new Uint8Array(4096);
  #view = new DataView(this.#data.buffer);
  #length = 0;
  #ref = 0;
  #time = 0;
  count = 0;

  push(ref: number, time: number, high: number, low: number): void {
    if (this.#length + 45 > this.#data.length) {
      const larger = new Uint8Array(2 * this.#data.length);
      larger.set(this.#data.subarray(0, this.#length));
      this.#data = larger;
      this.#view = new DataView(larger.buffer);
    }
    const data = this.#data;
    const view = this.#view;
    let at = this.#length;
    if (this.count++ === 0) {
      data[0] = WalRecordType.samples;
      view.setUint32(1, Math.floor(ref / 4294967296));
      view.setUint32(5, ref % 4294967296);
      const upper = Math.floor(time / 4294967296);
      view.setInt32(9, upper);
      view.setUint32(13, time - upper * 4294967296);
      at = 17;
      this.#ref = ref;
      this.#time = time;
    }
    at = putUvarint(data, at, zigzag(ref - this.#ref));
    at = putUvarint(data, at, zigzag(time - this.#time));
    view.setInt32(at, high);
    view.setInt32(at + 4, low);
    this.#length = at + 8;
  }

  /** The record; valid until the next push. */
  view(): Uint8Array {
    return this.#data.subarray(0, this.#length);
  }

  reset(): void {
    this.count = 0;
    this.#length = 0;
    if (this.#data.length > 1 << 20) {
      this.#data = new Uint8Array(4096);
      this.#view = new DataView(this.#data.buffer);
    }
  }
}

/** Reference, time and start timestamp in front of each item of a record of version 2 (types 11 to 13). */
class V2Prefix {
  #ref = 0;
  #firstTime = 0;
  #firstStart = 0;
  #start = 0;

  push(out: ByteWriter, first: boolean, ref: number, time: number, start: number): void {
    if (first) {
      out.varint(ref);
      out.varint(time);
      out.varint(start);
      this.#firstTime = time;
      this.#firstStart = start;
    } else {
      out.varint(ref - this.#ref);
      out.varint(time - this.#firstTime);
      if (start === 0) out.u8(0);
      else if (start === this.#start) out.u8(1);
      else {
        out.u8(2);
        out.varint(start - this.#firstStart);
      }
    }
    this.#ref = ref;
    this.#start = start;
  }
}

/** A record of float samples with start timestamps, 0 for none. */
export class StartSampleRecord {
  readonly #out = new ByteWriter(4096);
  readonly #prefix = new V2Prefix();
  count = 0;

  push(ref: number, time: number, high: number, low: number, start: number): void {
    const out = this.#out;
    const first = this.count++ === 0;
    if (first) out.u8(WalRecordType.samplesV2);
    this.#prefix.push(out, first, ref, time, start);
    out.u32(high >>> 0);
    out.u32(low >>> 0);
  }

  view(): Uint8Array {
    return this.#out.view();
  }

  reset(): void {
    this.count = 0;
    this.#out.reset();
  }
}

/** A record of integer or float histograms with start timestamps, 0 for none. */
export class StartHistogramRecord {
  readonly #out = new ByteWriter(1024);
  readonly #prefix = new V2Prefix();
  readonly #type: number;
  count = 0;

  constructor(integer: boolean) {
    this.#type = integer ? WalRecordType.histogramsV2 : WalRecordType.floatHistogramsV2;
  }

  push(ref: number, time: number, h: FloatHistogram, start: number): void {
    const first = this.count++ === 0;
    if (first) this.#out.u8(this.#type);
    this.#prefix.push(this.#out, first, ref, time, start);
    writeHistogram(this.#out, h);
  }

  view(): Uint8Array {
    return this.#out.view();
  }

  reset(): void {
    this.count = 0;
    this.#out.reset();
  }
}

/** A record of series. */
export class SeriesRecord {
  #data = new Uint8Array(4096);
  #view = new DataView(this.#data.buffer);
  #length = 0;
  #source: Uint8Array = this.#data;
  #sourceView: DataView = this.#view;
  readonly #cursor = new LabelCursor();
  count = 0;

  push(ref: number, labels: LabelBytes): void {
    const bytes = labels.end - labels.start;
    // A label of the record is no longer than its label bytes, but for a length that is left out there.
    const room = this.#length + 32 + 2 * bytes;
    if (room > this.#data.length) {
      const larger = new Uint8Array(2 * room);
      larger.set(this.#data.subarray(0, this.#length));
      this.#data = larger;
      this.#view = new DataView(larger.buffer);
    }
    const out = this.#data;
    const view = this.#view;
    let at = this.#length;
    if (this.count++ === 0) out[at++] = WalRecordType.series;
    view.setUint32(at, Math.floor(ref / 4294967296));
    view.setUint32(at + 4, ref % 4294967296);
    at += 8;
    const { data } = labels;
    if (data !== this.#source) {
      this.#source = data;
      this.#sourceView = new DataView(data.buffer, data.byteOffset, data.byteLength);
    }
    const from = this.#sourceView;
    const spare = labels.end + copyShortSpare <= data.length;
    const plain = spare ? plainCount(data, labels.start, labels.end) : 0;
    if (plain > 0) {
      out[at++] = plain;
      for (let label = labels.start; label < labels.end; ) {
        // The length and the name, the length and the value.
        const name = 1 + data[label + 3]!;
        const valueAt = label + 4 + name;
        const value = 1 + data[valueAt]!;
        copyShort(from, label + 3, view, at, name);
        at += name;
        copyShort(from, valueAt, view, at, value);
        at += value;
        label = valueAt + value;
      }
      this.#length = at;
      return;
    }
    const cursor = this.#cursor.reset(labels);
    let labelCount = 0;
    while (cursor.next()) labelCount++;
    at = putUvarint(out, at, labelCount);
    cursor.reset(labels);
    while (cursor.next()) {
      const { nameStart, nameEnd, valueStart, valueEnd } = cursor;
      at = putUvarint(out, at, nameEnd - nameStart);
      if (spare) copyShort(from, nameStart, view, at, nameEnd - nameStart);
      else out.set(data.subarray(nameStart, nameEnd), at);
      at = putUvarint(out, at + nameEnd - nameStart, valueEnd - valueStart);
      if (spare) copyShort(from, valueStart, view, at, valueEnd - valueStart);
      else out.set(data.subarray(valueStart, valueEnd), at);
      at += valueEnd - valueStart;
    }
    this.#length = at;
  }

  view(): Uint8Array {
    return this.#data.subarray(0, this.#length);
  }

  reset(): void {
    this.count = 0;
    this.#length = 0;
    if (this.#data.length <= 1 << 22) return;
    this.#data = new Uint8Array(4096);
    this.#view = new DataView(this.#data.buffer);
  }
}

/**
 * How many labels there are, if each has a name and a value in this order and all lengths, and their number, take one
 * byte; else 0.
 */
function plainCount(data: Uint8Array, start: number, end: number): number {
  let count = 0;
  let at = start;
  while (at < end) {
    const size = data[at + 1]!;
    const name = data[at + 3]!;
    if (data[at] !== 0x0a || size > 127 || data[at + 2] !== 0x0a || name > 127) return 0;
    const valueAt = at + 4 + name;
    const value = data[valueAt + 1]!;
    if (data[valueAt] !== 0x12 || name + value + 4 !== size) return 0;
    at += 2 + size;
    count++;
  }
  return at === end && count < 128 ? count : 0;
}

/** Kinds of histogram records: integer or float, with exponential or custom buckets. */
export const histogramRecordTypes = [
  WalRecordType.histograms,
  WalRecordType.floatHistograms,
  WalRecordType.customHistograms,
  WalRecordType.customFloatHistograms,
] as const;

/** Which of `histogramRecordTypes` a histogram goes to. */
export function histogramRecordIndex(h: FloatHistogram): number {
  return (h.integer ? 0 : 1) + (h.schema === customBucketsSchema ? 2 : 0);
}

/** A record of histograms of one kind. */
export class HistogramRecord {
  readonly #out = new ByteWriter(1024);
  readonly #type: number;
  #ref = 0;
  #time = 0;
  count = 0;

  constructor(type: number) {
    this.#type = type;
  }

  push(ref: number, time: number, h: FloatHistogram): void {
    const out = this.#out;
    if (this.count++ === 0) {
      out.u8(this.#type);
      out.u64(ref);
      out.i64(time);
      this.#ref = ref;
      this.#time = time;
    }
    out.varint(ref - this.#ref);
    out.varint(time - this.#time);
    writeHistogram(out, h);
  }

  view(): Uint8Array {
    return this.#out.view();
  }

  reset(): void {
    this.count = 0;
    this.#out.reset();
  }
}

/** Writes a histogram as records hold it. */
export function writeHistogram(out: ByteWriter, h: FloatHistogram): void {
  out.u8(hints[h.counterResetHint] ?? 0);
  out.varint(h.schema);
  out.f64(h.zeroThreshold);
  if (h.integer) {
    out.uvarint(h.zeroCount);
    out.uvarint(h.count);
  } else {
    out.f64(h.zeroCount);
    out.f64(h.count);
  }
  pair[0] = h.sum;
  out.u32(words[1]!);
  out.u32(words[0]!);
  for (const spans of [h.positiveSpans, h.negativeSpans]) {
    out.uvarint(spans.length);
    for (const { offset, length } of spans) {
      out.varint(offset);
      out.uvarint(length);
    }
  }
  for (const buckets of [h.positiveBuckets, h.negativeBuckets]) {
    out.uvarint(buckets.length);
    let before = 0;
    for (const bucket of buckets) {
      if (h.integer) out.varint(bucket - before);
      else out.f64(bucket);
      before = bucket;
    }
  }
  if (h.schema !== customBucketsSchema) return;
  out.uvarint(h.customValues.length);
  for (const bound of h.customValues) out.f64(bound);
}

/** A record of exemplars. */
export class ExemplarRecord {
  readonly #out = new ByteWriter(1024);
  #ref = 0;
  #time = 0;
  count = 0;

  push(ref: number, time: number, value: number, labels: Labels): void {
    const out = this.#out;
    if (this.count++ === 0) {
      out.u8(WalRecordType.exemplars);
      out.u64(ref);
      out.i64(time);
      this.#ref = ref;
      this.#time = time;
    }
    out.varint(ref - this.#ref);
    out.varint(time - this.#time);
    pair[0] = value;
    out.u32(words[1]!);
    out.u32(words[0]!);
    out.uvarint(labels.size);
    for (const text of labels.pairs) out.uvarintString(text);
  }

  view(): Uint8Array {
    return this.#out.view();
  }

  reset(): void {
    this.count = 0;
    this.#out.reset();
  }
}

/** A record of metadata; `type` as in `WalMetadata`. */
export class MetadataRecord {
  readonly #out = new ByteWriter(256);
  count = 0;

  push(ref: number, type: number, unit: string, help: string): void {
    const out = this.#out;
    if (this.count++ === 0) out.u8(WalRecordType.metadata);
    out.uvarint(ref);
    out.u8(type);
    out.uvarint(2);
    out.uvarintString("UNIT");
    out.uvarintString(unit);
    out.uvarintString("HELP");
    out.uvarintString(help);
  }

  view(): Uint8Array {
    return this.#out.view();
  }

  reset(): void {
    this.count = 0;
    this.#out.reset();
  }
}

/** A record of deleted intervals. */
export function tombstoneRecord(
  items: Iterable<{ readonly ref: number; readonly minTime: number; readonly maxTime: number }>,
): Uint8Array {
  const out = new ByteWriter(256);
  out.u8(WalRecordType.tombstones);
  for (const { ref, minTime, maxTime } of items) {
    out.u64(ref);
    out.varint(minTime);
    out.varint(maxTime);
  }
  return out.finish();
}

/** A record that says that out-of-order samples of a series are in an m-mapped chunk. */
export function mmapMarkerRecord(ref: number, mmapRef: number): Uint8Array {
  const out = new ByteWriter(17);
  out.u8(WalRecordType.mmapMarkers);
  out.u64(ref);
  out.u64(mmapRef);
  return out.finish();
}
