// A select over very many series passes through the sidecar; it is not held there.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { crc32c, encodeXor } from "@deucalion/kernels";
import { encodeLabels, Labels, Matcher, SampleColumns } from "@deucalion/model";
import { ProtoWriter } from "@deucalion/rpc";
import { StoreClient } from "@deucalion/storeapi";
import { decodeChunkInto } from "@deucalion/tsdb";
import { startSidecar } from "../support/mod.ts";

const seriesCount = 300_000;

function bytesField(writer: ProtoWriter, field: number, bytes: Uint8Array): void {
  writer.tag(field, 2);
  writer.uvarint(bytes.length);
  writer.ensure(bytes.length);
  writer.data.set(bytes, writer.length);
  writer.length += bytes.length;
}

/** One series with one chunk as a frame of a streamed remote-read answer. */
function frame(index: number, chunk: Uint8Array): Buffer {
  const labels = encodeLabels(
    Labels.from({
      __name__: "m",
      cluster: "eu",
      pod: `pod-${String(index).padStart(7, "0")}`,
      replica: "a",
    }),
  );
  const wire = new ProtoWriter();
  wire.tag(1, 0);
  wire.svarint(1_704_153_600_000);
  wire.tag(2, 0);
  wire.svarint(1_704_155_385_000);
  wire.tag(3, 0);
  wire.uvarint(1);
  bytesField(wire, 4, chunk);
  const chunks = new ProtoWriter();
  bytesField(chunks, 2, wire.view());
  const message = new ProtoWriter();
  bytesField(
    message,
    1,
    Buffer.concat([labels.data.subarray(labels.start, labels.end), chunks.view()]),
  );
  const payload = message.view();
  const head = new ProtoWriter();
  head.uvarint(payload.length);
  const out = Buffer.alloc(head.length + 4 + payload.length);
  out.set(head.view());
  out.writeUInt32BE(crc32c(payload), head.length);
  out.set(payload, head.length + 4);
  return out;
}

/** A Prometheus of `seriesCount` series, made as they are sent. */
async function startPrometheus(): Promise<{ url: string; close: () => void }> {
  const samples = new SampleColumns();
  for (let i = 0; i < 120; i++) samples.pushFloat(1_704_153_600_000 + i * 15_000, i * 7.25);
  const chunk = encodeXor(samples.times, samples.valueBits, 0, samples.count).slice();
  const json = (data: unknown): string => JSON.stringify({ status: "success", data });
  const answers: Readonly<Record<string, string>> = {
    "/api/v1/status/buildinfo": json({ version: "3.0.0" }),
    "/api/v1/status/config": json({ yaml: "global: {external_labels: {cluster: eu, replica: a}}" }),
    "/api/v1/labels": json(["__name__", "pod"]),
    "/metrics": "",
  };
  const server = createServer(async (request, response) => {
    const path = (request.url ?? "").split("?")[0]!;
    if (path !== "/api/v1/read") return void response.end(answers[path] ?? "");
    request.resume();
    response.writeHead(200, {
      "content-type": "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse",
    });
    for (let i = 0; i < seriesCount; i += 200) {
      const part = Buffer.concat(Array.from({ length: 200 }, (_, k) => frame(i + k, chunk)));
      if (!response.write(part)) await new Promise((resolve) => response.once("drain", resolve));
      if (response.destroyed) return;
    }
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

test(`the sidecar's memory stays flat over ${seriesCount} series`, {
  timeout: 120_000,
}, async (t) => {
  const prometheus = await startPrometheus();
  t.after(() => prometheus.close());
  const { process: sidecar, channel } = await startSidecar(t, prometheus.url);
  const client = new StoreClient({
    caller: channel,
    decode: decodeChunkInto,
    info: () => ({ labelSets: [], minTime: 0, maxTime: 2 ** 53 }),
  });
  const request = {
    minTime: 1_704_153_600_000,
    maxTime: 1_704_160_800_000,
    matchers: [new Matcher("=", "__name__", "m")],
  };
  let series = 0;
  let bytes = 0;
  for await (const batch of client.series(request, {
    signal: new AbortController().signal,
    warn: (text) => assert.fail(text),
  })) {
    series += batch.seriesCount;
    bytes += batch.chunks!.bytes;
  }
  assert.equal(series, seriesCount);
  const status = readFileSync(`/proc/${sidecar.child.pid}/status`, "utf8");
  const peakMegabytes = Number(/VmHWM:\s+(\d+) kB/.exec(status)![1]) / 1024;
  assert.ok(bytes / 1e6 > 60, `${bytes} bytes passed through`);
  assert.ok(peakMegabytes < 300, `the sidecar took ${Math.round(peakMegabytes)} MB`);
  t.diagnostic(
    `${Math.round(bytes / 1e6)} MB passed through, peak ${Math.round(peakMegabytes)} MB`,
  );
});
