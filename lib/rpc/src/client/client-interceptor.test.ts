import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { RpcError } from "../errors.ts";
import { GrpcServer } from "../server/grpc-server.ts";
import { serverStream, unary } from "../server/service.ts";
import { Channel } from "./channel.ts";
import { ChannelGroup } from "./channel-group.ts";
import type { ClientInterceptor } from "./client-interceptor.ts";

/** Notes every event of every call as a line. */
function noting(): { lines: string[]; interceptor: ClientInterceptor } {
  const lines: string[] = [];
  const interceptor: ClientInterceptor = ({ service, method, type }) => {
    const name = `${service}/${method}`;
    let messages = 0;
    lines.push(`${name} ${type}`);
    return {
      sent: () => lines.push(`${name} sent`),
      received: (count) => {
        messages += count;
      },
      done: ({ status, seconds }) => {
        assert.ok(seconds >= 0 && seconds < 10);
        lines.push(`${name} received ${messages} status ${status}`);
      },
    };
  };
  return { lines, interceptor };
}

async function serve(t: TestContext): Promise<string> {
  const server = new GrpcServer({}, {});
  server.add({
    name: "test.Echo",
    methods: {
      One: unary(async (request) => request),
      Fail: unary(async () => {
        throw new RpcError("RPC_NOT_FOUND", "no");
      }),
      Many: serverStream(async (request, _call, sink) => {
        for (let i = 0; i < 3; i++) await sink.send(request);
      }),
      Hang: serverStream(
        (_request, call) =>
          new Promise<void>((resolve) => call.signal.addEventListener("abort", () => resolve())),
      ),
    },
  });
  const { port } = await server.listen("127.0.0.1:0");
  t.after(() => server.close(0));
  return `127.0.0.1:${port}`;
}

test("clients tell their interceptor of every call", async (t) => {
  const address = await serve(t);
  const { lines, interceptor } = noting();
  const channel = new Channel(address, { interceptor });
  t.after(() => channel.close());
  const request = new Uint8Array([1]);
  await channel.unary("/test.Echo/One", request);
  await assert.rejects(channel.unary("/test.Echo/Fail", request), { code: "RPC_NOT_FOUND" });
  for await (const _ of channel.stream("/test.Echo/Many", request));
  const stop = new AbortController();
  const hanging = channel.stream("/test.Echo/Hang", request, { signal: stop.signal });
  setTimeout(() => stop.abort(new Error("enough")), 20);
  await assert.rejects(hanging.read(), /enough/);
  assert.deepEqual(lines, [
    "test.Echo/One unary",
    "test.Echo/One sent",
    "test.Echo/One received 1 status 0",
    "test.Echo/Fail unary",
    "test.Echo/Fail sent",
    "test.Echo/Fail received 0 status 5",
    "test.Echo/Many server_stream",
    "test.Echo/Many sent",
    "test.Echo/Many received 3 status 0",
    "test.Echo/Hang server_stream",
    "test.Echo/Hang sent",
    "test.Echo/Hang received 0 status 1",
  ]);
});

test("groups count the calls that they make, and those that never connect end as unavailable", async (t) => {
  const address = await serve(t);
  const { lines, interceptor } = noting();
  const group = new ChannelGroup({ interceptor });
  t.after(() => group.close());
  group.update([address]);
  await group.unary("/test.Echo/One", new Uint8Array(1));
  const lost = new Channel("127.0.0.1:1", { interceptor });
  t.after(() => lost.close());
  await assert.rejects(lost.unary("/test.Echo/One", new Uint8Array(1)), {
    code: "RPC_UNAVAILABLE",
  });
  assert.deepEqual(lines, [
    "test.Echo/One unary",
    "test.Echo/One sent",
    "test.Echo/One received 1 status 0",
    "test.Echo/One unary",
    "test.Echo/One received 0 status 14",
  ]);
});
