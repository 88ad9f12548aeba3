// Our gRPC against @grpc/grpc-js, both ways round: unary, streams, errors, deadlines, cancellation, big messages.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { loadXxhash64 } from "@deucalion/kernels";
import { Matcher } from "@deucalion/model";
import { Channel, GrpcServer, RpcError, serverStream, unary } from "@deucalion/rpc";
import {
  SeriesRequestMessage,
  SeriesResponseMessage,
  StoreClient,
  storeService,
} from "@deucalion/storeapi";
import { syntheticSource } from "@deucalion/storeapi/testing";
import {
  Client,
  credentials,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServiceError,
  status,
} from "@grpc/grpc-js";

const same = (value: Uint8Array) => Buffer.from(value);
const bytes = (text: string) => new TextEncoder().encode(text);

async function ourServer(t: TestContext): Promise<string> {
  const source = syntheticSource(
    { seriesCount: 500, chunksPerSeries: 4, chunkBytes: 100 },
    () => undefined,
  );
  const server = new GrpcServer({ messageBytesMax: 10_000_000 });
  server.add(storeService({ source, hash: await loadXxhash64() }));
  server.add({
    name: "test.Echo",
    methods: {
      One: unary(async (request, call) => {
        if (call.metadata["x-fail"] !== undefined) throw new RpcError("RPC_NOT_FOUND", "näh: 100%");
        return request;
      }),
      Slow: serverStream(async (_request, call, sink) => {
        for (let i = 0; i < 1000 && !call.signal.aborted; i++) {
          await sink.send(bytes(String(i)));
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
      }),
    },
  });
  const { port } = await server.listen("127.0.0.1:0");
  t.after(() => server.close(0));
  return `127.0.0.1:${port}`;
}

function peerClient(t: TestContext, address: string): Client {
  const client = new Client(address, credentials.createInsecure(), {
    "grpc.max_receive_message_length": -1,
  });
  t.after(() => client.close());
  return client;
}

function peerUnary(
  client: Client,
  request: Uint8Array,
  headers: Record<string, string> = {},
  deadlineMs = 5000,
): Promise<Buffer> {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(headers)) metadata.set(key, value);
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      "/test.Echo/One",
      same,
      same,
      request,
      metadata,
      { deadline: Date.now() + deadlineMs },
      (error, value) => (error === null ? resolve(value ?? Buffer.alloc(0)) : reject(error)),
    );
  });
}

test("grpc-js calls our server", async (t) => {
  const client = peerClient(t, await ourServer(t));
  assert.equal((await peerUnary(client, bytes("hello"))).toString(), "hello");
  const large = new Uint8Array(5_000_000).fill(7);
  assert.equal((await peerUnary(client, large)).length, large.length);
  await assert.rejects(peerUnary(client, new Uint8Array(11_000_000)), {
    code: status.RESOURCE_EXHAUSTED,
  });
  await assert.rejects(peerUnary(client, bytes("x"), { "x-fail": "1" }), {
    code: status.NOT_FOUND,
    details: "näh: 100%",
  });
});

test("grpc-js reads a Series stream of ours", async (t) => {
  const client = peerClient(t, await ourServer(t));
  const request = SeriesRequestMessage.encode({
    ...SeriesRequestMessage.decode(new Uint8Array(0)),
    matchers: [{ type: 0, name: "job", value: "web" }],
    maxTime: 2e12,
    responseBatchSize: 64,
  });
  let series = 0;
  let chunks = 0;
  for await (const message of client.makeServerStreamRequest(
    "/thanos.Store/Series",
    same,
    same,
    request,
  )) {
    const { batch } = SeriesResponseMessage.decode(message as Buffer);
    series += batch?.series.length ?? 0;
    chunks += batch?.series.reduce((sum, one) => sum + one.chunks.length, 0) ?? 0;
  }
  assert.deepEqual([series, chunks], [500, 2000]);
});

test("grpc-js cancels a call of ours and meets its deadline", async (t) => {
  const client = peerClient(t, await ourServer(t));
  const stream = client.makeServerStreamRequest("/test.Echo/Slow", same, same, bytes(""));
  const failure = await new Promise<ServiceError>((resolve) => {
    stream.once("data", () => stream.cancel());
    stream.once("error", (error) => resolve(error as ServiceError));
  });
  assert.equal(failure.code, status.CANCELLED);
  const timed = client.makeServerStreamRequest("/test.Echo/Slow", same, same, bytes(""), {
    deadline: Date.now() + 60,
  });
  await assert.rejects(
    async () => {
      for await (const _ of timed);
    },
    { code: status.DEADLINE_EXCEEDED },
  );
});

async function peerServer(t: TestContext): Promise<string> {
  const server = new Server({ "grpc.max_receive_message_length": -1 });
  const method = (name: string, responseStream: boolean) => ({
    path: `/test.Echo/${name}`,
    requestStream: false,
    responseStream,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  });
  const One: handleUnaryCall<Buffer, Buffer> = (call, done) => {
    if (call.metadata.get("x-fail").length > 0)
      done({ code: status.FAILED_PRECONDITION, details: "not ünder these" });
    else done(null, call.request);
  };
  const Many: handleServerStreamingCall<Buffer, Buffer> = (call) => {
    for (let i = 0; i < 100; i++) call.write(Buffer.alloc(i * 1000, i));
    call.end();
  };
  const Hang: handleServerStreamingCall<Buffer, Buffer> = (call) => {
    call.write(Buffer.from("one"));
  };
  server.addService(
    { One: method("One", false), Many: method("Many", true), Hang: method("Hang", true) },
    { One, Many, Hang },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  t.after(() => server.forceShutdown());
  return `127.0.0.1:${port}`;
}

test("our client calls grpc-js", async (t) => {
  const channel = new Channel(await peerServer(t));
  t.after(() => channel.close());
  const large = new Uint8Array(5_000_000).map((_, i) => i);
  assert.deepEqual(new Uint8Array(await channel.unary("/test.Echo/One", large)), large);
  await assert.rejects(
    channel.unary("/test.Echo/One", bytes("x"), { metadata: { "x-fail": "1" } }),
    {
      code: "RPC_FAILED_PRECONDITION",
      message: "not ünder these",
    },
  );
  await assert.rejects(channel.unary("/test.Echo/Nope", bytes("x")), { code: "RPC_UNIMPLEMENTED" });
  let count = 0;
  for await (const message of channel.stream("/test.Echo/Many", bytes(""))) {
    assert.equal(message.length, count * 1000);
    if (count > 0) assert.equal(message[message.length - 1], count);
    count++;
  }
  assert.equal(count, 100);
  const hung = channel.stream("/test.Echo/Hang", bytes(""), { timeoutMs: 80 });
  assert.equal((await hung.read())?.length, 1);
  await assert.rejects(hung.read(), { code: "RPC_DEADLINE_EXCEEDED" });
});

test("our store client meets a server without thanos.Store with a status", async (t) => {
  const channel = new Channel(await peerServer(t));
  t.after(() => channel.close());
  const info = () => ({ labelSets: [], minTime: 0, maxTime: 1 });
  const client = new StoreClient({ caller: channel, decode: () => undefined, info });
  const context = { signal: new AbortController().signal, warn: () => undefined };
  const request = { minTime: 0, maxTime: 1, matchers: [new Matcher("=", "a", "b")] };
  await assert.rejects(client.labelNames(request, context), { code: "RPC_UNIMPLEMENTED" });
});
