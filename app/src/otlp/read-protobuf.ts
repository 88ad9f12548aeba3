// OTLP requests (ExportMetricsServiceRequest) in protobuf.
import { ProtoReader } from "@deucalion/rpc";
import { type AttributeValue, attributeText } from "./attribute-text.ts";
import type {
  ExponentialBuckets,
  ExponentialPoint,
  HistogramPoint,
  NumberPoint,
  OtlpData,
  OtlpExemplar,
  OtlpMetric,
  OtlpResource,
  OtlpScope,
  SummaryPoint,
} from "./otlp-metrics.ts";

const depthMax = 32;

/** Calls `visit` for each field of a message; fields that it does not read are skipped. */
function each(reader: ProtoReader, visit: (field: number, reader: ProtoReader) => boolean): void {
  while (reader.next()) if (!visit(reader.field, reader)) reader.skip();
}

/** Eight bytes, little-endian, as two words. */
function words(reader: ProtoReader): readonly [number, number] {
  const at = reader.at;
  if (reader.wire === 1) reader.skip();
  else reader.double();
  const { data } = reader;
  const word = (from: number): number =>
    (data[from]! | (data[from + 1]! << 8) | (data[from + 2]! << 16) | (data[from + 3]! << 24)) >>>
    0;
  return [word(at + 4), word(at)];
}

/** Nanoseconds as milliseconds, exact. */
function milliseconds(reader: ProtoReader): number {
  const [high, low] = words(reader);
  return high * 4294 + Math.floor((high * 967_296 + low) / 1e6);
}

function unsigned(reader: ProtoReader): number {
  const [high, low] = words(reader);
  return high * 4294967296 + low;
}

function signed(reader: ProtoReader): number {
  const [high, low] = words(reader);
  return (high | 0) * 4294967296 + low;
}

/** A repeated number, packed or not. */
function numbers(
  reader: ProtoReader,
  wire: number,
  read: (reader: ProtoReader) => number,
): number[] {
  if (reader.wire !== 2) return [read(reader)];
  const inner = reader.message();
  const out: number[] = [];
  inner.wire = wire;
  while (inner.at < inner.end) out.push(read(inner));
  return out;
}

function value(reader: ProtoReader, depth: number): AttributeValue {
  let found: AttributeValue = null;
  each(reader, (field, from) => {
    switch (field) {
      case 1:
        found = from.string();
        return true;
      case 2:
        found = from.bool();
        return true;
      case 3:
        found = { int: String(from.int()) };
        return true;
      case 4:
        found = from.double();
        return true;
      case 5: {
        const list: AttributeValue[] = [];
        each(from.message(), (inner, item) => {
          if (inner !== 1 || depth > depthMax) return false;
          list.push(value(item.message(), depth + 1));
          return true;
        });
        found = list;
        return true;
      }
      case 6: {
        const map: (readonly [string, AttributeValue])[] = [];
        each(from.message(), (inner, item) => {
          if (inner !== 1 || depth > depthMax) return false;
          map.push(pair(item.message(), depth + 1));
          return true;
        });
        found = { pairs: map };
        return true;
      }
      case 7:
        found = { bytes: new Uint8Array(from.bytes()) };
        return true;
      default:
        return false;
    }
  });
  return found;
}

function pair(reader: ProtoReader, depth: number): readonly [string, AttributeValue] {
  let key = "";
  let found: AttributeValue = null;
  each(reader, (field, from) => {
    if (field === 1) key = from.string();
    else if (field === 2) found = value(from.message(), depth);
    else return false;
    return true;
  });
  return [key, found];
}

function attribute(reader: ProtoReader): readonly [string, string] {
  const [name, found] = pair(reader.message(), 0);
  return [name, attributeText(found)];
}

function hex(bytes: Uint8Array): string {
  return bytes.every((byte) => byte === 0) ? "" : Buffer.from(bytes).toString("hex");
}

function exemplar(reader: ProtoReader): OtlpExemplar {
  const out = {
    attributes: [] as (readonly [string, string])[],
    timeMs: 0,
    value: 0,
    traceId: "",
    spanId: "",
  };
  each(reader, (field, from) => {
    if (field === 7) out.attributes.push(attribute(from));
    else if (field === 2) out.timeMs = milliseconds(from);
    else if (field === 3) out.value = from.double();
    else if (field === 6) out.value = signed(from);
    else if (field === 4) out.spanId = hex(from.bytes());
    else if (field === 5) out.traceId = hex(from.bytes());
    else return false;
    return true;
  });
  return out;
}

function base() {
  return {
    attributes: [] as (readonly [string, string])[],
    startMs: 0,
    timeMs: 0,
    noValue: false,
    exemplars: [] as OtlpExemplar[],
  };
}

/** Reads a field that points of all kinds have, under the numbers given. */
function baseField(
  out: ReturnType<typeof base>,
  field: number,
  from: ProtoReader,
  place: { readonly attributes: number; readonly exemplars: number; readonly flags: number },
): boolean {
  if (field === place.attributes) out.attributes.push(attribute(from));
  else if (field === 2) out.startMs = milliseconds(from);
  else if (field === 3) out.timeMs = milliseconds(from);
  else if (field === place.exemplars) out.exemplars.push(exemplar(from.message()));
  else if (field === place.flags) out.noValue = from.uint() % 2 === 1;
  else return false;
  return true;
}

function numberPoint(reader: ProtoReader): NumberPoint {
  const out = { ...base(), value: 0 };
  each(reader, (field, from) => {
    if (field === 4) out.value = from.double();
    else if (field === 6) out.value = signed(from);
    else return baseField(out, field, from, { attributes: 7, exemplars: 5, flags: 8 });
    return true;
  });
  return out;
}

function histogramPoint(reader: ProtoReader): HistogramPoint {
  const out = {
    ...base(),
    count: 0,
    sum: null as number | null,
    bounds: [] as number[],
    buckets: [] as number[],
  };
  each(reader, (field, from) => {
    if (field === 4) out.count = unsigned(from);
    else if (field === 5) out.sum = from.double();
    else if (field === 6) out.buckets.push(...numbers(from, 1, unsigned));
    else if (field === 7) out.bounds.push(...numbers(from, 1, (one) => one.double()));
    else return baseField(out, field, from, { attributes: 9, exemplars: 8, flags: 10 });
    return true;
  });
  return out;
}

function exponentialBuckets(reader: ProtoReader): ExponentialBuckets {
  const out = { offset: 0, counts: [] as number[] };
  each(reader, (field, from) => {
    if (field === 1) out.offset = from.zigzag();
    else if (field === 2) out.counts.push(...numbers(from, 0, (one) => one.uint()));
    else return false;
    return true;
  });
  return out;
}

function exponentialPoint(reader: ProtoReader): ExponentialPoint {
  const none: ExponentialBuckets = { offset: 0, counts: [] };
  const out = {
    ...base(),
    count: 0,
    sum: null as number | null,
    scale: 0,
    zeroCount: 0,
    positive: none,
    negative: none,
  };
  each(reader, (field, from) => {
    if (field === 4) out.count = unsigned(from);
    else if (field === 5) out.sum = from.double();
    else if (field === 6) out.scale = from.zigzag();
    else if (field === 7) out.zeroCount = unsigned(from);
    else if (field === 8) out.positive = exponentialBuckets(from.message());
    else if (field === 9) out.negative = exponentialBuckets(from.message());
    else return baseField(out, field, from, { attributes: 1, exemplars: 11, flags: 10 });
    return true;
  });
  return out;
}

function summaryPoint(reader: ProtoReader): SummaryPoint {
  const out = { ...base(), count: 0, sum: 0, quantiles: [] as (readonly [number, number])[] };
  each(reader, (field, from) => {
    if (field === 4) out.count = unsigned(from);
    else if (field === 5) out.sum = from.double();
    else if (field === 6) {
      let quantile = 0;
      let at = 0;
      each(from.message(), (inner, item) => {
        if (inner === 1) quantile = item.double();
        else if (inner === 2) at = item.double();
        else return false;
        return true;
      });
      out.quantiles.push([quantile, at]);
    } else return baseField(out, field, from, { attributes: 7, exemplars: -1, flags: 8 });
    return true;
  });
  return out;
}

function points<T>(
  reader: ProtoReader,
  read: (reader: ProtoReader) => T,
): { points: T[]; temporality: number; monotonic: boolean } {
  const out = { points: [] as T[], temporality: 0, monotonic: false };
  each(reader, (field, from) => {
    if (field === 1) out.points.push(read(from.message()));
    else if (field === 2) out.temporality = from.int();
    else if (field === 3) out.monotonic = from.bool();
    else return false;
    return true;
  });
  return out;
}

function metric(reader: ProtoReader): OtlpMetric {
  const out = { name: "", description: "", unit: "", data: null as OtlpData | null };
  each(reader, (field, from) => {
    switch (field) {
      case 1:
        out.name = from.string();
        return true;
      case 2:
        out.description = from.string();
        return true;
      case 3:
        out.unit = from.string();
        return true;
      case 5:
        out.data = { kind: "gauge", points: points(from.message(), numberPoint).points };
        return true;
      case 7:
        out.data = { kind: "sum", ...points(from.message(), numberPoint) };
        return true;
      case 9:
        out.data = { kind: "histogram", ...points(from.message(), histogramPoint) };
        return true;
      case 10:
        out.data = { kind: "exponential", ...points(from.message(), exponentialPoint) };
        return true;
      case 11:
        out.data = { kind: "summary", points: points(from.message(), summaryPoint).points };
        return true;
      default:
        return false;
    }
  });
  return out;
}

function scope(reader: ProtoReader): OtlpScope {
  const out = {
    name: "",
    version: "",
    schemaUrl: "",
    attributes: [] as (readonly [string, string])[],
    metrics: [] as OtlpMetric[],
  };
  each(reader, (field, from) => {
    if (field === 1) {
      each(from.message(), (inner, item) => {
        if (inner === 1) out.name = item.string();
        else if (inner === 2) out.version = item.string();
        else if (inner === 3) out.attributes.push(attribute(item));
        else return false;
        return true;
      });
    } else if (field === 2) out.metrics.push(metric(from.message()));
    else if (field === 3) out.schemaUrl = from.string();
    else return false;
    return true;
  });
  return out;
}

/** Throws RPC_PROTO for malformed bytes. */
export function readOtlpProtobuf(body: Uint8Array): OtlpResource[] {
  const resources: OtlpResource[] = [];
  each(new ProtoReader(body), (field, from) => {
    if (field !== 1) return false;
    const out = { attributes: [] as (readonly [string, string])[], scopes: [] as OtlpScope[] };
    each(from.message(), (inner, item) => {
      if (inner === 1) {
        each(item.message(), (at, one) => {
          if (at !== 1) return false;
          out.attributes.push(attribute(one));
          return true;
        });
      } else if (inner === 2) out.scopes.push(scope(item.message()));
      else return false;
      return true;
    });
    resources.push(out);
    return true;
  });
  return resources;
}
