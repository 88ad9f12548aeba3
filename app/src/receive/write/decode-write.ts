// Bodies of remote write, versions 1 and 2, as lists of series.
import { ProtoReader, ProtoWriter } from "@deucalion/rpc";
import { ReceiveError } from "../errors.ts";
import { SeriesList, type WrittenMetadata } from "./series-list.ts";

/** What a body holds. */
export interface DecodedWrite {
  readonly series: SeriesList;
  readonly samples: number;
  readonly histograms: number;
  readonly exemplars: number;
  /** Entries of metadata of their own (version 1). */
  readonly metadata: number;
}

/** Version 1: the series stay where they are in `body`. Throws RPC_PROTO. */
export function decodeWriteV1(body: Uint8Array): DecodedWrite {
  const series = new SeriesList(body);
  const reader = new ProtoReader(body);
  let metadata = 0;
  while (reader.next()) {
    if (reader.field === 1) {
      reader.range();
      series.add(reader.start, reader.stop);
    } else {
      if (reader.field === 3) metadata++;
      reader.skip();
    }
  }
  const counts = countParts(series);
  return { series, ...counts, metadata };
}

function countParts(series: SeriesList): {
  samples: number;
  histograms: number;
  exemplars: number;
} {
  let samples = 0;
  let histograms = 0;
  let exemplars = 0;
  for (let i = 0; i < series.count; i++) {
    const reader = new ProtoReader(series.data, series.starts[i]!, series.ends[i]!);
    while (reader.next()) {
      if (reader.field === 2) samples++;
      else if (reader.field === 3) exemplars++;
      else if (reader.field === 4) histograms++;
      reader.skip();
    }
  }
  return { samples, histograms, exemplars };
}

/** Version 2: the series are written again in the form of version 1; metadata goes beside them. Throws RPC_PROTO. */
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

const text = new TextDecoder();

class V2Writer {
  readonly #body: Uint8Array;
  readonly #symbols: readonly number[];
  readonly #out: ProtoWriter;
  readonly #bounds: number[] = [];
  readonly #metadata = new Map<number, WrittenMetadata>();
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
    for (let i = 0; i < refs.length; i += 2) {
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

  #symbol(place: number): void {
    const start = this.#symbols[place]!;
    const end = this.#symbols[place + 1]!;
    this.#out.uvarint(end - start);
    this.#out.raw(this.#body, start, end);
  }

  #text(ref: number): string {
    const place = this.#place(ref);
    return text.decode(this.#body.subarray(this.#symbols[place], this.#symbols[place + 1]));
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
    let help = "";
    let unit = "";
    while (reader.next()) {
      if (reader.field === 1) type = reader.uint();
      else if (reader.field === 3) help = this.#text(reader.uint());
      else if (reader.field === 4) unit = this.#text(reader.uint());
      else reader.skip();
    }
    if (type === 0 && help === "" && unit === "") return;
    this.#metadata.set(this.#bounds.length / 2, { type: logTypes[type] ?? 0, unit, help });
  }

  finish(): DecodedWrite {
    const series = new SeriesList(this.#out.finish());
    for (let i = 0; i < this.#bounds.length; i += 2) {
      series.add(this.#bounds[i]!, this.#bounds[i + 1]!);
    }
    if (this.#metadata.size > 0) series.metadata = this.#metadata;
    return {
      series,
      samples: this.#samples,
      histograms: this.#histograms,
      exemplars: this.#exemplars,
      metadata: 0,
    };
  }
}

/** Metric types of the wire (counter, gauge, histogram, gauge histogram, summary, info, stateset) as logs number them. */
const logTypes = [0, 1, 2, 3, 4, 5, 6, 7] as const;
