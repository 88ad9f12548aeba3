// Recorded StoreAPI calls of Thanos' store gateway, sent to ours over gRPC.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { silentLog } from "@deucalion/base";
import { loadXxhash64 } from "@deucalion/kernels";
import { Channel, GrpcServer, RpcError, statusOf } from "@deucalion/rpc";
import {
  LabelNamesResponseMessage,
  LabelValuesResponseMessage,
  storeService,
} from "@deucalion/storeapi";
import { recordedCalls } from "@deucalion/storeapi/testing";
import { Registry } from "prom-client";
import { Gate, GateMetrics } from "../query/gate.ts";
import { BucketStore, bucketStoreDefaults } from "./bucket-store.ts";
import { StoreSource } from "./store-source.ts";

const conformance = fileURLToPath(new URL("../../../../../shared/conformance/", import.meta.url));
const never = new AbortController().signal;

/** Serves a bucket folder on a free port. */
async function serve(folder: string): Promise<{ channel: Channel; close: () => Promise<void> }> {
  const dataDir = await mkdtemp(join(tmpdir(), "store-wire-"));
  const registry = new Registry();
  const xxhash = await loadXxhash64();
  const store = await BucketStore.open(
    {
      ...bucketStoreDefaults,
      bucketConfig: JSON.stringify({ type: "FILESYSTEM", config: { directory: folder } }),
      dataDir,
    },
    { log: silentLog, registry, xxhash, now: Date.now, signal: never },
  );
  await store.sync(never);
  await store.warmUp(2, never);
  const gate = new Gate(2, new GateMetrics(2, "test_", registry));
  const source = new StoreSource(store.source, { gate, metrics: store.metrics });
  const server = new GrpcServer().add(storeService({ source, hash: xxhash }, { blockHints: true }));
  const { port } = await server.listen("127.0.0.1:0");
  const channel = new Channel(`127.0.0.1:${port}`);
  const close = async (): Promise<void> => {
    channel.close();
    await server.close();
    await store.close();
    await rm(dataDir, { recursive: true });
  };
  return { channel, close };
}

/** Calls whose answer differs on purpose; docs/differences.md says why. */
const different = new Set(["labelvalues-empty-label"]);

for (const [folder, data] of [
  ["grpc-store", "blocks/ha/bucket"],
  ["grpc-store-downsampled", "blocks/downsampled/bucket"],
] as const) {
  const { channel, close } = await serve(join(conformance, data));
  after(close);
  for (const call of recordedCalls(folder)) {
    if (different.has(call.name) || !call.method.startsWith("/thanos.Store/")) continue;
    test(`${folder}/${call.name}: the answer equals the recorded one`, async () => {
      if (call.status !== 0) {
        await assert.rejects(
          channel.stream(call.method, call.request, { signal: never }).read(),
          (error) => {
            assert.ok(error instanceof RpcError);
            assert.deepEqual([statusOf(error), error.message], [call.status, call.statusMessage]);
            return true;
          },
        );
        return;
      }
      if (call.method.endsWith("/Series")) {
        const got: string[] = [];
        for await (const message of channel.stream(call.method, call.request, { signal: never }))
          got.push(Buffer.from(message).toString("base64"));
        const want = call.responses.map((message) => Buffer.from(message).toString("base64"));
        assert.deepEqual(got, want);
        return;
      }
      const got = await channel.unary(call.method, call.request, { signal: never });
      // Hints name the blocks in the order in which they were asked.
      if (call.method.endsWith("/LabelNames")) {
        const decode = (bytes: Uint8Array): string[] =>
          LabelNamesResponseMessage.decode(bytes).names;
        assert.deepEqual(decode(got), decode(call.responses[0]!));
      } else {
        const decode = (bytes: Uint8Array): string[] =>
          LabelValuesResponseMessage.decode(bytes).values;
        assert.deepEqual(decode(got), decode(call.responses[0]!));
      }
      assert.equal(got.length, call.responses[0]!.length);
    });
  }
}
