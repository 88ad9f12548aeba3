// The request of `Writer.write`: series of tenants, with a table of all label names and values.
//
// WriteRequest: symbols, series (of one tenant), tenant, tuples. Tuple: -, series, tenant. Symbols: data, u32 ends.
// TimeSeries: labels {u32 name, u32 value}, samples {i64 time, f64 value}, histograms, exemplars {f64 value, i64 time; labels}.
// Histogram: count, i32 schema at 12, sum at 16, zero threshold, zero count at 32, u16 hint at 40, i64 time at 48, u16 at 8 and
// 10: 1 for counts that are floats; negative spans {i32 offset, u32 length}, deltas i64, counts f64, positive ones.
import { ProtoReader, ProtoWriter } from "@deucalion/rpc";
import { HistogramMessage } from "@deucalion/storeapi";
import { ReceiveError } from "../errors.ts";
import { SeriesList, type TenantSeries } from "../write/series-list.ts";
import { histogramStart, SampleView, TimeSeriesView } from "../write/time-series.ts";
import type { MessageBuilder, StructSize } from "./message-builder.ts";
import { ElementSize, type ListReader, type StructReader } from "./message-reader.ts";

type WireHistogram = ReturnType<typeof HistogramMessage.read>;

/** Bytes that a request may come to once its labels are written out. */
const requestBytesMax = 256 * 1024 * 1024;

const sizes = {
  request: { dataWords: 0, pointers: 4 },
  tuple: { dataWords: 0, pointers: 3 },
  symbols: { dataWords: 0, pointers: 2 },
  series: { dataWords: 0, pointers: 4 },
  label: { dataWords: 1, pointers: 0 },
  sample: { dataWords: 2, pointers: 0 },
  span: { dataWords: 1, pointers: 0 },
  histogram: { dataWords: 7, pointers: 6 },
  exemplar: { dataWords: 2, pointers: 1 },
} as const satisfies Record<string, StructSize>;

/** The series of a request, written as `prometheus.TimeSeries` messages. Throws CAPNPROTO_POINTER and RECEIVE_BODY. */
export function readWriteRequest(request: StructReader): TenantSeries[] {
  const symbols = new SymbolReader(request.struct(0));
  const read = (of: StructReader): TenantSeries => {
    const list = of.list(1, ElementSize.struct);
    const out = new ProtoWriter(1 << 16);
    const bounds: number[] = [];
    for (let i = 0; i < list.count; i++) {
      bounds.push(out.length);
      writeSeries(out, list.struct(i), symbols);
      bounds.push(out.length);
    }
    const series = new SeriesList(out.finish());
    for (let i = 0; i < bounds.length; i += 2) series.add(bounds[i]!, bounds[i + 1]!);
    return { tenant: of.text(2), series };
  };
  if (request.has(1)) return [read(request)];
  const tuples = request.list(3, ElementSize.struct);
  return Array.from({ length: tuples.count }, (_, i) => read(tuples.struct(i)));
}

/** Names and values by number. */
class SymbolReader {
  readonly #data: Uint8Array;
  readonly #ends: ListReader;
  /** Bytes that may still be written. */
  #left = requestBytesMax;

  constructor(symbols: StructReader) {
    this.#data = symbols.data(0);
    this.#ends = symbols.list(1, ElementSize.four);
  }

  write(out: ProtoWriter, field: number, index: number): void {
    if (index >= this.#ends.count) throw new ReceiveError("RECEIVE_BODY", "symbol is not there");
    const start = index === 0 ? 0 : this.#ends.u32(index - 1);
    const end = this.#ends.u32(index);
    if (start > end || end > this.#data.length) {
      throw new ReceiveError("RECEIVE_BODY", "symbol lies outside of the table");
    }
    this.#left -= end - start + 4;
    if (this.#left < 0) throw new ReceiveError("RECEIVE_BODY", "labels are too long");
    out.tag(field, 2);
    out.uvarint(end - start);
    out.raw(this.#data, start, end);
  }

  writeLabels(out: ProtoWriter, labels: ListReader): void {
    for (let i = 0; i < labels.count; i++) {
      const label = labels.struct(i);
      const mark = out.open(1);
      this.write(out, 1, label.u32(0));
      this.write(out, 2, label.u32(4));
      out.close(mark);
    }
  }
}

function writeSeries(out: ProtoWriter, series: StructReader, symbols: SymbolReader): void {
  symbols.writeLabels(out, series.list(0, ElementSize.struct));
  const samples = series.list(1, ElementSize.struct);
  for (let i = 0; i < samples.count; i++) {
    const sample = samples.struct(i);
    const mark = out.open(2);
    out.tag(1, 1);
    out.double(sample.f64(8));
    out.tag(2, 0);
    out.svarint(sample.i64(0));
    out.close(mark);
  }
  const exemplars = series.list(3, ElementSize.struct);
  for (let i = 0; i < exemplars.count; i++) {
    const exemplar = exemplars.struct(i);
    const mark = out.open(3);
    symbols.writeLabels(out, exemplar.list(0, ElementSize.struct));
    out.tag(2, 1);
    out.double(exemplar.f64(0));
    out.tag(3, 0);
    out.svarint(exemplar.i64(8));
    out.close(mark);
  }
  const histograms = series.list(2, ElementSize.struct);
  for (let i = 0; i < histograms.count; i++) {
    out.bytes(4, HistogramMessage.encode(readHistogram(histograms.struct(i))));
  }
}

function readHistogram(h: StructReader): WireHistogram {
  const [negative, positive] = [spansOf(h, 0), spansOf(h, 3)];
  return {
    ...(h.u16(8) === 0 ? { countInt: h.u64(0) } : { countFloat: h.f64(0) }),
    ...(h.u16(10) === 0 ? { zeroCountInt: h.u64(32) } : { zeroCountFloat: h.f64(32) }),
    sum: h.f64(16),
    schema: h.i32(12),
    zeroThreshold: h.f64(24),
    negativeSpans: negative,
    negativeDeltas: numbersOf(h, 1, "i64"),
    negativeCounts: numbersOf(h, 2, "f64"),
    positiveSpans: positive,
    positiveDeltas: numbersOf(h, 4, "i64"),
    positiveCounts: numbersOf(h, 5, "f64"),
    resetHint: h.u16(40),
    timestamp: h.i64(48),
    customValues: [],
  };
}

function spansOf(h: StructReader, index: number): { offset: number; length: number }[] {
  const list = h.list(index, ElementSize.struct);
  return Array.from({ length: list.count }, (_, i) => {
    const span = list.struct(i);
    return { offset: span.i32(0), length: span.u32(4) };
  });
}

function numbersOf(h: StructReader, index: number, kind: "i64" | "f64"): number[] {
  const list = h.list(index, ElementSize.eight);
  return Array.from({ length: list.count }, (_, i) => list[kind](i));
}

/** A series that is to be sent: where its parts are. */
interface Parts {
  readonly labels: number[];
  readonly data: Uint8Array;
  readonly samples: readonly number[];
  readonly histograms: readonly WireHistogram[];
  readonly exemplars: readonly {
    readonly labels: number[];
    readonly value: number;
    readonly time: number;
  }[];
}

/** A request that is ready to be written. */
export class WriteRequestParts {
  readonly #symbols = new Map<string, number>();
  readonly #tenants: { readonly tenant: string; readonly series: readonly Parts[] }[] = [];

  /**
   * Null if something of the series has no place in this protocol: metadata, start timestamps, custom buckets. Throws
   * RPC_PROTO for malformed bytes.
   */
  static of(parts: readonly TenantSeries[]): WriteRequestParts | null {
    const request = new WriteRequestParts();
    const view = new TimeSeriesView();
    for (const { tenant, series: list } of parts) {
      const series: Parts[] = [];
      const sample = new SampleView(list.data);
      for (let i = 0; i < list.count; i++) {
        view.read(list.data, list.starts[i]!, list.ends[i]!);
        const one = request.#partsOf(view, sample);
        if (one === null) return null;
        series.push(one);
      }
      request.#tenants.push({ tenant, series });
    }
    return request;
  }

  #partsOf(view: TimeSeriesView, sample: SampleView): Parts | null {
    if (view.metadata.length > 0) return null;
    const { data, labels } = view;
    for (let i = 0; i < view.samples.length; i += 2) {
      sample.read(view.samples[i]!, view.samples[i + 1]!);
      if (sample.start !== 0) return null;
    }
    const histograms: WireHistogram[] = [];
    for (let i = 0; i < view.histograms.length; i += 2) {
      const [start, end] = [view.histograms[i]!, view.histograms[i + 1]!];
      const histogram = HistogramMessage.read(new ProtoReader(data, start, end), 0);
      if (histogram.customValues.length > 0 || histogramStart(data, start, end) !== 0) return null;
      histograms.push(histogram);
    }
    const exemplars = [];
    for (let i = 0; i < view.exemplars.length; i += 2) {
      exemplars.push(
        this.#exemplar(new ProtoReader(data, view.exemplars[i]!, view.exemplars[i + 1]!)),
      );
    }
    return {
      labels: this.#labels(new ProtoReader(labels.data, labels.start, labels.end)),
      data,
      samples: view.samples.slice(),
      histograms,
      exemplars,
    };
  }

  #exemplar(reader: ProtoReader): Parts["exemplars"][number] {
    const labels: number[] = [];
    let value = 0;
    let time = 0;
    while (reader.next()) {
      if (reader.field === 1) this.#label(reader.message(), labels);
      else if (reader.field === 2) value = reader.double();
      else if (reader.field === 3) time = reader.int();
      else reader.skip();
    }
    return { labels, value, time };
  }

  #labels(reader: ProtoReader): number[] {
    const out: number[] = [];
    while (reader.next()) {
      if (reader.field === 1) this.#label(reader.message(), out);
      else reader.skip();
    }
    return out;
  }

  #label(reader: ProtoReader, out: number[]): void {
    let name = "";
    let value = "";
    while (reader.next()) {
      if (reader.field === 1 || reader.field === 2) {
        reader.range();
        const { data, start, stop } = reader;
        // Bytes as they are, one character for each.
        const text = Buffer.from(data.buffer, data.byteOffset + start, stop - start).toString(
          "latin1",
        );
        if (reader.field === 1) name = text;
        else value = text;
      } else reader.skip();
    }
    out.push(this.#symbol(name), this.#symbol(value));
  }

  #symbol(text: string): number {
    const known = this.#symbols.get(text);
    if (known !== undefined) return known;
    const number = this.#symbols.size;
    this.#symbols.set(text, number);
    return number;
  }

  /** Writes the request for the pointer at `pointer`. */
  write(out: MessageBuilder, pointer: number): void {
    const request = out.struct(pointer, sizes.request);
    const symbols = out.struct(request, sizes.symbols);
    let bytes = 0;
    for (const text of this.#symbols.keys()) bytes += text.length;
    let at = out.bytes(symbols, bytes);
    const from = at;
    const ends = out.numbers(symbols + 8, this.#symbols.size, ElementSize.four);
    let n = 0;
    for (const text of this.#symbols.keys()) {
      out.copy(Buffer.from(text, "latin1"), at);
      at += text.length;
      out.u32(ends + 4 * n++, at - from);
    }
    let tuple = out.structs(request + 24, this.#tenants.length, sizes.tuple);
    for (const { tenant, series } of this.#tenants) {
      out.text(tuple + 16, tenant);
      let place = out.structs(tuple + 8, series.length, sizes.series);
      for (const one of series) {
        writeParts(out, place, one);
        place += 32;
      }
      tuple += 24;
    }
  }
}

function writeParts(out: MessageBuilder, place: number, parts: Parts): void {
  writeLabels(out, place, parts.labels);
  const sample = new SampleView(parts.data);
  let at = out.structs(place + 8, parts.samples.length / 2, sizes.sample);
  for (let i = 0; i < parts.samples.length; i += 2, at += 16) {
    sample.read(parts.samples[i]!, parts.samples[i + 1]!);
    out.i64(at, sample.time);
    out.words(at + 8, sample.low, sample.high);
  }
  if (parts.histograms.length > 0) {
    at = out.structs(place + 16, parts.histograms.length, sizes.histogram);
    for (const histogram of parts.histograms) {
      writeHistogram(out, at, histogram);
      at += 8 * 13;
    }
  }
  if (parts.exemplars.length > 0) {
    at = out.structs(place + 24, parts.exemplars.length, sizes.exemplar);
    for (const { labels, value, time } of parts.exemplars) {
      out.f64(at, value);
      out.i64(at + 8, time);
      writeLabels(out, at + 16, labels);
      at += 24;
    }
  }
}

function writeLabels(out: MessageBuilder, pointer: number, labels: readonly number[]): void {
  let at = out.structs(pointer, labels.length / 2, sizes.label);
  for (let i = 0; i < labels.length; i++, at += 4) out.u32(at, labels[i]!);
}

function writeHistogram(out: MessageBuilder, at: number, h: WireHistogram): void {
  if (h.countInt !== undefined) out.i64(at, h.countInt);
  else {
    out.f64(at, h.countFloat ?? 0);
    out.u16(at + 8, 1);
  }
  out.u32(at + 12, h.schema);
  out.f64(at + 16, h.sum);
  out.f64(at + 24, h.zeroThreshold);
  if (h.zeroCountFloat === undefined) out.i64(at + 32, h.zeroCountInt ?? 0);
  else {
    out.f64(at + 32, h.zeroCountFloat);
    out.u16(at + 10, 1);
  }
  out.u16(at + 40, h.resetHint);
  out.i64(at + 48, h.timestamp);
  const pointers = at + 56;
  const buckets = [
    [h.negativeSpans, h.negativeDeltas, h.negativeCounts],
    [h.positiveSpans, h.positiveDeltas, h.positiveCounts],
  ] as const;
  for (const [i, [spans, deltas, counts]] of buckets.entries()) {
    let place = out.structs(pointers + 24 * i, spans.length, sizes.span);
    for (const { offset, length } of spans) {
      out.u32(place, offset);
      out.u32(place + 4, length);
      place += 8;
    }
    place = out.numbers(pointers + 24 * i + 8, deltas.length, ElementSize.eight);
    for (const [j, delta] of deltas.entries()) out.i64(place + 8 * j, delta);
    place = out.numbers(pointers + 24 * i + 16, counts.length, ElementSize.eight);
    for (const [j, count] of counts.entries()) out.f64(place + 8 * j, count);
  }
}
