// The two messages of remote write, put together from series in the form of version 1.
//
//   prometheus.WriteRequest:           1 timeseries {1 labels {1 name, 2 value}   2 samples   4 histograms}
//   io.prometheus.write.v2.Request:    4 symbols    5 timeseries {1 references to symbols, packed   2 samples   3 histograms}
//
// Samples and histograms are the same in both, as far as rules give any.
import { ProtoReader, ProtoWriter } from "@deucalion/rpc";
import type { TimeSeriesView } from "../../receive/write/time-series.ts";

/** Names of messages in `protobuf_message`. */
export const writeMessages = ["prometheus.WriteRequest", "io.prometheus.write.v2.Request"] as const;
export type WriteMessage = (typeof writeMessages)[number];

/** Collects series; one after the other, `finish()` in between. */
export interface MessageWriter {
  /** `view` shows the series at `data[start, end)`. */
  add(data: Uint8Array, start: number, end: number, view: TimeSeriesView): void;
  /** The message, copied. */
  finish(): Uint8Array;
}

/** What the receiver is told of a body. */
export function messageHeaders(message: WriteMessage): Readonly<Record<string, string>> {
  const first = message === "prometheus.WriteRequest";
  return {
    "content-encoding": "snappy",
    "content-type": first ? "application/x-protobuf" : `application/x-protobuf;proto=${message}`,
    "x-prometheus-remote-write-version": first ? "0.1.0" : "2.0.0",
  };
}

class FirstVersion implements MessageWriter {
  readonly #out = new ProtoWriter(4096);

  add(data: Uint8Array, start: number, end: number): void {
    this.#out.tag(1, 2);
    this.#out.uvarint(end - start);
    this.#out.raw(data, start, end);
  }

  finish(): Uint8Array {
    const message = this.#out.finish();
    this.#out.reset();
    return message;
  }
}

class SecondVersion implements MessageWriter {
  readonly #symbols = new ProtoWriter(4096);
  readonly #series = new ProtoWriter(4096);
  readonly #places = new Map<string, number>();

  constructor() {
    this.#begin();
  }

  /** The first symbol is the empty string. */
  #begin(): void {
    this.#symbols.reset();
    this.#series.reset();
    this.#places.clear();
    this.#placeOf("");
  }

  #placeOf(text: string): number {
    const known = this.#places.get(text);
    if (known !== undefined) return known;
    const place = this.#places.size;
    this.#places.set(text, place);
    const bytes = Buffer.from(text);
    this.#symbols.tag(4, 2);
    this.#symbols.uvarint(bytes.length);
    this.#symbols.raw(bytes);
    return place;
  }

  add(data: Uint8Array, _start: number, _end: number, view: TimeSeriesView): void {
    const out = this.#series;
    const series = out.open(5);
    const references = out.open(1);
    const { labels } = view;
    const reader = new ProtoReader(labels.data, labels.start, labels.end);
    while (reader.next()) {
      const label = reader.message();
      let name = 0;
      let value = 0;
      while (label.next()) {
        if (label.field === 1) name = this.#placeOf(label.string());
        else if (label.field === 2) value = this.#placeOf(label.string());
        else label.skip();
      }
      out.uvarint(name);
      out.uvarint(value);
    }
    out.close(references);
    for (const [field, ranges] of [
      [2, view.samples],
      [3, view.histograms],
    ] as const) {
      for (let i = 0; i < ranges.length; i += 2) {
        out.tag(field, 2);
        out.uvarint(ranges[i + 1]! - ranges[i]!);
        out.raw(data, ranges[i]!, ranges[i + 1]!);
      }
    }
    out.close(series);
  }

  finish(): Uint8Array {
    const symbols = this.#symbols.finish();
    const series = this.#series.finish();
    const message = new Uint8Array(symbols.length + series.length);
    message.set(symbols);
    message.set(series, symbols.length);
    this.#begin();
    return message;
  }
}

export function messageWriter(message: WriteMessage): MessageWriter {
  return message === "prometheus.WriteRequest" ? new FirstVersion() : new SecondVersion();
}
