// Every recorded message of real servers decodes to what was recorded, and survives being written again.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { loadXxhash64 } from "@deucalion/kernels";
import { type MessageType, protoText, RpcError } from "@deucalion/rpc";
import { recordedCalls } from "../testing/recorded-calls.ts";
import { protoFiles } from "./proto-files.ts";
import { SeriesDecoder } from "./series-decoder.ts";
import { SeriesEncoder } from "./series-encoder.ts";
import { SeriesResponseMessage } from "./store-messages.ts";

const types = new Map<string, { request: MessageType<unknown>; response: MessageType<unknown> }>();
for (const file of protoFiles) {
  for (const service of file.services) {
    for (const rpc of service.rpcs) types.set(`/${service.name}/${rpc.name}`, rpc);
  }
}

/** JSON without what Go leaves out or writes differently: empty values, and names of oneofs. */
function normal(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(normal);
    return items.length === 0 ? undefined : items;
  }
  if (typeof value !== "object" || value === null) {
    return value === null || value === 0 || value === "" || value === false ? undefined : value;
  }
  const out: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    const inner = normal(item);
    if (key === "Result" || key === "Count" || key === "ZeroCount") Object.assign(out, inner);
    else if (inner !== undefined) out[key] = inner;
  }
  return Object.keys(out).length === 0 ? undefined : out;
}

/** Series in the recording's own form: labels as pairs, `min` and `max` for times, `min_aggr` and `max_aggr` for aggregates. */
function recordedSeries(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(recordedSeries);
  if (typeof json !== "object" || json === null) return json;
  const entries = Object.entries(json as Record<string, unknown>).map(([key, value]) => {
    if (key === "labels" && Array.isArray(value)) {
      return [key, (value as { name: string; value: string }[]).map((l) => [l.name, l.value])];
    }
    if (key === "batch") return [key, recordedSeries((value as { series: unknown }).series)];
    if (key === "min_time") return ["min", value];
    if (key === "max_time") return ["max", value];
    const aggregate = key === "min" || key === "max";
    return [aggregate ? `${key}_aggr` : key, recordedSeries(value)];
  });
  return Object.fromEntries(entries) as unknown;
}

const calls = recordedCalls();

test("recorded calls are there to check against", () => assert.ok(calls.length > 80));

for (const call of calls) {
  test(`${call.folder}/${call.name} decodes as recorded and round-trips`, () => {
    const { request, response } = types.get(call.method)!;
    const asked = request.decode(call.request);
    assert.deepEqual(request.decode(request.encode(asked)), asked);
    const messages = call.responses.map((data) => response.decode(data));
    const again = messages.map((message) => response.decode(response.encode(message)));
    assert.deepEqual(again, messages);
    const isSeries = call.method === "/thanos.Store/Series";
    const json = messages.map((message) => response.toJson(message));
    if (!isSeries) assert.deepEqual(normal(json), normal(call.decoded));
    else assert.deepEqual(normal(recordedSeries(json)), normal(call.decoded));
  });
}

test("the Series codec writes the recorded bytes again, hashes and all", async () => {
  const hash = await loadXxhash64();
  let compared = 0;
  for (const call of calls) {
    if (call.method !== "/thanos.Store/Series" || call.responses.length === 0) continue;
    const batchSize = Number(/batch(\d+)$/.exec(call.name)?.[1] ?? 0);
    const decoder = new SeriesDecoder();
    for (const message of call.responses) decoder.decode(message);
    const out: Uint8Array[] = [];
    const encoder = new SeriesEncoder({ batchSize, skipChunks: false, hash }, (message) => {
      out.push(message.slice());
      return undefined;
    });
    const columns = decoder.take();
    for (let i = 0; i < columns.seriesCount; i++) void encoder.add(columns, i);
    void encoder.flush();
    const want = call.responses.map((data) => SeriesResponseMessage.decode(data));
    const got = out.map((data) => SeriesResponseMessage.decode(data));
    if (want.some((message) => message.hints !== undefined)) continue;
    assert.deepEqual(got, want, `${call.folder}/${call.name}`);
    assert.deepEqual(
      out,
      call.responses.map((data) => Uint8Array.from(data)),
      `${call.folder}/${call.name}`,
    );
    compared++;
  }
  assert.ok(compared > 30);
});

test("damaged Series messages end in a coded error and nothing else", () => {
  let seed = 12345;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed % below;
  };
  const messages = calls
    .filter((call) => call.method === "/thanos.Store/Series")
    .flatMap((call) => call.responses.slice(0, 3));
  for (let i = 0; i < 10_000; i++) {
    const message = messages[random(messages.length)]!.slice(0, 4096);
    for (let k = random(8); k >= 0; k--) message[random(message.length)] = random(256);
    const decoder = new SeriesDecoder();
    try {
      decoder.decode(message.subarray(0, 1 + random(message.length)));
    } catch (error) {
      assert.ok(error instanceof RpcError, String(error));
    }
  }
});

test("damaged cold messages end in a coded error and nothing else", () => {
  let seed = 4321;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed % below;
  };
  const samples = calls.flatMap((call) => {
    const { request, response } = types.get(call.method)!;
    return [
      { type: request, data: call.request },
      ...call.responses.slice(0, 2).map((data) => ({ type: response, data })),
    ];
  });
  for (let i = 0; i < 10_000; i++) {
    const { type, data } = samples[random(samples.length)]!;
    if (data.length === 0) continue;
    const message = data.slice(0, 4096);
    for (let k = random(4); k >= 0; k--) message[random(message.length)] = random(256);
    try {
      type.decode(message);
    } catch (error) {
      assert.ok(error instanceof RpcError, String(error));
    }
  }
});

test("the committed .proto files are those of the tables", () => {
  const root = fileURLToPath(new URL("../../../proto/", import.meta.url));
  for (const file of protoFiles) {
    const path = join(root, file.path);
    if (process.env.UPDATE_PROTO === "1") {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, protoText(file));
    }
    assert.ok(existsSync(path), `${file.path} is missing`);
    assert.equal(readFileSync(path, "utf8"), protoText(file));
  }
});
