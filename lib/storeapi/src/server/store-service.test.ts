// A source in memory behind the service, asked by our client over a socket: everything arrives as it was recorded.
import assert from "node:assert/strict";
import { connect, constants } from "node:http2";
import { type TestContext, test } from "node:test";
import { loadXxhash64 } from "@deucalion/kernels";
import {
  EncodedBatch,
  type LabelRequest,
  Matcher,
  type SeriesBatch,
  type SeriesRequest,
  type SeriesSource,
  type SourceContext,
} from "@deucalion/model";
import { Channel, encodeFrame, GrpcServer, type Service } from "@deucalion/rpc";
import { ApiClient, fetchInfo } from "../client/api-clients.ts";
import { StoreClient } from "../client/store-client.ts";
import { StoreApiError } from "../errors.ts";
import { SeriesDecoder } from "../messages/series-decoder.ts";
import { SeriesRequestMessage } from "../messages/store-messages.ts";
import { measureSeriesStream } from "../testing/measure-series-stream.ts";
import { recordedCalls } from "../testing/recorded-calls.ts";
import {
  exemplarsService,
  infoService,
  metadataService,
  rulesService,
  statusService,
  targetsService,
} from "./api-services.ts";
import { storeService } from "./store-service.ts";

const hash = await loadXxhash64();

async function serve(
  t: TestContext,
  services: readonly Service[],
  compression: "none" | "snappy" = "none",
) {
  const server = new GrpcServer();
  for (const service of services) server.add(service);
  const { port } = await server.listen("127.0.0.1:0");
  const channel = new Channel(`127.0.0.1:${port}`, { compression });
  t.after(async () => {
    channel.close();
    await server.close(0);
  });
  return { channel, port };
}

function sourceOf(batches: readonly SeriesBatch[], seen: SeriesRequest[] = []): SeriesSource {
  return {
    async *series(request, context) {
      seen.push(request);
      context.warn("one shard is away");
      yield* batches;
    },
    labelNames: async () => ["a", "b", "c"],
    labelValues: async (name, request: LabelRequest) => [name, String(request.limit)],
    info: () => ({ labelSets: [], minTime: 0, maxTime: 1 }),
  };
}

function client(channel: Channel): StoreClient {
  const info = () => ({ labelSets: [], minTime: 0, maxTime: 1 });
  return new StoreClient({ caller: channel, decode: () => undefined, info });
}

function context(warnings: string[] = []): SourceContext {
  return {
    signal: new AbortController().signal,
    warn: (text) => warnings.push(text),
    tenant: "t1",
  };
}

/** Labels, times and chunk bytes of batches, as one comparable list. */
function flat(batches: readonly SeriesBatch[]): unknown[] {
  return batches.flatMap((batch) => {
    const c = batch.chunks!;
    return Array.from({ length: c.seriesCount }, (_, i) => {
      const { data, start, end } = c.labels(i);
      const chunks: unknown[] = [];
      for (let k = c.first[i]!; k < c.first[i + 1]!; k++) {
        const from = c.offset[k]!;
        const bytes = c.buffers[c.buffer[k]!]!.subarray(from, from + c.length[k]!);
        chunks.push([
          c.minTime[k],
          c.maxTime[k],
          c.encoding[k],
          c.aggregate[k],
          Buffer.from(bytes).toString("base64"),
        ]);
      }
      return [Buffer.from(data.subarray(start, end)).toString(), chunks];
    });
  });
}

test("recorded series arrive unchanged, compressed or not", async (t) => {
  const recorded = recordedCalls().filter(
    (call) => call.method === "/thanos.Store/Series" && call.responses.length > 0,
  );
  for (const call of recorded) {
    const decoder = new SeriesDecoder();
    for (const message of call.responses) decoder.decode(message);
    const batch = new EncodedBatch(decoder.take(), () => undefined);
    for (const compression of ["none", "snappy"] as const) {
      const { channel } = await serve(
        t,
        [storeService({ source: sourceOf([batch]), hash })],
        compression,
      );
      const warnings: string[] = [];
      const got: SeriesBatch[] = [];
      const request = { minTime: 0, maxTime: 1, matchers: [new Matcher("=", "a", "b")] };
      for await (const one of client(channel).series(request, context(warnings))) got.push(one);
      assert.deepEqual(flat(got), flat([batch]), call.name);
      assert.deepEqual(warnings, ["one shard is away"]);
    }
  }
});

test("requests keep every field on the way", async (t) => {
  const seen: SeriesRequest[] = [];
  const { channel } = await serve(t, [storeService({ source: sourceOf([], seen), hash: null })]);
  const request: SeriesRequest = {
    minTime: -5,
    maxTime: 2 ** 52,
    matchers: [
      new Matcher("=", "a", ""),
      new Matcher("!=", "b", "x"),
      new Matcher("=~", "c", "a|b"),
      new Matcher("!~", "d", ".+"),
    ],
    hints: { func: "rate", stepMs: 1000, rangeMs: 300_000, by: true, grouping: ["job"] },
    maxResolutionMs: 300_000,
    aggregates: [1, 2],
    skipChunks: true,
    limit: 7,
    shard: { index: 1, total: 3, by: false, labels: ["x"] },
    withoutReplicaLabels: ["replica"],
    partialResponse: "abort",
    blockMatchers: [new Matcher("=", "__block_id", "01A")],
  };
  for await (const _ of client(channel).series(request, context())) assert.fail();
  const plain = (r: SeriesRequest) => ({
    ...r,
    matchers: r.matchers.map(String),
    blockMatchers: r.blockMatchers?.map(String),
  });
  assert.deepEqual(plain(seen[0]!), plain(request));
});

test("label calls, limits and their errors", async (t) => {
  const { channel } = await serve(t, [storeService({ source: sourceOf([]), hash: null })]);
  const request = { minTime: 0, maxTime: 1, matchers: [], limit: 2 };
  assert.deepEqual(await client(channel).labelNames(request, context()), ["a", "b"]);
  assert.deepEqual(await client(channel).labelValues("x", request, context()), ["x", "2"]);
  await assert.rejects(client(channel).labelValues("", request, context()), {
    code: "RPC_INVALID_ARGUMENT",
    message: "label name parameter cannot be empty",
  });
  const bad = SeriesRequestMessage.encode({
    ...SeriesRequestMessage.decode(new Uint8Array(0)),
    matchers: [{ type: 2, name: "__name__", value: "a(b" }],
  });
  await assert.rejects(channel.stream("/thanos.Store/Series", bad).read(), {
    code: "RPC_INVALID_ARGUMENT",
    message: "error parsing regexp: missing closing ): `a(b`",
  });
});

test("hostile requests end in a status and the server lives", async (t) => {
  const { channel, port } = await serve(t, [storeService({ source: sourceOf([]), hash: null })]);
  const garbage = [
    Uint8Array.of(0xff, 0xff, 0xff),
    Uint8Array.of(0x1a, 0xff, 0xff, 0xff, 0xff, 0x0f),
    new Uint8Array(1000).fill(0x1a),
    new TextEncoder().encode("GET / HTTP/1.1"),
  ];
  for (const bytes of garbage) {
    await assert.rejects(channel.unary("/thanos.Store/LabelNames", bytes), {
      code: "RPC_INTERNAL",
    });
    await assert.rejects(channel.stream("/thanos.Store/Series", bytes).read(), {
      code: "RPC_INTERNAL",
    });
  }
  // Raw frames: cut off, absurd length, unknown compression, bad flag.
  const frames: [Uint8Array, Record<string, string>, string][] = [
    [Uint8Array.of(0, 0, 0, 0, 9, 1), {}, "13"],
    [Uint8Array.of(0, 0xff, 0xff, 0xff, 0xff, 1), {}, "8"],
    [Uint8Array.of(1, 0, 0, 0, 1, 1), { "grpc-encoding": "gzip" }, "12"],
    [Uint8Array.of(1, 0, 0, 0, 1, 1), { "grpc-encoding": "snappy" }, "13"],
    [Uint8Array.of(1, 0, 0, 0, 1, 1), {}, "13"],
    [Uint8Array.of(7, 0, 0, 0, 1, 1), {}, "13"],
  ];
  const session = connect(`http://127.0.0.1:${port}`);
  t.after(() => session.destroy());
  for (const [frame, headers, want] of frames) {
    const status = await new Promise<unknown>((resolve) => {
      const stream = session.request({
        [constants.HTTP2_HEADER_METHOD]: "POST",
        [constants.HTTP2_HEADER_PATH]: "/thanos.Store/Series",
        "content-type": "application/grpc",
        te: "trailers",
        ...headers,
      });
      stream.on("response", (got) => {
        if (got["grpc-status"] !== undefined) resolve(got["grpc-status"]);
      });
      stream.on("trailers", (got) => resolve(got["grpc-status"]));
      stream.on("error", () => undefined);
      stream.resume();
      stream.end(frame);
    });
    assert.equal(status, want, `frame ${[...frame].join(" ")}`);
  }
  assert.equal(encodeFrame(new Uint8Array(3), "none").length, 8);
  const request = { minTime: 0, maxTime: 1, matchers: [] };
  assert.deepEqual(await client(channel).labelNames(request, context()), ["a", "b", "c"]);
});

test("Info says not ready in the words of Thanos", async (t) => {
  const service = infoService(() => {
    throw new StoreApiError("STOREAPI_NOT_READY", "Not ready");
  });
  const { channel } = await serve(t, [service]);
  await assert.rejects(fetchInfo(channel, {}), { code: "RPC_UNKNOWN", message: "Not ready" });
});

test("the small APIs answer as recorded, warnings first", async (t) => {
  const calls = new Map(recordedCalls("grpc-sidecar-apis").map((call) => [call.name, call]));
  if (calls.size === 0) return t.skip("no recordings");
  const recorder = async (name: string) => {
    const call = calls.get(name)!;
    const replay = new GrpcServer();
    const [, service, method] = call.method.split("/") as [string, string, string];
    replay.add({
      name: service,
      methods: {
        [method]: {
          kind: "stream",
          handle: async (_request, _call, sink) => {
            for (const message of call.responses) await sink.send(message);
          },
        },
      },
    });
    const { port } = await replay.listen("127.0.0.1:0");
    const channel = new Channel(`127.0.0.1:${port}`);
    t.after(async () => {
      channel.close();
      await replay.close(0);
    });
    return new ApiClient(channel);
  };
  const warn =
    <A extends unknown[], R>(ask: (...args: A) => Promise<R>) =>
    (...args: A): Promise<R> => {
      (args[1] as SourceContext).warn("careful");
      return ask(...args);
    };
  const rules = await recorder("rules-all");
  const targets = await recorder("targets-any");
  const metadata = await recorder("metadata-all");
  const exemplars = await recorder("exemplars");
  const status = await recorder("tsdbstats");
  const { channel } = await serve(t, [
    rulesService({ rules: warn((request, inner) => rules.rules(request, inner)) }),
    targetsService({ targets: warn((request, inner) => targets.targets(request, inner)) }),
    metadataService({ metadata: warn((request, inner) => metadata.metadata(request, inner)) }),
    exemplarsService({ exemplars: warn((request, inner) => exemplars.exemplars(request, inner)) }),
    statusService({
      tsdbStatistics: warn((request, inner) => status.tsdbStatistics(request, inner)),
    }),
  ]);
  const api = new ApiClient(channel);
  const warnings: string[] = [];
  const inner = context(warnings);
  const all = {
    partialResponseStrategy: 0,
    type: 0,
    state: 0,
    matcherString: [],
    ruleName: [],
    ruleGroup: [],
    file: [],
  };
  assert.deepEqual(await api.rules(all, inner), await rules.rules(all, context()));
  assert.deepEqual(await api.targets(all, inner), await targets.targets(all, context()));
  const meta = { metric: "", limit: -1, partialResponseStrategy: 0 };
  assert.deepEqual(await api.metadata(meta, inner), await metadata.metadata(meta, context()));
  const query = { query: "{}", start: 0, end: 1, partialResponseStrategy: 0 };
  assert.deepEqual(await api.exemplars(query, inner), await exemplars.exemplars(query, context()));
  const stats = { tenant: "", limit: 3, partialResponseStrategy: 0, matchers: [] };
  assert.deepEqual(
    await api.tsdbStatistics(stats, inner),
    await status.tsdbStatistics(stats, context()),
  );
  assert.deepEqual(
    warnings,
    Array.from({ length: 5 }, () => "careful"),
  );
});

test("a long stream arrives whole", async () => {
  const measured = await measureSeriesStream({ seriesCount: 2000, chunksPerSeries: 5 }, 1);
  assert.equal(measured.series, 2000);
  assert.equal(measured.chunks, 10_000);
});
