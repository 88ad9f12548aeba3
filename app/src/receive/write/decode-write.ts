// Bodies of remote write, versions 1 and 2, as lists of series.
import { encodeLabels, Labels } from "@deucalion/model";
import { ProtoReader, ProtoWriter } from "@deucalion/rpc";
import type { SeriesMetadata } from "@deucalion/tsdb";
import { ReceiveError } from "../errors.ts";
import { SeriesList } from "./series-list.ts";
import { metadataField, writeMetadata } from "./time-series.ts";

/** What a body holds. */
export interface DecodedWrite {
  readonly series: SeriesList;
  readonly samples: number;
  readonly histograms: number;
  readonly exemplars: number;
  /** Metadata of its own (version 1): messages without samples. */
  readonly families: SeriesList | null;
  /** What of the body is left out since it can never be stored; "" for nothing. */
  readonly refused: string;
}

/** Version 1: the series stay where they are in `body`. Throws RPC_PROTO. */
export function decodeWriteV1(body: Uint8Array): DecodedWrite {
  const series = new SeriesList(body);
  const reader = new ProtoReader(body);
  const families: { readonly name: string; readonly metadata: SeriesMetadata }[] = [];
  while (reader.next()) {
    if (reader.field === 1) {
      reader.range();
      series.add(reader.start, reader.stop);
    } else if (reader.field === 3) families.push(readFamily(reader.message()));
    else reader.skip();
  }
  return { series, ...countParts(series), families: familyList(families), refused: "" };
}

// MetricMetadata: 1 type   2 metric_family_name   4 help   5 unit
function readFamily(reader: ProtoReader): { name: string; metadata: SeriesMetadata } {
  let name = "";
  let type = 0;
  let help = "";
  let unit = "";
  while (reader.next()) {
    if (reader.field === 1) type = reader.uint();
    else if (reader.field === 2) name = reader.string();
    else if (reader.field === 4) help = reader.string();
    else if (reader.field === 5) unit = reader.string();
    else reader.skip();
  }
  return { name, metadata: { type, unit, help } };
}

function familyList(
  families: readonly { readonly name: string; readonly metadata: SeriesMetadata }[],
): SeriesList | null {
  if (families.length === 0) return null;
  const out = new ProtoWriter(1 << 12);
  const bounds: number[] = [];
  for (const { name, metadata } of families) {
    if (name === "") continue;
    const start = out.length;
    const { data, start: from, end } = encodeLabels(Labels.from({ __name__: name }));
    out.raw(data, from, end);
    writeMetadata(out, metadata);
    bounds.push(start, out.length);
  }
  const list = new SeriesList(out.finish());
  for (let i = 0; i < bounds.length; i += 2) list.add(bounds[i]!, bounds[i + 1]!);
  return list;
}

function countParts(series: SeriesList): {
  samples: number;
  histograms: number;
  exemplars: number;
} {
  let samples = 0;
  let histograms = 0;
  let exemplars = 0;
  const { data } = series;
  for (let i = 0; i < series.count; i++) {
    const end = series.ends[i]!;
    let at = series.starts[i]!;
    // The usual fields have tags and lengths of one byte.
    while (at + 1 < end && data[at + 1]! < 128) {
      const tag = data[at]!;
      if (tag === 0x12) samples++;
      else if (tag === 0x1a) exemplars++;
      else if (tag === 0x22) histograms++;
      else if (tag !== 0x0a) break;
      at += 2 + data[at + 1]!;
    }
    const reader = at < end ? new ProtoReader(data, at, end) : null;
    while (reader?.next() === true) {
      if (reader.field === 2) samples++;
      else if (reader.field === 3) exemplars++;
      else if (reader.field === 4) histograms++;
      reader.skip();
    }
  }
  return { samples, histograms, exemplars };
}

/** Version 2: the series are written again in the form of version 1, with their metadata. Throws RPC_PROTO. */
export function decodeWriteV2(body: Uint8Array): DecodedWrite {
  const symbols: number[] = [];
  const messages: number[] = [];
  const reader = new ProtoReader(body);
  while (reader.next()) {
    if (reader.field === 4) {
      reader.range();
      symbols.push(reader.start, reader.stop);
    } else if (reader.field === 5) {
      reader.range();
      messages.push(reader.start, reader.stop);
    } else reader.skip();
  }
  if (symbols.length > 0 && symbols[0] !== symbols[1]) {
    throw new ReceiveError("RECEIVE_BODY", "the first symbol is not the empty string");
  }
  const writer = new V2Writer(body, symbols);
  for (let i = 0; i < messages.length; i += 2) writer.series(messages[i]!, messages[i + 1]!);
  return writer.finish();
}

const nameLabel = new TextEncoder().encode("__name__");

class V2Writer {
  readonly #body: Uint8Array;
  readonly #symbols: readonly number[];
  readonly #out: ProtoWriter;
  readonly #bounds: number[] = [];
  #unnamed = 0;
  #samples = 0;
  #histograms = 0;
  #exemplars = 0;

  constructor(body: Uint8Array, symbols: readonly number[]) {
    this.#body = body;
    this.#symbols = symbols;
    this.#out = new ProtoWriter(2 * body.length);
  }

  #place(ref: number): number {
    if (2 * ref >= this.#symbols.length) {
      throw new ReceiveError("RECEIVE_BODY", `symbol reference ${ref} is out of range`);
    }
    return 2 * ref;
  }

  #refs(reader: ProtoReader): number[] {
    const refs: number[] = [];
    if (reader.wire === 0) {
      refs.push(reader.uvarint());
      return refs;
    }
    const inner = reader.message();
    while (inner.at < inner.end) refs.push(inner.uvarint());
    return refs;
  }

  #labels(refs: readonly number[]): void {
    const out = this.#out;
    if (refs.length % 2 !== 0) {
      throw new ReceiveError("RECEIVE_BODY", `${refs.length} label references do not make pairs`);
    }
    for (const i of this.#sorted(refs)) {
      const name = this.#place(refs[i]!);
      const value = this.#place(refs[i + 1]!);
      const mark = out.open(1);
      out.tag(1, 2);
      this.#symbol(name);
      out.tag(2, 2);
      this.#symbol(value);
      out.close(mark);
    }
  }

  /** Where pairs of references begin, in the order of the labels' names. */
  #sorted(refs: readonly number[]): number[] {
    const order: number[] = [];
    let inOrder = true;
    for (let i = 0; i < refs.length; i += 2) {
      if (i > 0 && this.#compareSymbols(refs[i - 2]!, refs[i]!) > 0) inOrder = false;
      order.push(i);
    }
    return inOrder ? order : order.sort((a, b) => this.#compareSymbols(refs[a]!, refs[b]!));
  }

  #compareSymbols(a: number, b: number): number {
    const body = this.#body;
    const x = this.#place(a);
    const y = this.#place(b);
    const symbols = this.#symbols;
    let i = symbols[x]!;
    let j = symbols[y]!;
    const xEnd = symbols[x + 1]!;
    const yEnd = symbols[y + 1]!;
    for (; i < xEnd && j < yEnd; i++, j++) if (body[i] !== body[j]) return body[i]! - body[j]!;
    return xEnd - i - (yEnd - j);
  }

  /** True if one of the labels is a metric name. */
  #isNamed(refs: readonly number[]): boolean {
    for (let i = 0; i + 1 < refs.length; i += 2) {
      const name = this.#place(refs[i]!);
      const value = this.#place(refs[i + 1]!);
      const start = this.#symbols[name]!;
      if (this.#symbols[name + 1]! - start !== nameLabel.length) continue;
      if (this.#symbols[value + 1]! === this.#symbols[value]!) continue;
      if (nameLabel.every((byte, at) => this.#body[start + at] === byte)) return true;
    }
    return false;
  }

  #symbol(place: number): void {
    const start = this.#symbols[place]!;
    const end = this.#symbols[place + 1]!;
    this.#out.uvarint(end - start);
    this.#out.raw(this.#body, start, end);
  }

  series(start: number, end: number): void {
    const out = this.#out;
    const from = out.length;
    const body = this.#body;
    let reader = new ProtoReader(body, start, end);
    const refs: number[] = [];
    while (reader.next()) {
      if (reader.field === 1) for (const ref of this.#refs(reader)) refs.push(ref);
      else reader.skip();
    }
    if (!this.#isNamed(refs)) {
      this.#unnamed++;
      return;
    }
    this.#labels(refs);
    reader = new ProtoReader(body, start, end);
    while (reader.next()) {
      switch (reader.field) {
        case 2:
        case 3: {
          reader.range();
          const sample = reader.field === 2;
          if (sample) this.#samples++;
          else this.#histograms++;
          out.tag(sample ? 2 : 4, 2);
          out.uvarint(reader.stop - reader.start);
          out.raw(body, reader.start, reader.stop);
          break;
        }
        case 4:
          this.#exemplars++;
          this.#exemplar(reader.message());
          break;
        case 5:
          this.#meta(reader.message());
          break;
        default:
          reader.skip();
      }
    }
    this.#bounds.push(from, out.length);
  }

  #exemplar(reader: ProtoReader): void {
    const out = this.#out;
    const mark = out.open(3);
    while (reader.next()) {
      if (reader.field === 1) this.#labels(this.#refs(reader));
      else {
        out.tag(reader.field, reader.wire);
        const at = reader.at;
        reader.skip();
        out.raw(reader.data, at, reader.at);
      }
    }
    out.close(mark);
  }

  #meta(reader: ProtoReader): void {
    let type = 0;
    let help = 0;
    let unit = 0;
    while (reader.next()) {
      if (reader.field === 1) type = reader.uint();
      else if (reader.field === 3) help = reader.uint();
      else if (reader.field === 4) unit = reader.uint();
      else reader.skip();
    }
    if (type === 0 && help === 0 && unit === 0) return;
    const out = this.#out;
    const mark = out.open(metadataField);
    out.tag(1, 0);
    out.uvarint(type);
    out.tag(2, 2);
    this.#symbol(this.#place(unit));
    out.tag(3, 2);
    this.#symbol(this.#place(help));
    out.close(mark);
  }

  finish(): DecodedWrite {
    const series = new SeriesList(this.#out.finish());
    for (let i = 0; i < this.#bounds.length; i += 2) {
      series.add(this.#bounds[i]!, this.#bounds[i + 1]!);
    }
    return {
      series,
      samples: this.#samples,
      histograms: this.#histograms,
      exemplars: this.#exemplars,
      families: null,
      refused: this.#unnamed === 0 ? "" : `${this.#unnamed} series have no metric name`,
    };
  }
}
