// Service configs: what they say, and that groups of addresses keep to it.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { RpcError } from "../errors.ts";
import { GrpcServer } from "../server/grpc-server.ts";
import { unary } from "../server/service.ts";
import { ChannelGroup } from "./channel-group.ts";
import { methodConfigOf, parseServiceConfig, serviceConfigDefaults } from "./service-config.ts";

const retryPolicy = {
  maxAttempts: 9,
  initialBackoff: "0.01s",
  maxBackoff: "1s",
  backoffMultiplier: 2,
  retryableStatusCodes: ["UNAVAILABLE", "RESOURCE_EXHAUSTED", 10],
};

test("parseServiceConfig() reads policies, timeouts and retries", () => {
  const config = parseServiceConfig(
    JSON.stringify({
      loadBalancingConfig: [{ grpclb: {} }, { round_robin: {} }],
      methodConfig: [
        { name: [{ service: "a.B" }], timeout: "1.5s", waitForReady: true },
        { name: [{ service: "a.B", method: "C" }], retryPolicy },
      ],
      healthCheckConfig: {},
    }),
  );
  assert.equal(config.policy, "round_robin");
  const whole = { timeoutMs: 1500, waitForReady: true, retry: null };
  assert.deepEqual(methodConfigOf(config, "/a.B/D"), whole);
  assert.deepEqual(methodConfigOf(config, "/a.B/C").retry, {
    attemptsMax: 5,
    backoffMs: 10,
    backoffMaxMs: 1000,
    backoffFactor: 2,
    statuses: [14, 8, 10],
  });
  assert.deepEqual(
    methodConfigOf(config, "/x.Y/Z"),
    methodConfigOf(serviceConfigDefaults, "/x.Y/Z"),
  );
  assert.equal(parseServiceConfig("{}").policy, "pick_first");
});

test("parseServiceConfig() refuses what makes no sense", () => {
  const name = [{ service: "a.B" }];
  for (const bad of [
    "{",
    "[]",
    { methodConfig: {} },
    { methodConfig: [{ name, timeout: 5 }] },
    { methodConfig: [{ name }, { name }] },
    { methodConfig: [{ name: [{ method: "C" }] }] },
    { methodConfig: [{ name, retryPolicy: { ...retryPolicy, maxAttempts: 1 } }] },
    { methodConfig: [{ name, retryPolicy: { ...retryPolicy, retryableStatusCodes: ["NO"] } }] },
  ]) {
    const text = typeof bad === "string" ? bad : JSON.stringify(bad);
    assert.throws(() => parseServiceConfig(text), { code: "RPC_CONFIG" }, text);
  }
});

/** A server that fails so many calls with a status, then answers. */
async function serve(t: TestContext, failures: number) {
  const served = { calls: 0, address: "" };
  const server = new GrpcServer();
  server.add({
    name: "a.B",
    methods: {
      C: unary(async (request) => {
        if (++served.calls <= failures) throw new RpcError("RPC_RESOURCE_EXHAUSTED", "later");
        return request;
      }),
      Hang: unary(() => new Promise(() => undefined)),
    },
  });
  const { host, port } = await server.listen("127.0.0.1:0");
  t.after(() => server.close(0));
  served.address = `${host}:${port}`;
  return served;
}

test("a group keeps to its service config", async (t) => {
  const a = await serve(t, 2);
  const b = await serve(t, 0);
  const methodConfig = [
    { name: [{ service: "a.B", method: "C" }], retryPolicy },
    { name: [{ service: "a.B", method: "Hang" }], timeout: "0.1s" },
  ];
  const text = JSON.stringify({ loadBalancingPolicy: "pick_first", methodConfig });
  const group = new ChannelGroup({}, parseServiceConfig(text));
  t.after(() => group.close());
  group.update([a.address, b.address]);
  for (let i = 0; i < 3; i++) await group.unary("/a.B/C", new Uint8Array([i]));
  assert.deepEqual([a.calls, b.calls], [5, 0]);
  await assert.rejects(group.unary("/a.B/Hang", new Uint8Array()), {
    code: "RPC_DEADLINE_EXCEEDED",
  });
});
