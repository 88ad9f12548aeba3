// Replication over Cap'n Proto: streams recorded from Thanos (testdata/receive/capnproto.json), round trips, hostile bytes,
// a server and its clients.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { silentLog } from "@deucalion/base";
import { freePort } from "@deucalion/base/testing";
import { ProtoWriter, RpcError } from "@deucalion/rpc";
import { TimeSeriesMessage, type WireTimeSeries } from "@deucalion/storeapi";
import fc from "fast-check";
import { ReceiveError, type ReceiveErrorCode } from "../errors.ts";
import {
  encodeWrite,
  encodeWriteV2,
  headersV2,
  postWrite,
  served,
  startReceiver,
  withFolder,
} from "../testing.ts";
import { SeriesList, type TenantSeries } from "../write/series-list.ts";
import { WriteBudget } from "../write/write-budget.ts";
import { CapnprotoClient } from "./capnproto-client.ts";
import { CapnprotoError } from "./capnproto-error.ts";
import { CapnprotoServer } from "./capnproto-server.ts";
import { MessageBuilder } from "./message-builder.ts";
import { ElementSize, readMessage } from "./message-reader.ts";
import { PackedFrames, packFrame } from "./packed-frames.ts";
import { callMessage, type RpcMessage, readRpcMessage } from "./rpc-message.ts";
import { readWriteRequest, WriteRequestParts } from "./write-request.ts";

const recorded = JSON.parse(
  readFileSync(new URL("../../../../testdata/receive/capnproto.json", import.meta.url), "utf8"),
) as { readonly timeMs: number; readonly sent: string; readonly answered: string };
const sent = Buffer.from(recorded.sent, "base64");

type Series = Partial<WireTimeSeries>;

function encodeSeries(tenant: string, series: readonly Series[]): TenantSeries {
  const out = new ProtoWriter();
  const bounds: number[] = [];
  for (const one of series) {
    bounds.push(out.length);
    const whole = { labels: [], samples: [], exemplars: [], histograms: [], ...one };
    out.raw(TimeSeriesMessage.encode(whole));
    bounds.push(out.length);
  }
  const list = new SeriesList(out.finish());
  for (let i = 0; i < bounds.length; i += 2) list.add(bounds[i]!, bounds[i + 1]!);
  return { tenant, series: list };
}

function decodeSeries({ series }: TenantSeries): WireTimeSeries[] {
  return series.starts.map((start, i) =>
    TimeSeriesMessage.decode(series.data.subarray(start, series.ends[i])),
  );
}

function labels(pairs: Readonly<Record<string, string>>): { name: string; value: string }[] {
  return Object.entries(pairs).map(([name, value]) => ({ name, value }));
}

function messagesOf(stream: Uint8Array): RpcMessage[] {
  return new PackedFrames().push(stream).map(readRpcMessage);
}

function callsOf(stream: Uint8Array): TenantSeries[][] {
  return messagesOf(stream).flatMap((message) =>
    message.kind === "call" ? [readWriteRequest(message.call!.request)] : [],
  );
}

/** A call of ours as the far side reads it. */
function throughWire(parts: readonly TenantSeries[]): TenantSeries[] {
  const request = WriteRequestParts.of(parts)!;
  const call = callMessage(7, 3, (out, pointer) => request.write(out, pointer));
  return callsOf(packFrame(call))[0]!;
}

test("what Thanos sends is read: several segments, floats, histograms, exemplars", () => {
  const kinds = messagesOf(sent).map(({ kind }) => kind);
  assert.deepEqual(kinds.slice(0, 4), ["bootstrap", "other", "call", "other"]);
  const calls = callsOf(sent);
  assert.equal(calls.length, 6);
  for (const [n, k] of [0, 1, 2, 3].entries()) {
    assert.equal(calls[n]!.length, 1);
    assert.equal(calls[n]![0]!.tenant, "default-tenant");
    const series = decodeSeries(calls[n]![0]!);
    const time = recorded.timeMs + k * 10_000;
    for (let i = 0; i < 5; i++) {
      const extra = i === 3 ? { ü: "ä€" } : {};
      assert.deepEqual(series[i], {
        labels: labels({ __name__: "r", i: String(i), ...extra }),
        samples: [0, 1, 2].map((j) => ({
          value: k * 10 + i + j / 7,
          timestamp: time + j * 1000,
        })),
        exemplars:
          i === 2 ? [{ labels: labels({ trace_id: `abc${k}` }), value: 1.5, timestamp: time }] : [],
        histograms: [],
      });
    }
    const [integer, float] = [series[5]!.histograms[0]!, series[6]!.histograms[0]!];
    assert.deepEqual(
      [integer.countInt, integer.zeroCountInt, integer.positiveDeltas, integer.negativeDeltas],
      [11, 2, [1, 1, -1, 0], [4]],
    );
    assert.deepEqual(
      [float.countFloat, float.zeroCountFloat, float.positiveCounts, float.negativeCounts],
      [12.5, 2.5, [1, 2, 1, 1.5], [4.5]],
    );
    for (const one of [integer, float]) {
      assert.deepEqual(
        [one.sum, one.schema, one.zeroThreshold, one.timestamp, one.resetHint],
        [18.4, 1, 0.001, time, 0],
      );
      assert.deepEqual(one.positiveSpans, [
        { offset: 0, length: 2 },
        { offset: 1, length: 2 },
      ]);
      assert.deepEqual(one.negativeSpans, [{ offset: -2, length: 1 }]);
    }
  }
});

test("what Thanos answers is read", () => {
  const answers = messagesOf(Buffer.from(recorded.answered, "base64"));
  assert.equal(answers.length, 7);
  assert.ok(answers[0]!.kind === "return" && answers[0]!.imported === 0);
  const outcomes = answers.slice(1).map((one) => (one.kind === "return" ? one.content.u16(0) : -1));
  assert.deepEqual(outcomes, [0, 0, 0, 0, 2, 0]);
});

test("PackedFrames finds the same messages however a stream is cut", () => {
  const whole = new PackedFrames().push(sent);
  fc.assert(
    fc.property(fc.array(fc.nat(sent.length), { maxLength: 40 }), (cuts) => {
      const frames = new PackedFrames();
      const found: Uint8Array[][] = [];
      let at = 0;
      for (const cut of [...cuts.sort((a, b) => a - b), sent.length]) {
        found.push(...frames.push(sent.subarray(at, cut)));
        at = cut;
      }
      assert.deepEqual(found, whole);
    }),
    { numRuns: 50 },
  );
});

test("packFrame() and PackedFrames are each other's inverse", () => {
  const words = fc.array(
    fc.oneof(
      fc.constant(new Uint8Array(8)),
      fc.constant(new Uint8Array(8).fill(255)),
      fc.uint8Array({ minLength: 8, maxLength: 8 }),
      fc.constant(new Uint8Array(8 * 600)),
    ),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(words, (parts) => {
      const segment = new Uint8Array(Buffer.concat(parts));
      const [frame] = new PackedFrames().push(packFrame(segment));
      assert.deepEqual(frame, [segment]);
    }),
  );
});

const numbers = fc.oneof(fc.double(), fc.integer());
const times = fc.integer({ min: -(2 ** 50), max: 2 ** 50 });
const labelSets = fc
  .array(fc.tuple(fc.string({ unit: "binary" }), fc.string({ unit: "binary" })), { maxLength: 5 })
  .map((pairs) => pairs.map(([name, value]) => ({ name, value })));
const spans = fc.array(
  fc.record({ offset: fc.integer({ min: -100, max: 100 }), length: fc.nat(1000) }),
  { maxLength: 3 },
);
const counts = fc.array(numbers, { maxLength: 4 });
const deltas = fc.array(times, { maxLength: 4 });
const histograms = fc
  .record({
    integer: fc.boolean(),
    count: fc.nat(),
    sum: numbers,
    schema: fc.integer({ min: -9, max: 52 }),
    zeroThreshold: numbers,
    negativeSpans: spans,
    negativeDeltas: deltas,
    negativeCounts: counts,
    positiveSpans: spans,
    positiveDeltas: deltas,
    positiveCounts: counts,
    resetHint: fc.nat(3),
    timestamp: times,
    customValues: fc.constant<number[]>([]),
  })
  .map(({ integer, count, ...rest }) =>
    integer
      ? { ...rest, countInt: count, zeroCountInt: count }
      : { ...rest, countFloat: count, zeroCountFloat: count / 3 },
  );
const requests = fc.array(
  fc.record({
    labels: labelSets,
    samples: fc.array(fc.record({ value: numbers, timestamp: times }), { maxLength: 4 }),
    exemplars: fc.array(fc.record({ labels: labelSets, value: numbers, timestamp: times }), {
      maxLength: 2,
    }),
    histograms: fc.array(histograms, { maxLength: 2 }),
  }),
  { maxLength: 4 },
);

test("requests arrive as they were sent", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string(), requests), { maxLength: 3 }), (tenants) => {
      const parts = tenants.map(([tenant, series]) => encodeSeries(tenant, series));
      const found = throughWire(parts);
      assert.deepEqual(
        found.map(({ tenant }) => tenant),
        tenants.map(([tenant]) => tenant),
      );
      assert.deepEqual(found.map(decodeSeries), parts.map(decodeSeries));
    }),
    { numRuns: 60 },
  );
});

test("bits of values and bytes of labels stay as they are", () => {
  // A stale marker, and a label that is not UTF-8.
  const out = new ProtoWriter();
  const label = out.open(1);
  out.bytes(1, Uint8Array.of(0xff, 0xc0));
  out.bytes(2, Uint8Array.of(0x80));
  out.close(label);
  const sample = out.open(2);
  out.tag(1, 1);
  out.raw(Uint8Array.of(2, 0, 0, 0, 0, 0, 0xf0, 0x7f));
  out.tag(2, 0);
  out.svarint(1000);
  out.close(sample);
  const series = new SeriesList(out.finish());
  series.add(0, series.data.length);
  const [found] = throughWire([{ tenant: "a", series }]);
  assert.deepEqual(found!.series.data, series.data);
});

test("WriteRequestParts leaves to protobuf what the protocol has no place for", () => {
  const histogram = {
    countInt: 1,
    zeroCountInt: 1,
    sum: 1,
    schema: -53,
    zeroThreshold: 0,
    negativeSpans: [],
    negativeDeltas: [],
    negativeCounts: [],
    positiveSpans: [],
    positiveDeltas: [],
    positiveCounts: [],
    resetHint: 0,
    timestamp: 1,
    customValues: [1, 2],
  };
  const of = (series: Series): WriteRequestParts | null =>
    WriteRequestParts.of([encodeSeries("a", [series])]);
  assert.equal(of({ histograms: [histogram] }), null);
  assert.notEqual(of({ histograms: [{ ...histogram, customValues: [] }] }), null);
});

test("hostile bytes end in errors of the protocol", () => {
  const attempt = (stream: Uint8Array): void => {
    try {
      callsOf(stream);
    } catch (error) {
      const known =
        error instanceof CapnprotoError ||
        error instanceof ReceiveError ||
        error instanceof RpcError;
      if (!known) throw error;
    }
  };
  const messages = new PackedFrames().push(sent);
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(fc.nat(messages.length - 1), changes, (index, changed) => {
      const segments = messages[index]!.map((segment) => segment.slice());
      for (const [at, byte] of changed) {
        const segment = segments[at % segments.length]!;
        segment[(at >>> 4) % segment.length] = byte;
      }
      try {
        const message = readRpcMessage(segments);
        if (message.kind === "call" && message.call !== null)
          readWriteRequest(message.call.request);
      } catch (error) {
        const known = error instanceof CapnprotoError || error instanceof ReceiveError;
        if (!known) throw error;
      }
    }),
    { numRuns: 1000 },
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), attempt), { numRuns: 300 });
  // A message that says it has 16 GB.
  const header = new Uint8Array(8);
  new DataView(header.buffer).setUint32(4, 0x7fffffff, true);
  const packed = [0b11110000, 0xff, 0xff, 0xff, 0x7f];
  assert.throws(() => new PackedFrames().push(Uint8Array.from(packed)), {
    code: "CAPNPROTO_FRAME",
  });
});

test("parts of a message that are used again and again are refused", () => {
  const out = new MessageBuilder();
  const root = out.struct(0, { dataWords: 0, pointers: 1 });
  const count = 5000;
  const first = out.structs(root, count, { dataWords: 0, pointers: 1 });
  const shared = out.bytes(first, 4000);
  const segment = out.segment().slice();
  const view = new DataView(segment.buffer);
  for (let i = 0; i < count; i++) {
    const at = first + 8 * i;
    view.setInt32(at, (((shared - at - 8) / 8) << 2) | 1, true);
    view.setUint32(at + 4, ((4000 << 3) | 2) >>> 0, true);
  }
  const list = readMessage([segment]).list(0, ElementSize.struct);
  assert.equal(list.struct(count - 1).data(0).length, 4000);
  assert.throws(
    () => {
      for (let i = 0; i < count; i++) list.struct(i).data(0);
    },
    { code: "CAPNPROTO_POINTER", message: /used too often/ },
  );
});

test("pointers over landing pads of one and of two words are followed", () => {
  const words = (...values: readonly (readonly [number, number])[]): Uint8Array => {
    const out = new DataView(new ArrayBuffer(8 * values.length));
    for (const [i, [low, high]] of values.entries()) {
      out.setUint32(8 * i, low, true);
      out.setUint32(8 * i + 4, high, true);
    }
    return new Uint8Array(out.buffer);
  };
  // A struct of one data word, of value 42.
  const single = [words([2, 1]), words([0, 1], [42, 0])];
  assert.equal(readMessage(single).u32(0), 42);
  const double = [words([6, 1]), words([(1 << 3) | 2, 2], [0, 1]), words([7, 0], [42, 0])];
  assert.equal(readMessage(double).u32(0), 42);
  for (const wrong of [
    [words([2, 7])],
    [words([(9 << 3) | 2, 1]), words([0, 1])],
    [words([2, 1]), words([2, 0], [0, 0])],
    [words([6, 1]), words([0, 1], [0, 1])],
  ]) {
    assert.throws(() => readMessage(wrong), { code: "CAPNPROTO_POINTER" });
  }
});

async function untilListening(address: string): Promise<void> {
  const [host, port] = address.split(":");
  for (let tries = 0; ; tries++) {
    const socket = connect(Number(port), host);
    const open = await new Promise<boolean>((resolve) => {
      socket.on("connect", () => resolve(true));
      socket.on("error", () => resolve(false));
    });
    socket.destroy();
    if (open) return;
    assert.ok(tries < 1000, "nobody listens");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function withServer(
  write: (parts: readonly TenantSeries[]) => Promise<void>,
  work: (address: string, restart: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const address = `127.0.0.1:${await freePort()}`;
  const start = async () => {
    const server = new CapnprotoServer(
      { address, optional: false, gracePeriodMs: 1000 },
      { log: silentLog, budget: new WriteBudget(1 << 20, () => false), isReady: () => true, write },
    );
    const ended = server.execute();
    await untilListening(address);
    return async () => {
      await server.interrupt();
      await ended;
    };
  };
  let stop = await start();
  try {
    await work(address, async () => {
      await stop();
      stop = await start();
    });
  } finally {
    await stop();
  }
}

const one = (value: number): WriteRequestParts =>
  WriteRequestParts.of([
    encodeSeries("a", [
      { labels: labels({ __name__: "r" }), samples: [{ value, timestamp: 1000 }] },
    ]),
  ])!;

test("what comes of a write reaches the client, also after the server was started again", async () => {
  const got: number[] = [];
  let fails: ReceiveErrorCode | null = null;
  const write = async (parts: readonly TenantSeries[]): Promise<void> => {
    if (fails !== null) throw new ReceiveError(fails, "because");
    got.push(decodeSeries(parts[0]!)[0]!.samples[0]!.value);
  };
  await withServer(write, async (address, restart) => {
    const client = new CapnprotoClient(address);
    await Promise.all([1, 2, 3].map((value) => client.write(one(value), 20_000)));
    assert.deepEqual(got, [1, 2, 3]);
    await restart();
    await client.write(one(4), 20_000);
    assert.deepEqual(got, [1, 2, 3, 4]);
    const expected = {
      RECEIVE_CONFLICT: "RECEIVE_CONFLICT",
      RECEIVE_TENANT: "RECEIVE_BODY",
      RECEIVE_NOT_READY: "RECEIVE_UNAVAILABLE",
      RECEIVE_OVERLOADED: "RECEIVE_UNAVAILABLE",
      RECEIVE_STORAGE: "RECEIVE_STORAGE",
    } as const;
    for (const [code, want] of Object.entries(expected)) {
      fails = code as ReceiveErrorCode;
      await assert.rejects(client.write(one(5), 20_000), { code: want, message: /because/ });
    }
    client.close();
  });
  const nobody = new CapnprotoClient(`127.0.0.1:${await freePort()}`);
  await assert.rejects(nobody.write(one(1), 20_000), { code: "RECEIVE_UNAVAILABLE" });
});

test("a connection that does not speak the protocol is ended, others go on", async () => {
  await withServer(
    async () => undefined,
    async (address) => {
      const [host, port] = address.split(":");
      const socket = connect(Number(port), host);
      const closed = new Promise((resolve) => socket.on("close", resolve));
      socket.on("error", () => undefined);
      socket.resume();
      socket.write("GET / HTTP/1.1\r\nHost: somebody\r\n\r\n".repeat(100));
      await closed;
      const client = new CapnprotoClient(address);
      await client.write(one(1), 20_000);
      client.close();
    },
  );
});

test("a router replicates over Cap'n Proto, and over gRPC what has metadata", async () => {
  await withFolder(async (dir) => {
    const grpc = `127.0.0.1:${await freePort()}`;
    const capnproto = `127.0.0.1:${await freePort()}`;
    const rings = join(dir, "rings.json");
    const endpoints = [{ address: grpc, capnproto_address: capnproto }];
    await writeFile(rings, JSON.stringify([{ endpoints }]));
    const node = await startReceiver(join(dir, "node"), [
      `--grpc-address=${grpc}`,
      `--receive.capnproto-address=${capnproto}`,
    ]);
    const router = await startReceiver(join(dir, "router"), [
      `--receive.hashrings-file=${rings}`,
      "--receive.replication-protocol=capnproto",
    ]);
    try {
      const time = Date.now();
      const post = async (value: number, version: 1 | 2): Promise<number> => {
        const sample = [time + value, value] as const;
        const series = { __name__: "r", i: "0" };
        const body =
          version === 1
            ? encodeWrite([{ labels: series, samples: [sample] }])
            : encodeWriteV2([
                {
                  labels: series,
                  samples: [[...sample, 0]],
                  metadata: { type: 1, unit: "", help: "h" },
                },
              ]);
        return (await postWrite(router.write, body, version === 1 ? {} : headersV2)).status;
      };
      assert.deepEqual([await post(1, 1), await post(2, 2), await post(3, 1)], [200, 204, 200]);
      assert.equal(
        (
          await postWrite(
            router.write,
            encodeWrite([{ labels: { __name__: "r", i: "0" }, samples: [[time + 1, 7]] }]),
          )
        ).status,
        409,
      );
      assert.deepEqual((await served(grpc)).get("0"), [1, 2, 3]);
    } finally {
      await router.stop("SIGTERM");
      await node.stop("SIGTERM");
    }
  });
});
