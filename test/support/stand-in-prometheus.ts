// A stand-in for a Prometheus server that holds recorded blocks: the routes a sidecar asks for, answered as Prometheus does.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { crc32c, decodeSnappyBlock } from "@deucalion/kernels";
import {
  type ChunkColumns,
  compareLabels,
  compareStrings,
  decodeLabels,
  encodeLabels,
  Labels,
  Matcher,
  SampleColumns,
  type SeriesRequest,
} from "@deucalion/model";
import { parseMetricSelector } from "@deucalion/promql";
import { ProtoReader, ProtoWriter } from "@deucalion/rpc";
import { Block, decodeChunkInto, encodeSamples } from "@deucalion/tsdb";

const types = ["=", "!=", "=~", "!~"] as const;

/** One series and where its chunks are. */
export interface Found {
  readonly labels: Labels;
  readonly chunks: ChunkColumns;
  readonly series: number;
}

const parseOptions = {
  experimentalFunctions: true,
  durationExpressions: true,
  extendedRangeSelectors: true,
  binopFillModifiers: true,
  xFunctions: false,
};

/** Answers an API route with its `data`; undefined where it does not know the route. */
export type ApiAnswers = (path: string, params: URLSearchParams) => unknown;

/** What a stand-in holds besides blocks. */
export interface StandInExtra {
  readonly api?: ApiAnswers;
  /** Series of the head, without external labels. */
  readonly series?: readonly Found[];
  /** What `/metrics` answers. */
  readonly metrics?: string;
}

/** Serves blocks until `close()`. Labels it merges into remote read as its own external labels. */
export class StandInPrometheus {
  readonly #blocks: readonly Block[];
  readonly #external: Labels;
  readonly #extra: StandInExtra;
  readonly #server: Server;

  private constructor(blocks: readonly Block[], external: Labels, extra: StandInExtra) {
    this.#blocks = blocks;
    this.#external = external;
    this.#extra = extra;
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        response.writeHead(500, { "content-type": "application/json" });
        response.end(
          JSON.stringify({ status: "error", errorType: "internal", error: String(error) }),
        );
      });
    });
  }

  static async start(
    dirs: readonly string[],
    external: Labels,
    extra: StandInExtra = {},
  ): Promise<StandInPrometheus> {
    const blocks = await Promise.all(dirs.map((dir) => Block.open(dir)));
    const standIn = new StandInPrometheus(blocks, external, extra);
    await new Promise<void>((resolve) => standIn.#server.listen(0, "127.0.0.1", () => resolve()));
    return standIn;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    for (const block of this.#blocks) await block.close();
  }

  async #find(request: SeriesRequest): Promise<Found[]> {
    const found = (this.#extra.series ?? []).filter(({ labels }) =>
      request.matchers.every((matcher) => matcher.matches(labels.get(matcher.name))),
    );
    const context = { signal: new AbortController().signal, warn: () => undefined };
    for (const block of this.#blocks) {
      for await (const batch of block.series(request, context)) {
        for (let series = 0; series < batch.seriesCount; series++) {
          found.push({ labels: decodeLabels(batch.labels(series)), chunks: batch.chunks!, series });
        }
      }
    }
    return found.sort((a, b) => compareLabels(a.labels, b.labels));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://stand-in");
    const time = (name: string, fallback: number): number =>
      url.searchParams.has(name) ? Math.round(Number(url.searchParams.get(name)) * 1000) : fallback;
    const window = { minTime: time("start", -(2 ** 52)), maxTime: time("end", 2 ** 52) };
    const limit = Number(url.searchParams.get("limit") ?? 0) || Number.POSITIVE_INFINITY;
    const json = (data: unknown, warnings?: readonly string[]): void => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(
        JSON.stringify({
          status: "success",
          data,
          ...(warnings === undefined ? {} : { warnings }),
        }),
      );
    };
    const select = async (): Promise<Found[]> => {
      const selector = url.searchParams.get("match[]");
      const matchers =
        selector === null
          ? [new Matcher("=~", "__name__", ".*")]
          : parseMetricSelector(selector, parseOptions);
      return this.#find({ ...window, matchers, skipChunks: false });
    };
    const cut = (all: readonly unknown[]): void =>
      json(
        all.slice(0, limit),
        all.length > limit ? ["results truncated due to limit"] : undefined,
      );
    const path = url.pathname;
    const data = this.#extra.api?.(path, url.searchParams);
    if (data !== undefined) return json(data);
    if (path === "/api/v1/read") return this.#read(request, response);
    if (path === "/metrics")
      return void response.end(
        this.#extra.metrics ?? "prometheus_tsdb_lowest_timestamp_seconds 1.7041536e+09\n",
      );
    if (path === "/api/v1/status/buildinfo") return json({ version: "3.14.0" });
    if (path === "/api/v1/status/config") {
      const labels = [...this.#external]
        .map(([name, value]) => `    ${name}: ${JSON.stringify(value)}\n`)
        .join("");
      return json({ yaml: `global:\n  external_labels:\n${labels}` });
    }
    if (path === "/api/v1/series")
      return cut((await select()).map(({ labels }) => labels.toJSON()));
    if (path === "/api/v1/labels") {
      return cut(
        [
          ...new Set((await select()).flatMap(({ labels }) => [...labels].map(([name]) => name))),
        ].sort(compareStrings),
      );
    }
    const values = /^\/api\/v1\/label\/(.+)\/values$/.exec(path);
    if (values !== null) {
      const name = decodeURIComponent(values[1]!);
      const all = (await select())
        .map(({ labels }) => labels.get(name))
        .filter((value) => value !== "");
      return cut([...new Set(all)].sort(compareStrings));
    }
    response.writeHead(404).end("404 page not found");
  }

  async #read(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const query = decodeQuery(decodeSnappyBlock(Buffer.concat(parts), 1 << 20));
    response.writeHead(200, {
      "content-type": "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse",
    });
    for (const { labels, chunks, series } of await this.#find(query)) {
      const sent = encodeLabels(Labels.from([...this.#external, ...labels]));
      response.write(frame(sent.data.subarray(sent.start, sent.end), chunks, series, query));
    }
    response.end();
  }
}

function decodeQuery(data: Uint8Array): SeriesRequest {
  const matchers: Matcher[] = [];
  let minTime = 0;
  let maxTime = 0;
  const request = new ProtoReader(data);
  while (request.next()) {
    if (request.field !== 1) {
      request.skip();
      continue;
    }
    const query = request.message();
    while (query.next()) {
      if (query.field === 1) minTime = query.int();
      else if (query.field === 2) maxTime = query.int();
      else if (query.field === 3) {
        const one = query.message();
        let type = 0;
        let name = "";
        let value = "";
        while (one.next()) {
          if (one.field === 1) type = one.int();
          else if (one.field === 2) name = one.string();
          else value = one.string();
        }
        matchers.push(new Matcher(types[type]!, name, value));
      } else query.skip();
    }
  }
  return { minTime, maxTime, matchers };
}

function putBytes(writer: ProtoWriter, field: number, bytes: Uint8Array): void {
  writer.tag(field, 2);
  writer.uvarint(bytes.length);
  writer.ensure(bytes.length);
  writer.data.set(bytes, writer.length);
  writer.length += bytes.length;
}

interface WireChunk {
  readonly minTime: number;
  readonly maxTime: number;
  readonly encoding: number;
  readonly data: Uint8Array;
}

/** A chunk as remote read sends it: encoded anew from the samples within the window if it reaches beyond. */
function trimmed(chunks: ChunkColumns, row: number, window: SeriesRequest): readonly WireChunk[] {
  const buffer = chunks.buffers[chunks.buffer[row]!]!;
  const offset = chunks.offset[row]!;
  const length = chunks.length[row]!;
  const encoding = chunks.encoding[row]!;
  const minTime = chunks.minTime[row]!;
  const maxTime = chunks.maxTime[row]!;
  if (minTime >= window.minTime && maxTime <= window.maxTime) {
    return [{ minTime, maxTime, encoding, data: buffer.subarray(offset, offset + length) }];
  }
  const samples = new SampleColumns();
  decodeChunkInto(encoding, buffer, offset, length, samples);
  let from = 0;
  let to = samples.count;
  while (from < to && samples.times[from]! < window.minTime) from++;
  while (to > from && samples.times[to - 1]! > window.maxTime) to--;
  return encodeSamples(samples, from, to);
}

function frame(
  labels: Uint8Array,
  chunks: ChunkColumns,
  series: number,
  window: SeriesRequest,
): Uint8Array {
  const body = new ProtoWriter();
  for (let row = chunks.first[series]!; row < chunks.first[series + 1]!; row++) {
    for (const part of trimmed(chunks, row, window)) {
      const chunk = new ProtoWriter();
      chunk.tag(1, 0);
      chunk.svarint(part.minTime);
      chunk.tag(2, 0);
      chunk.svarint(part.maxTime);
      chunk.tag(3, 0);
      chunk.uvarint(part.encoding);
      putBytes(chunk, 4, part.data);
      putBytes(body, 2, chunk.view());
    }
  }
  const message = new ProtoWriter();
  putBytes(message, 1, Buffer.concat([labels, body.view()]));
  const payload = message.view();
  const head = new ProtoWriter();
  head.uvarint(payload.length);
  const out = Buffer.alloc(head.length + 4 + payload.length);
  out.set(head.view(), 0);
  out.writeUInt32BE(crc32c(payload, 0, payload.length), head.length);
  out.set(payload, head.length + 4);
  return out;
}
