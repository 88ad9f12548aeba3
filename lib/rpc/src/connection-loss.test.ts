// What becomes of calls when the network or the far side goes away, slowly or at once.
import assert from "node:assert/strict";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { Channel } from "./client/channel.ts";
import type { ClientOptions } from "./client/client-options.ts";
import { GrpcServer } from "./server/grpc-server.ts";
import type { ServerOptions } from "./server/server-options.ts";
import { serverStream, unary } from "./server/service.ts";

const empty = new Uint8Array(0);

async function serve(t: TestContext, options: Partial<ServerOptions> = {}): Promise<number> {
  const server = new GrpcServer(options);
  server.add({
    name: "test.Loss",
    methods: {
      One: unary(async (request) => request),
      Ticks: serverStream(async (_request, call, sink) => {
        while (!call.signal.aborted) {
          await sink.send(Uint8Array.of(1));
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
      }),
      Silent: serverStream(async (_request, call) => {
        await new Promise((resolve) => call.signal.addEventListener("abort", resolve));
      }),
      Long: serverStream(async (_request, _call, sink) => {
        for (let i = 0; i < 40; i++) {
          await sink.send(Uint8Array.of(i));
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
      }),
    },
  });
  const { port } = await server.listen("127.0.0.1:0");
  t.after(() => server.close(0));
  return port;
}

/** A TCP relay that can be frozen or cut. */
async function relay(t: TestContext, port: number) {
  const pairs: [Socket, Socket][] = [];
  let frozen = false;
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    pairs.push([near, far]);
    near.on("data", (data) => frozen || far.write(data));
    far.on("data", (data) => frozen || near.write(data));
    for (const [a, b] of [
      [near, far],
      [far, near],
    ] as const) {
      a.on("error", () => undefined);
      a.on("close", () => b.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cut = (): void => {
    for (const [near, far] of pairs.splice(0)) {
      near.destroy();
      far.destroy();
    }
  };
  t.after(() => {
    cut();
    server.close();
  });
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    freeze: () => {
      frozen = true;
    },
  };
}

function channel(t: TestContext, address: string, options: Partial<ClientOptions> = {}): Channel {
  const made = new Channel(address, { backoffMinMs: 10, ...options });
  t.after(() => made.close());
  return made;
}

test("a cut connection ends calls as unavailable, and the next call connects anew", async (t) => {
  const { address, cut } = await relay(t, await serve(t));
  const client = channel(t, address);
  const stream = client.stream("/test.Loss/Ticks", empty);
  await stream.read();
  setTimeout(cut, 30);
  await assert.rejects(
    async () => {
      while ((await stream.read()) !== null);
    },
    { code: "RPC_UNAVAILABLE" },
  );
  assert.equal((await client.unary("/test.Loss/One", Uint8Array.of(7)))[0], 7);
});

test("a frozen connection is noticed by pings that nobody answers", async (t) => {
  const { address, freeze } = await relay(t, await serve(t));
  const client = channel(t, address, { keepaliveMs: 60, keepaliveTimeoutMs: 60 });
  await client.unary("/test.Loss/One", empty);
  const silent = client.stream("/test.Loss/Silent", empty);
  setTimeout(freeze, 100);
  const started = performance.now();
  await assert.rejects(silent.read(), {
    code: "RPC_UNAVAILABLE",
    message: "keepalive ping failed to receive ACK within timeout",
  });
  const took = performance.now() - started;
  assert.ok(took > 90 && took < 2000, `${took} ms`);
});

test("pings that are answered keep a silent call open", async (t) => {
  const client = channel(t, `127.0.0.1:${await serve(t)}`, {
    keepaliveMs: 30,
    keepaliveTimeoutMs: 500,
  });
  const silent = client.stream("/test.Loss/Silent", empty, { timeoutMs: 300 });
  await assert.rejects(silent.read(), { code: "RPC_DEADLINE_EXCEEDED" });
});

test("old connections are retired without hurting a call", async (t) => {
  const client = channel(t, `127.0.0.1:${await serve(t, { connectionAgeMaxMs: 60 })}`);
  const long = client.stream("/test.Loss/Long", empty);
  let received = 0;
  const reading = (async () => {
    for (let some = await long.read(); some !== null; some = await long.read())
      received += some.length;
  })();
  for (let i = 0; i < 60; i++) {
    assert.equal((await client.unary("/test.Loss/One", Uint8Array.of(i)))[0], i);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await reading;
  assert.equal(received, 40);
});
