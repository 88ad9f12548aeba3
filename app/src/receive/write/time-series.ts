// Reads one `prometheus.TimeSeries` message in place.
//
// 1 labels {1 name, 2 value}   2 samples {1 value, 2 timestamp}   3 exemplars {1 labels, 2 value, 3 timestamp}
// 4 histograms   9002 metadata, ours {1 type, 2 unit, 3 help}; Thanos skips it
import type { LabelBytes } from "@deucalion/model";
import { ProtoReader, type ProtoWriter } from "@deucalion/rpc";
import type { SeriesMetadata } from "@deucalion/tsdb";

/** Field of our own: what the metric means. */
export const metadataField = 9002;

/** Writes that field. */
export function writeMetadata(out: ProtoWriter, { type, unit, help }: SeriesMetadata): void {
  const mark = out.open(metadataField);
  out.tag(1, 0);
  out.uvarint(type);
  out.string(2, unit);
  out.string(3, help);
  out.close(mark);
}

/** Reads its content. Throws RPC_PROTO for malformed bytes. */
export function readMetadata(data: Uint8Array, start: number, end: number): SeriesMetadata {
  const reader = new ProtoReader(data, start, end);
  let type = 0;
  let unit = "";
  let help = "";
  while (reader.next()) {
    if (reader.field === 1) type = reader.uint();
    else if (reader.field === 2) unit = reader.string();
    else if (reader.field === 3) help = reader.string();
    else reader.skip();
  }
  return { type: type <= 7 ? type : 0, unit, help };
}

/** The start timestamp of a histogram's message (field 17, of version 2), 0 for none. */
export function histogramStart(data: Uint8Array, start: number, end: number): number {
  const reader = new ProtoReader(data, start, end);
  let found = 0;
  while (reader.next()) {
    if (reader.field === 17 && reader.wire === 0) found = reader.int();
    else reader.skip();
  }
  return found;
}

/** Where the parts of a message are. Meant to be used again for the next. */
export class TimeSeriesView {
  data: Uint8Array = new Uint8Array(0);
  /** The label section, in the form of label bytes; not checked. */
  labels: LabelBytes = { data: this.data, start: 0, end: 0 };
  sampleCount = 0;
  /** Ranges of messages, start and end. */
  samples: number[] = [];
  exemplars: number[] = [];
  histograms: number[] = [];
  metadata: number[] = [];

  /**
   * `labelsEnd` is where labels end that are known to be whole and to stand first, `start` if nothing is known. Throws
   * RPC_PROTO for malformed bytes.
   */
  read(
    data: Uint8Array,
    start: number,
    end: number,
    labelsEnd = shortLabels(data, start, end),
  ): void {
    this.data = data;
    if (this.exemplars.length > 0) this.exemplars.length = 0;
    if (this.histograms.length > 0) this.histograms.length = 0;
    if (this.metadata.length > 0) this.metadata.length = 0;
    // The usual rest: one sample.
    if (
      labelsEnd > start &&
      labelsEnd < end &&
      data[labelsEnd] === 0x12 &&
      data[labelsEnd + 1]! < 128
    ) {
      if (labelsEnd + 2 + data[labelsEnd + 1]! === end) {
        this.labels = { data, start, end: labelsEnd };
        if (this.samples.length !== 2) this.samples.length = 2;
        this.samples[0] = labelsEnd + 2;
        this.samples[1] = end;
        this.sampleCount = 1;
        return;
      }
    }
    this.samples.length = 0;
    this.sampleCount = 0;
    const reader = new ProtoReader(data, labelsEnd, end);
    let labelStart = labelsEnd > start ? start : -1;
    let labelEnd = labelsEnd > start ? labelsEnd : -1;
    let scattered: number[] | null = null;
    while (reader.at < end) {
      const at = reader.at;
      reader.next();
      switch (reader.field) {
        case 1:
          reader.range();
          if (labelStart < 0) labelStart = at;
          else if (labelEnd !== at) {
            scattered ??= [labelStart, labelEnd];
            scattered.push(at, reader.stop);
            break;
          }
          if (scattered === null) labelEnd = reader.stop;
          else scattered.push(at, reader.stop);
          break;
        case 2:
          reader.range();
          this.samples.push(reader.start, reader.stop);
          this.sampleCount++;
          break;
        case 3:
          reader.range();
          this.exemplars.push(reader.start, reader.stop);
          break;
        case 4:
          reader.range();
          this.histograms.push(reader.start, reader.stop);
          break;
        case metadataField:
          reader.range();
          this.metadata.push(reader.start, reader.stop);
          break;
        default:
          reader.skip();
      }
    }
    this.labels =
      scattered === null
        ? { data, start: Math.max(0, labelStart), end: Math.max(0, labelEnd) }
        : joined(data, scattered);
  }
}

/** Where the labels end that a message begins with and whose length takes one byte; `start` if one does not end. */
function shortLabels(data: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && data[at] === 0x0a && data[at + 1]! < 128) at += 2 + data[at + 1]!;
  return at <= end ? at : start;
}

function joined(data: Uint8Array, ranges: readonly number[]): LabelBytes {
  let bytes = 0;
  for (let i = 0; i < ranges.length; i += 2) bytes += ranges[i + 1]! - ranges[i]!;
  const out = new Uint8Array(bytes);
  let at = 0;
  for (let i = 0; i < ranges.length; i += 2) {
    out.set(data.subarray(ranges[i]!, ranges[i + 1]!), at);
    at += ranges[i + 1]! - ranges[i]!;
  }
  return { data: out, start: 0, end: bytes };
}

/** Reads sample messages: the value as two words, and the time. Keeps the last one read. */
export class SampleView {
  time = 0;
  high = 0;
  low = 0;
  /** Start timestamp (field 3, of version 2), 0 for none. */
  start = 0;
  readonly #data: Uint8Array;
  readonly #view: DataView;

  constructor(data: Uint8Array) {
    this.#data = data;
    this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  }

  /** Throws RPC_PROTO for malformed bytes. */
  read(start: number, end: number): void {
    const data = this.#data;
    this.high = 0;
    this.low = 0;
    this.time = 0;
    this.start = 0;
    let at = start;
    // The usual form: value, then time, both there.
    if (end - at > 10 && data[at] === 0x09 && data[at + 9] === 0x10) {
      this.low = this.#view.getInt32(at + 1, true);
      this.high = this.#view.getInt32(at + 5, true);
      at += 10;
      let value = 0;
      let scale = 1;
      for (let i = 0; i < 7 && at < end; i++) {
        const byte = data[at++]!;
        value += (byte & 127) * scale;
        if (byte < 128) {
          this.time = value;
          if (at === end) return;
          break;
        }
        scale *= 128;
      }
    }
    this.#readSlowly(start, end);
  }

  #readSlowly(start: number, end: number): void {
    const reader = new ProtoReader(this.#data, start, end);
    this.high = 0;
    this.low = 0;
    this.time = 0;
    this.start = 0;
    while (reader.next()) {
      if (reader.field === 1 && reader.wire === 1) {
        this.low = this.#view.getInt32(reader.at, true);
        this.high = this.#view.getInt32(reader.at + 4, true);
        reader.skip();
      } else if (reader.field === 2) {
        this.time = reader.int();
      } else if (reader.field === 3 && reader.wire === 0) {
        this.start = reader.int();
      } else {
        reader.skip();
      }
    }
  }
}
