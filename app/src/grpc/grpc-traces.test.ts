// Traces that go on over gRPC, and down to the bucket.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createLog } from "@deucalion/base";
import { Channel, GrpcServer, RpcError, unary } from "@deucalion/rpc";
import { bucketSpans } from "../process/bucket-spans.ts";
import { createTracer } from "../process/tracer-config.ts";
import type { Tracer } from "../process/tracing.ts";
import { clientTraces, serverTraces } from "./grpc-traces.ts";

/** A tracer, and the names and trace ids of the spans that ended. */
function noted(): { tracer: Tracer; spans: string[]; ids: Set<string> } {
  const spans: string[] = [];
  const ids = new Set<string>();
  const write = (line: string): void => {
    const { msg, span, trace_id } = JSON.parse(line) as Record<string, string>;
    if (msg !== "span") return;
    spans.push(span!);
    ids.add(trace_id!);
  };
  const log = createLog({ level: "debug", format: "json", name: "" }, { write, now: Date.now });
  return { tracer: createTracer("type: JAEGER", log, "test"), spans, ids };
}

const unseen = { sent: () => undefined, received: () => undefined, done: () => undefined };

test("a call has a span on both sides, of one trace, and calls to the bucket are below it", async (t) => {
  const far = noted();
  const near = noted();
  const carried: unknown[] = [];
  const server = new GrpcServer({}, { interceptors: [serverTraces(far.tracer)] });
  server.add({
    name: "test.Store",
    methods: {
      Get: unary(async (request, call) => {
        carried.push(call.metadata.traceparent);
        await new Promise((resolve) => setTimeout(resolve, 1));
        bucketSpans(far.tracer).startSpan!("bucket_get", { name: "x" })();
        return request;
      }),
      Fail: unary(() => Promise.reject(new RpcError("RPC_NOT_FOUND", "no"))),
    },
  });
  const { port } = await server.listen("127.0.0.1:0");
  t.after(() => server.close(0));
  const interceptor = clientTraces(near.tracer, () => unseen);
  const channel = new Channel(`127.0.0.1:${port}`, { interceptor });
  t.after(() => channel.close());
  const request = new Uint8Array([1]);

  const root = near.tracer.start("root");
  await near.tracer.within(root, async () => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    await channel.unary("/test.Store/Get", request);
    await assert.rejects(channel.unary("/test.Store/Fail", request));
  });
  root.end();

  assert.deepEqual(near.spans, ["/test.Store/Get", "/test.Store/Fail", "root"]);
  assert.deepEqual(far.spans, ["bucket_get", "/test.Store/Get", "/test.Store/Fail"]);
  assert.deepEqual([...far.ids], [root.traceId]);
  assert.deepEqual([...near.ids], [root.traceId]);
  const [, trace, parent] = String(carried[0]).split("-");
  assert.equal(trace, root.traceId);
  assert.notEqual(parent, root.spanId);
});

test("work that nobody traces makes no spans of its own", async (t) => {
  const near = noted();
  const carried: unknown[] = [];
  const server = new GrpcServer({}, {});
  server.add({
    name: "test.Store",
    methods: {
      Get: unary(async (request, call) => {
        carried.push(call.metadata.traceparent);
        return request;
      }),
    },
  });
  const { port } = await server.listen("127.0.0.1:0");
  t.after(() => server.close(0));
  const interceptor = clientTraces(near.tracer, () => unseen);
  const channel = new Channel(`127.0.0.1:${port}`, { interceptor });
  t.after(() => channel.close());
  await channel.unary("/test.Store/Get", new Uint8Array([1]));
  bucketSpans(near.tracer).startSpan!("bucket_get", { name: "x" })();
  assert.deepEqual(near.spans, []);
  assert.deepEqual(carried, [undefined]);
});
