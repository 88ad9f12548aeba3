// Finished spans as OpenTelemetry's collectors read them: ExportTraceServiceRequest in protobuf.
//
// ExportTraceServiceRequest  1: ResourceSpans { 1: Resource { 1: KeyValue }  2: ScopeSpans }
// ScopeSpans                 1: InstrumentationScope { 1: name }   2: Span
// Span                       1: trace id (16 bytes)  2: span id (8)  4: parent span id  5: name  6: kind
//                            7: start  8: end (fixed64, Unix ns)   9: KeyValue   15: Status { 2: message  3: code }
// KeyValue                   1: key   2: AnyValue { 1: string  2: bool  3: int  4: double }
import { ProtoWriter, Wire } from "@deucalion/rpc";

/** A piece of work that is over. Ids are lower-case hex; times are Unix ms. */
export interface FinishedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** "" for the first of a trace in this process. */
  readonly parentId: string;
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly tags: Readonly<Record<string, unknown>>;
  /** What went wrong, or "". */
  readonly error: string;
}

const kindServer = 2;
const statusError = 2;

function hex(text: string): Uint8Array {
  return Buffer.from(text, "hex");
}

function nanoseconds(ms: number): Uint8Array {
  const out = new DataView(new ArrayBuffer(8));
  out.setBigUint64(0, BigInt(Math.round(ms * 1000)) * 1000n, true);
  return new Uint8Array(out.buffer);
}

function writeAttribute(out: ProtoWriter, field: number, key: string, value: unknown): void {
  const mark = out.open(field);
  out.string(1, key);
  const inner = out.open(2);
  if (typeof value === "boolean") {
    out.tag(2, Wire.varint);
    out.uvarint(value ? 1 : 0);
  } else if (typeof value === "number" && Number.isSafeInteger(value)) {
    out.tag(3, Wire.varint);
    out.svarint(value);
  } else if (typeof value === "number") {
    out.tag(4, Wire.fixed64);
    out.double(value);
  } else out.string(1, String(value));
  out.close(inner);
  out.close(mark);
}

function writeSpan(out: ProtoWriter, span: FinishedSpan): void {
  const mark = out.open(2);
  out.bytes(1, hex(span.traceId));
  out.bytes(2, hex(span.spanId));
  if (span.parentId !== "") out.bytes(4, hex(span.parentId));
  out.string(5, span.name);
  out.tag(6, Wire.varint);
  out.uvarint(kindServer);
  out.tag(7, Wire.fixed64);
  out.raw(nanoseconds(span.startMs));
  out.tag(8, Wire.fixed64);
  out.raw(nanoseconds(span.endMs));
  for (const [key, value] of Object.entries(span.tags)) writeAttribute(out, 9, key, value);
  if (span.error !== "") {
    const status = out.open(15);
    out.string(2, span.error);
    out.tag(3, Wire.varint);
    out.uvarint(statusError);
    out.close(status);
  }
  out.close(mark);
}

/** One request with all spans; `resource` are the attributes of this process. */
export function encodeSpans(
  resource: Readonly<Record<string, string>>,
  spans: readonly FinishedSpan[],
): Uint8Array {
  const out = new ProtoWriter(4096);
  const all = out.open(1);
  const attributes = out.open(1);
  for (const [key, value] of Object.entries(resource)) writeAttribute(out, 1, key, value);
  out.close(attributes);
  const scopeSpans = out.open(2);
  const scope = out.open(1);
  out.string(1, "deucalion");
  out.close(scope);
  for (const span of spans) writeSpan(out, span);
  out.close(scopeSpans);
  out.close(all);
  return out.finish();
}
