import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { silentLog } from "@deucalion/base";
import {
  defineMessage,
  GrpcServer,
  messageField,
  repeated,
  scalarField,
  unary,
} from "@deucalion/rpc";
import { createTracer } from "./tracer-config.ts";

interface Attribute {
  readonly key: string;
  readonly value: { readonly text?: string; readonly int?: number; readonly double?: number };
}
interface SpanJson {
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
  readonly parent: Uint8Array;
  readonly name: string;
  readonly attributes: readonly Attribute[];
}

const AnyValue = defineMessage<Attribute["value"]>("AnyValue", [
  scalarField(1, "text", "string", { oneof: "value" }),
  scalarField(2, "bool", "bool", { oneof: "value" }),
  scalarField(3, "int", "int64", { oneof: "value" }),
  scalarField(4, "double", "double", { oneof: "value" }),
]);
const KeyValue = defineMessage<Attribute>("KeyValue", [
  scalarField(1, "key", "string"),
  messageField(2, "value", () => AnyValue),
]);
const SpanMessage = defineMessage<SpanJson>("Span", [
  scalarField(1, "trace_id", "bytes"),
  scalarField(2, "span_id", "bytes"),
  scalarField(4, "parent", "bytes"),
  scalarField(5, "name", "string"),
  repeated(messageField(9, "attributes", () => KeyValue)),
]);
const Resource = defineMessage<{ attributes: Attribute[] }>("Resource", [
  repeated(messageField(1, "attributes", () => KeyValue)),
]);
const ScopeSpans = defineMessage<{ spans: SpanJson[] }>("ScopeSpans", [
  repeated(messageField(2, "spans", () => SpanMessage)),
]);
const ResourceSpans = defineMessage<{
  resource: { attributes: Attribute[] };
  scopes: { spans: SpanJson[] }[];
}>("ResourceSpans", [
  messageField(1, "resource", () => Resource),
  repeated(messageField(2, "scopes", () => ScopeSpans)),
]);
const ExportRequest = defineMessage<{
  all: { resource: { attributes: Attribute[] }; scopes: { spans: SpanJson[] }[] }[];
}>("ExportTraceServiceRequest", [repeated(messageField(1, "all", () => ResourceSpans))]);

const attributes = (all: readonly Attribute[]) =>
  Object.fromEntries(all.map(({ key, value }) => [key, value.text ?? value.int ?? value.double]));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const traceId = "0123456789abcdef0123456789abcdef";

function work(tracer: ReturnType<typeof createTracer>): void {
  const outer = tracer.start("outer", undefined, {
    traceparent: `00-${traceId}-00000000000000aa-01`,
  });
  const inner = tracer.start("inner", outer);
  inner.setTag("rows", 12);
  inner.setTag("share", 0.5);
  inner.end(new Error("broken"));
  outer.setTag("path", "/x");
  outer.end();
  tracer.start("unsampled", undefined, { traceparent: `00-${traceId}-00000000000000aa-00` }).end();
}

function check(body: Uint8Array): void {
  const [one] = ExportRequest.decode(body).all;
  assert.deepEqual(attributes(one!.resource.attributes), { "service.name": "mine", zone: "z1" });
  const [inner, outer, ...more] = one!.scopes[0]!.spans;
  assert.equal(more.length, 0);
  assert.deepEqual([inner!.name, outer!.name], ["inner", "outer"]);
  assert.deepEqual([hex(inner!.traceId), hex(outer!.traceId)], [traceId, traceId]);
  assert.deepEqual(
    [hex(inner!.parent), hex(outer!.parent)],
    [hex(outer!.spanId), "00000000000000aa"],
  );
  assert.deepEqual(attributes(inner!.attributes), { rows: 12, share: 0.5 });
  assert.deepEqual(attributes(outer!.attributes), { path: "/x" });
}

const common =
  "insecure: true, service_name: mine, resource_attributes: {zone: z1}, headers: {X-Key: k}";

test("createTracer() exports spans by HTTP", async (t) => {
  const requests: { path: string; key: unknown; body: Buffer }[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const body = gunzipSync(Buffer.concat(parts));
      requests.push({ path: request.url ?? "", key: request.headers["x-key"], body });
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const tracer = createTracer(
    `{type: OTLP, config: {client_type: http, endpoint: "127.0.0.1:${port}", compression: gzip, ${common}}}`,
    silentLog,
    "query",
  );
  work(tracer);
  await tracer.close();
  assert.deepEqual(
    requests.map(({ path, key }) => [path, key]),
    [["/v1/traces", "k"]],
  );
  check(requests[0]!.body);
});

test("createTracer() exports spans by gRPC", async (t) => {
  const bodies: Uint8Array[] = [];
  const server = new GrpcServer({}, {});
  server.add({
    name: "opentelemetry.proto.collector.trace.v1.TraceService",
    methods: {
      Export: unary(async (request) => {
        bodies.push(request.slice());
        return new Uint8Array(0);
      }),
    },
  });
  const { port } = await server.listen("127.0.0.1:0");
  t.after(() => server.close(0));
  const tracer = createTracer(
    `{type: OTLP, config: {client_type: grpc, endpoint: "127.0.0.1:${port}", ${common}}}`,
    silentLog,
    "query",
  );
  work(tracer);
  await tracer.close();
  assert.equal(bodies.length, 1);
  check(bodies[0]!);
});

test("createTracer() samples as it is told, and always where that is forced", async () => {
  const sampled = async (sampler: string, headers: Record<string, string> = {}) => {
    const lines: unknown[] = [];
    const log = { ...silentLog, debug: (_: string, fields: unknown) => void lines.push(fields) };
    const tracer = createTracer(
      `{type: OTLP, config: {client_type: http, endpoint: "127.0.0.1:1", insecure: true, timeout: 1s, ${sampler}}}`,
      log,
      "query",
    );
    for (let i = 0; i < 200; i++) tracer.start("x", undefined, headers).end();
    await tracer.close();
    return lines.length;
  };
  assert.equal(await sampled("sampler_type: neversample"), 0);
  assert.equal(await sampled("sampler_type: alwayssample"), 200);
  const half = await sampled('sampler_type: traceidratiobased, sampler_param: "0.5"');
  assert.ok(half > 40 && half < 160, String(half));
  const forced = { "x-thanos-force-tracing": "1" };
  assert.equal(await sampled("sampler_type: neversample", forced), 200);
});

test("createTracer() refuses what it does not know", () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ["{type: NOPE}", /type NOPE is not supported/],
    ["{type: OTLP, extra: 1}", /field extra not found/],
    ["{type: OTLP, config: {}}", /client_type must be http or grpc/],
    ["{type: OTLP, config: {client_type: http, timeout: soon}}", /timeout/],
    [
      "{type: OTLP, config: {client_type: http, sampler_type: traceidratiobased, sampler_param: x}}",
      /sampler_param/,
    ],
  ];
  for (const [text, message] of wrong)
    assert.throws(() => createTracer(text, silentLog, "query"), { code: "APP_CONFIG", message });
});
