// Client and server against each other over real sockets.
import assert from "node:assert/strict";
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer } from "node:net";
import { type TestContext, test } from "node:test";
import { Channel } from "./client/channel.ts";
import { ChannelGroup } from "./client/channel-group.ts";
import { RpcError } from "./errors.ts";
import { GrpcServer, type ServerDeps } from "./server/grpc-server.ts";
import type { ServerOptions } from "./server/server-options.ts";
import { duplex, serverStream, unary } from "./server/service.ts";
import { statusOf } from "./status.ts";

const text = new TextDecoder();
const bytes = (value: string) => new TextEncoder().encode(value);

async function serve(t: TestContext, options: Partial<ServerOptions> = {}, deps: ServerDeps = {}) {
  const server = new GrpcServer(options, deps);
  server.add({
    name: "test.Echo",
    methods: {
      One: unary(async (request) => request),
      Fail: unary(async () => {
        throw new RpcError("RPC_NOT_FOUND", "no such thing: 100% ünïcode\n");
      }),
      Panic: unary(async () => {
        throw new TypeError("x is not a function");
      }),
      Sleep: unary(async (request, call) => {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, 10_000);
          call.signal.addEventListener("abort", () => {
            clearTimeout(timer);
            resolve();
          });
        });
        return request;
      }),
      Many: serverStream(async (request, call, sink) => {
        const [count, size] = text.decode(request).split(" ").map(Number) as [number, number];
        const message = new Uint8Array(size);
        for (let i = 0; i < count && !call.signal.aborted; i++) {
          message.fill(i & 0xff);
          await sink.send(message);
        }
      }),
      Half: serverStream(async (_request, _call, sink) => {
        await sink.send(bytes("first"));
        throw new RpcError("RPC_ABORTED", "half-way");
      }),
      Chat: duplex(async (requests, _call, sink) => {
        for await (const request of requests) await sink.send(request);
      }),
    },
  });
  const { port } = await server.listen("127.0.0.1:0");
  t.after(() => server.close(0));
  return { server, address: `127.0.0.1:${port}` };
}

function channel(t: TestContext, address: string, options = {}) {
  const made = new Channel(address, options);
  t.after(() => made.close());
  return made;
}

test("unary and streaming calls carry messages of all sizes", async (t) => {
  const { address } = await serve(t);
  for (const compression of ["none", "snappy"] as const) {
    const client = channel(t, address, { compression });
    assert.equal(text.decode(await client.unary("/test.Echo/One", bytes("hello"))), "hello");
    assert.equal((await client.unary("/test.Echo/One", new Uint8Array(0))).length, 0);
    const large = new Uint8Array(3_000_000).map((_, i) => (i * i) >> 3);
    assert.deepEqual(await client.unary("/test.Echo/One", large), large);
    for (const [count, size] of [
      [0, 5],
      [1, 0],
      [1000, 10],
      [50, 100_000],
      [3, 5_000_000],
    ] as const) {
      let i = 0;
      for await (const message of client.stream("/test.Echo/Many", bytes(`${count} ${size}`))) {
        assert.equal(message.length, size);
        if (size > 0) assert.equal(message[size - 1], i & 0xff);
        i++;
      }
      assert.equal(i, count);
    }
  }
});

test("a slow reader pauses the sender and still gets everything", async (t) => {
  const { address } = await serve(t);
  const client = channel(t, address, { windowBytes: 100_000, pendingBytesMax: 50_000 });
  let total = 0;
  const stream = client.stream("/test.Echo/Many", bytes("200 20000"));
  for (let some = await stream.read(); some !== null; some = await stream.read()) {
    total += some.length;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.equal(total, 200);
});

test("statuses and their texts arrive", async (t) => {
  const { address } = await serve(t);
  const client = channel(t, address);
  await assert.rejects(client.unary("/test.Echo/Fail", bytes("")), {
    code: "RPC_NOT_FOUND",
    message: "no such thing: 100% ünïcode\n",
  });
  await assert.rejects(client.unary("/test.Echo/Panic", bytes("")), { code: "RPC_INTERNAL" });
  await assert.rejects(client.unary("/test.Echo/Nope", bytes("")), {
    code: "RPC_UNIMPLEMENTED",
    message: "unknown method Nope for service test.Echo",
  });
  await assert.rejects(client.unary("/none.X/Y", bytes("")), { message: "unknown service none.X" });
  const seen: string[] = [];
  await assert.rejects(
    async () => {
      for await (const message of client.stream("/test.Echo/Half", bytes("")))
        seen.push(text.decode(message));
    },
    { code: "RPC_ABORTED" },
  );
  assert.deepEqual(seen, ["first"]);
  assert.equal(
    text.decode(await client.unary("/test.Echo/One", bytes("still there"))),
    "still there",
  );
});

test("deadlines and aborts end a call on both sides", async (t) => {
  let done: { status: number } | undefined;
  const { address } = await serve(
    t,
    {},
    { interceptors: [() => ({ done: (outcome) => (done = outcome) })] },
  );
  const client = channel(t, address);
  await client.unary("/test.Echo/One", bytes("warm"));
  const started = performance.now();
  await assert.rejects(client.unary("/test.Echo/Sleep", bytes(""), { timeoutMs: 50 }), {
    code: "RPC_DEADLINE_EXCEEDED",
  });
  assert.ok(performance.now() - started < 1000);
  const aborter = new AbortController();
  setTimeout(() => aborter.abort(new Error("enough")), 20);
  await assert.rejects(client.unary("/test.Echo/Sleep", bytes(""), { signal: aborter.signal }), {
    message: "enough",
  });
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(done?.status, 1);
});

test("a channel fails fast where nothing listens, and connects when something does", async (t) => {
  const probe = createTcpServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  const client = channel(t, `127.0.0.1:${port}`, { backoffMinMs: 50 });
  await assert.rejects(
    client.unary("/test.Echo/One", bytes("x")),
    (error) => statusOf(error) === 14,
  );
  const waiting = client.unary("/test.Echo/One", bytes("y"), {
    waitForReady: true,
    timeoutMs: 5000,
  });
  const server = new GrpcServer();
  server.add({ name: "test.Echo", methods: { One: unary(async (request) => request) } });
  await server.listen(`127.0.0.1:${port}`);
  assert.equal(text.decode(await waiting), "y");
  await server.close(0);
  await assert.rejects(client.unary("/test.Echo/One", bytes("z")), { code: "RPC_UNAVAILABLE" });
});

test("a group goes round and passes over what is down", async (t) => {
  const a = await serve(t);
  const b = await serve(t);
  const group = new ChannelGroup({ backoffMinMs: 50 });
  t.after(() => group.close());
  group.update([a.address, "127.0.0.1:1", b.address]);
  for (let i = 0; i < 6; i++)
    assert.equal(text.decode(await group.unary("/test.Echo/One", bytes(`${i}`))), `${i}`);
});

test("close() lets running calls finish and refuses new ones", async (t) => {
  const { server, address } = await serve(t);
  const client = channel(t, address);
  const stream = client.stream("/test.Echo/Many", bytes("2000 10000"));
  await stream.read();
  const closed = server.close(5000);
  let count = 0;
  for (let some = await stream.read(); some !== null; some = await stream.read())
    count += some.length;
  assert.ok(count > 0);
  await closed;
});

test("hostile bytes end in a status and the server lives", async (t) => {
  const { address } = await serve(t, { messageBytesMax: 1000 });
  const client = channel(t, address);
  await assert.rejects(client.unary("/test.Echo/One", new Uint8Array(2000)), {
    code: "RPC_RESOURCE_EXHAUSTED",
  });
  const port = Number(address.split(":")[1]);
  for (const garbage of [
    "GET / HTTP/1.1\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\u0000\u0000\u0001\u0099",
    "\u0000".repeat(1000),
  ]) {
    await new Promise<void>((resolve) => {
      const socket = connectTcp(port, "127.0.0.1", () => socket.write(garbage));
      socket.on("error", () => undefined);
      socket.on("close", () => resolve());
      setTimeout(() => socket.destroy(), 200);
    });
  }
  assert.equal(text.decode(await client.unary("/test.Echo/One", bytes("alive"))), "alive");
});

test("a far side that does not speak gRPC gives Unavailable, not a hang", async (t) => {
  const silent = createTcpServer((socket) => socket.on("error", () => undefined));
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  t.after(() => silent.close());
  const { port } = silent.address() as AddressInfo;
  const client = channel(t, `127.0.0.1:${port}`, { connectTimeoutMs: 100 });
  await assert.rejects(client.unary("/test.Echo/One", bytes("x")), { code: "RPC_UNAVAILABLE" });
});
