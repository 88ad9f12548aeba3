// Metadata of remote write: kept in the log, carried over the ring, served.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { freePort } from "@deucalion/base/testing";
import { Channel } from "@deucalion/rpc";
import { ApiClient, fetchInfo, type MetricMeta } from "@deucalion/storeapi";
import {
  encodeMetadataV1,
  encodeWrite,
  encodeWriteV2,
  headersV2,
  postWrite,
  startReceiver,
  withFolder,
} from "./testing.ts";

async function metadataOf(
  address: string,
  metric = "",
  limit = -1,
): Promise<Map<string, MetricMeta[]>> {
  const channel = new Channel(address);
  try {
    const signal = AbortSignal.timeout(10_000);
    assert.ok((await fetchInfo(channel, { signal })).metricMetadata !== undefined);
    return await new ApiClient(channel).metadata(
      { metric, limit, partialResponseStrategy: 0 },
      { signal, warn: (text) => assert.fail(text) },
    );
  } finally {
    channel.close();
  }
}

const plain = (found: Map<string, MetricMeta[]>): [string, MetricMeta[]][] =>
  [...found].sort(([a], [b]) => (a < b ? -1 : 1));

test("metadata of both versions is served, also after kill -9", async () => {
  await withFolder(async (dir) => {
    let receiver = await startReceiver(dir);
    try {
      const t = Date.now();
      const samples = [[t, 1, 0]] as const;
      const latency = { type: 3, unit: "seconds", help: "How long it took." };
      const post = async (body: Uint8Array, headers = {}): Promise<void> => {
        const answer = await postWrite(receiver.write, body, headers);
        assert.ok(answer.status === 200 || answer.status === 204, answer.text);
      };
      await post(
        encodeWriteV2([
          { labels: { __name__: "up" }, samples, metadata: { type: 2, unit: "", help: "Alive." } },
          { labels: { __name__: "took_count" }, samples, metadata: latency },
          { labels: { __name__: "took_bucket", le: "1" }, samples, metadata: latency },
        ]),
        headersV2,
      );
      await post(
        encodeWrite([
          { labels: { __name__: "sent_total" }, samples: [[t, 1]] },
          { labels: { __name__: "up", job: "b" }, samples: [[t, 1]] },
        ]),
      );
      const v1 = [
        { name: "sent", type: 1, help: "Bytes sent.", unit: "bytes" },
        { name: "up", type: 2, help: "Alive.", unit: "" },
      ];
      await post(encodeMetadataV1(v1));
      const want: [string, MetricMeta[]][] = [
        ["sent", [{ type: "counter", help: "Bytes sent.", unit: "bytes" }]],
        ["took", [{ type: "histogram", help: "How long it took.", unit: "seconds" }]],
        ["up", [{ type: "gauge", help: "Alive.", unit: "" }]],
      ];
      assert.deepEqual(plain(await metadataOf(receiver.grpc)), want);
      assert.deepEqual(plain(await metadataOf(receiver.grpc, "up")), want.slice(2));
      assert.equal((await metadataOf(receiver.grpc, "", 1)).size, 1);
      await receiver.stop("SIGKILL");
      receiver = await startReceiver(dir);
      // The log knows it by a series: there the counter has its whole name.
      want[0]![0] = "sent_total";
      assert.deepEqual(plain(await metadataOf(receiver.grpc)), want);
    } finally {
      await receiver.stop("SIGKILL");
    }
  });
});

test("metadata goes with its series to whoever owns them", async () => {
  await withFolder(async (dir) => {
    const ports = await Promise.all([0, 1].map(freePort));
    const endpoints = ports.map((port) => `127.0.0.1:${port}`);
    const rings = join(dir, "rings.json");
    await writeFile(rings, JSON.stringify([{ hashring: "all", endpoints, algorithm: "ketama" }]));
    const nodes = await Promise.all(
      endpoints.map((endpoint, i) =>
        startReceiver(join(dir, String(i)), [
          `--grpc-address=${endpoint}`,
          `--receive.local-endpoint=${endpoint}`,
          `--receive.hashrings-file=${rings}`,
        ]),
      ),
    );
    try {
      const series = Array.from({ length: 40 }, (_, i) => ({
        labels: { __name__: `m${i}` },
        samples: [[Date.now(), 1, 0]] as const,
        metadata: { type: 2, unit: "", help: `Metric ${i}.` },
      }));
      const written = await postWrite(nodes[0]!.write, encodeWriteV2(series), headersV2);
      assert.equal(written.status, 204, written.text);
      const families = Array.from({ length: 40 }, (_, i) => ({
        name: `f${i}`,
        type: 1,
        help: "Old.",
        unit: "",
      }));
      assert.equal((await postWrite(nodes[1]!.write, encodeMetadataV1(families))).status, 200);
      const [a, b] = await Promise.all(nodes.map(({ grpc }) => metadataOf(grpc)));
      for (const prefix of ["m", "f"]) {
        const of = (found: Map<string, MetricMeta[]>): string[] =>
          [...found.keys()].filter((name) => name.startsWith(prefix));
        assert.ok(of(a!).length > 5 && of(b!).length > 5);
        assert.equal(new Set([...of(a!), ...of(b!)]).size, 40);
      }
      for (const [name, [meta]] of [...a!, ...b!]) {
        assert.equal(meta!.help, name.startsWith("f") ? "Old." : `Metric ${name.slice(1)}.`);
      }
    } finally {
      for (const node of nodes) await node.stop("SIGKILL");
    }
  });
});
