// Remote read on the wire: the request, and series of both kinds of answer, as label bytes and chunk columns.
//
// ReadRequest    1: queries (Query)   2: accepted_response_types (SAMPLES 0, STREAMED_XOR_CHUNKS 1)
// Query          1: start ms   2: end ms   3: matchers (LabelMatcher 1: type 2: name 3: value)
// ChunkedReadResponse   1: chunked_series   2: query_index
// ChunkedSeries  1: labels   2: chunks (Chunk 1: min ms 2: max ms 3: type 4: data)
// ReadResponse   1: results (QueryResult 1: timeseries (1: labels 2: samples 4: histograms))
import {
  Aggregate,
  ChunkColumns,
  type LabelBytes,
  type Matcher,
  SampleColumns,
} from "@deucalion/model";
import { ProtoReader, ProtoWriter } from "@deucalion/rpc";
import { HistogramMessage, histogramFromWire } from "@deucalion/storeapi";
import { encodeSamples } from "@deucalion/tsdb";

const matcherTypes = { "=": 0, "!=": 1, "=~": 2, "!~": 3 } as const;

/** A request for one query. Accepts the streamed answer first, then samples. Times in ms, inclusive. */
export function encodeReadRequest(
  minTime: number,
  maxTime: number,
  matchers: readonly Matcher[],
): Uint8Array {
  const query = new ProtoWriter();
  query.tag(1, 0);
  query.svarint(minTime);
  query.tag(2, 0);
  query.svarint(maxTime);
  for (const matcher of matchers) {
    const one = new ProtoWriter();
    one.tag(1, 0);
    one.uvarint(matcherTypes[matcher.type]);
    putBytes(one, 2, new TextEncoder().encode(matcher.name));
    putBytes(one, 3, new TextEncoder().encode(matcher.value));
    putBytes(query, 3, one.view());
  }
  const request = new ProtoWriter();
  putBytes(request, 1, query.view());
  putBytes(request, 2, Uint8Array.of(1, 0));
  return request.finish();
}

function putBytes(writer: ProtoWriter, field: number, bytes: Uint8Array): void {
  writer.tag(field, 2);
  writer.uvarint(bytes.length);
  writer.ensure(bytes.length);
  writer.data.set(bytes, writer.length);
  writer.length += bytes.length;
}

/** One series of an answer: its labels as sent and its chunks as rows of `chunks`, a batch of this series alone. */
export interface ReadSeries {
  readonly labels: LabelBytes;
  readonly chunks: ChunkColumns;
}

/** Label fields as one range; Prometheus writes them next to each other, others are copied together. */
class LabelRange {
  readonly #data: Uint8Array;
  #start = -1;
  #end = -1;
  #parts: Uint8Array[] | null = null;

  constructor(data: Uint8Array) {
    this.#data = data;
  }
  add(start: number, end: number): void {
    if (this.#start < 0) this.#start = start;
    else if (this.#end !== start || this.#parts !== null) {
      this.#parts ??= [this.#data.subarray(this.#start, this.#end)];
      this.#parts.push(this.#data.subarray(start, end));
    }
    this.#end = end;
  }
  finish(): LabelBytes {
    if (this.#parts !== null) {
      const joined = Buffer.concat(this.#parts);
      return { data: joined, start: 0, end: joined.length };
    }
    return { data: this.#data, start: Math.max(0, this.#start), end: Math.max(0, this.#end) };
  }
}

/** The series of one ChunkedReadResponse. `frame` is referred to, not copied. */
export function decodeChunkedFrame(frame: Uint8Array): ReadSeries[] {
  const all: ReadSeries[] = [];
  const reader = new ProtoReader(frame);
  while (reader.next()) {
    if (reader.field !== 1) {
      reader.skip();
      continue;
    }
    all.push(decodeChunkedSeries(reader.message()));
  }
  return all;
}

function decodeChunkedSeries(reader: ProtoReader): ReadSeries {
  const labels = new LabelRange(reader.data);
  const chunks = new ChunkColumns();
  const buffer = chunks.addBuffer(reader.data);
  chunks.addSeries(buffer, 0, 0);
  for (let start = reader.at; reader.next(); start = reader.at) {
    if (reader.field === 1) {
      reader.range();
      labels.add(start, reader.stop);
    } else if (reader.field === 2) {
      addChunk(reader.message(), chunks, buffer);
    } else {
      reader.skip();
    }
  }
  return { labels: labels.finish(), chunks };
}

function addChunk(reader: ProtoReader, chunks: ChunkColumns, buffer: number): void {
  let minTime = 0;
  let maxTime = 0;
  let encoding = 0;
  let offset = 0;
  let length = 0;
  while (reader.next()) {
    if (reader.field === 1) minTime = reader.int();
    else if (reader.field === 2) maxTime = reader.int();
    else if (reader.field === 3) encoding = reader.int();
    else if (reader.field === 4) {
      reader.range();
      offset = reader.start;
      length = reader.stop - reader.start;
    } else reader.skip();
  }
  chunks.addChunk(minTime, maxTime, encoding, Aggregate.raw, buffer, offset, length);
}

/** The series of a ReadResponse of samples, encoded again as chunks of 120 samples. Series without samples are left out. */
export function decodeSampledResponse(body: Uint8Array): ReadSeries[] {
  const all: ReadSeries[] = [];
  const response = new ProtoReader(body);
  while (response.next()) {
    if (response.field !== 1) {
      response.skip();
      continue;
    }
    const result = response.message();
    while (result.next()) {
      if (result.field !== 1) {
        result.skip();
        continue;
      }
      const series = decodeTimeSeries(result.message());
      if (series.chunks.chunkCount > 0) all.push(series);
    }
  }
  return all;
}

function decodeTimeSeries(reader: ProtoReader): ReadSeries {
  const labels = new LabelRange(reader.data);
  const floats = new SampleColumns();
  const histograms = new SampleColumns();
  for (let start = reader.at; reader.next(); start = reader.at) {
    if (reader.field === 1) {
      reader.range();
      labels.add(start, reader.stop);
    } else if (reader.field === 2) {
      const sample = reader.message();
      let time = 0;
      let value = 0;
      while (sample.next()) {
        if (sample.field === 1) value = sample.double();
        else if (sample.field === 2) time = sample.int();
        else sample.skip();
      }
      floats.pushFloat(time, value);
    } else if (reader.field === 4) {
      const wire = HistogramMessage.decode(reader.bytes());
      histograms.pushHistogram(wire.timestamp, histogramFromWire(wire));
    } else {
      reader.skip();
    }
  }
  const chunks = new ChunkColumns();
  chunks.addSeries(0, 0, 0);
  for (const samples of [floats, histograms]) {
    for (const chunk of encodeSamples(samples, 0, samples.count)) {
      const buffer = chunks.addBuffer(chunk.data);
      chunks.addChunk(
        chunk.minTime,
        chunk.maxTime,
        chunk.encoding,
        Aggregate.raw,
        buffer,
        0,
        chunk.data.length,
      );
    }
  }
  return { labels: labels.finish(), chunks };
}
