// A Prometheus server as a source of series: chunks by remote read, names and values by its HTTP API.
import { decodeSnappyBlock, SnappyEncoder, type Xxhash64 } from "@deucalion/kernels";
import {
  Aggregate,
  type ChunkColumns,
  type ChunkDecoder,
  ChunkColumns as Columns,
  compareStrings,
  EncodedBatch,
  type LabelBytes,
  type LabelRequest,
  type Labels,
  type Matcher,
  type SeriesBatch,
  type SeriesRequest,
  type SeriesSource,
  type SourceContext,
  type SourceInfo,
} from "@deucalion/model";
import { ShardMatcher, StoreApiError } from "@deucalion/storeapi";
import { chunkedFrames } from "./chunked-frames.ts";
import { LabelCompleter } from "./complete-labels.ts";
import { encodeSeries } from "./encode-series.ts";
import { PrometheusError } from "./errors.ts";
import { readBody } from "./http-client.ts";
import { PrometheusClient, selectorText } from "./prometheus-client.ts";
import {
  decodeChunkedFrame,
  decodeSampledResponse,
  encodeReadRequest,
  type ReadSeries,
} from "./remote-read-messages.ts";
import { ReorderSeries } from "./reorder-series.ts";

/** What is known of the server at the moment; replaced as a whole when it is refreshed. */
export interface PrometheusState {
  readonly externalLabels: Labels;
  /** Milliseconds; −Infinity where unknown. */
  readonly minTime: number;
  /** Some stored series have labels of their own that are named like external labels. */
  readonly overridden: boolean;
}

export interface PrometheusSourceDeps {
  readonly client: PrometheusClient;
  readonly state: () => PrometheusState;
  readonly decode: ChunkDecoder;
  readonly hash: Xxhash64;
  /** Counts the frames of one streamed answer. */
  readonly onFrames?: (frames: number) => void;
}

/** Series and bytes after which a batch is passed on. */
const batchSeriesMax = 256;
const batchBytesMax = 1 << 20;

/** Largest answer of the sampled kind. */
const sampledBytesMax = 1 << 30;

/** Splits matchers by external labels: null where one does not match, else those that Prometheus must answer. */
export function matchersWithin(external: Labels, matchers: readonly Matcher[]): Matcher[] | null {
  const rest: Matcher[] = [];
  for (const matcher of matchers) {
    const value = external.get(matcher.name);
    if (value === "") rest.push(matcher);
    else if (!matcher.matches(value)) return null;
  }
  return rest;
}

export class PrometheusSource implements SeriesSource {
  readonly #deps: PrometheusSourceDeps;

  constructor(deps: PrometheusSourceDeps) {
    this.#deps = deps;
  }

  info(): SourceInfo {
    const { externalLabels, minTime } = this.#deps.state();
    return {
      labelSets: externalLabels.size === 0 ? [] : [externalLabels],
      minTime,
      maxTime: 2 ** 63,
    };
  }

  async *series(request: SeriesRequest, context: SourceContext): AsyncGenerator<SeriesBatch> {
    const state = this.#deps.state();
    const matchers = matchersWithin(state.externalLabels, request.matchers);
    if (matchers === null) return;
    if (matchers.length === 0) {
      throw new StoreApiError(
        "STOREAPI_INVALID",
        "no matchers specified (excluding external labels)",
      );
    }
    const minTime = Math.max(request.minTime, state.minTime);
    if (minTime > request.maxTime) return;
    const without = request.withoutReplicaLabels ?? [];
    if (request.skipChunks === true) {
      yield* this.#labelsOnly({ ...request, minTime, matchers }, without, context);
      return;
    }
    const completer = new LabelCompleter(
      state.externalLabels,
      without,
      state.overridden || without.some((name) => !state.externalLabels.has(name)),
    );
    const out = new BatchQueue(this.#deps.decode, request.limit ?? 0);
    const shard =
      request.shard === undefined ? null : new ShardMatcher(request.shard, this.#deps.hash);
    const order = new ReorderSeries<ChunkColumns>((labels, chunks) => out.add(labels, chunks));
    for await (const series of this.#read(minTime, request.maxTime, matchers, context.signal)) {
      const { labels, bound } = completer.complete(series.labels);
      if (shard?.matches(labels) !== false) order.push(labels, bound, series.chunks);
      if (out.ready) yield out.take();
      if (out.full) return;
    }
    order.flush();
    if (out.count > 0) yield out.take();
  }

  /** The series of an answer, in the order of Prometheus. */
  async *#read(
    minTime: number,
    maxTime: number,
    matchers: readonly Matcher[],
    signal: AbortSignal,
  ): AsyncGenerator<ReadSeries> {
    const body = new SnappyEncoder().encode(encodeReadRequest(minTime, maxTime, matchers));
    const response = await this.#deps.client.remoteRead(body, signal);
    try {
      const type = response.headers["content-type"] ?? "";
      if (type.startsWith("application/x-protobuf")) {
        const packed = await readBody(response, sampledBytesMax);
        yield* decodeSampledResponse(decodeSnappyBlock(packed, sampledBytesMax));
        return;
      }
      if (
        !type.startsWith("application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse")
      ) {
        throw new PrometheusError(
          "PROMETHEUS_ANSWER",
          `not supported remote read content type: ${type}`,
          { type },
        );
      }
      let frames = 0;
      for await (const frame of chunkedFrames(response)) {
        frames++;
        yield* decodeChunkedFrame(frame);
      }
      this.#deps.onFrames?.(frames);
    } finally {
      response.destroy();
    }
  }

  async *#labelsOnly(
    request: SeriesRequest,
    without: readonly string[],
    context: SourceContext,
  ): AsyncGenerator<SeriesBatch> {
    const found = await this.#seriesApi(request, context, request.limit ?? 0);
    const external = this.#deps.state().externalLabels.drop(new Set(without));
    const out = new BatchQueue(this.#deps.decode, 0);
    const none = new Columns();
    for (const labels of encodeSeries(found, external)) {
      out.add(labels, none);
      if (out.ready) yield out.take();
    }
    if (out.count > 0) yield out.take();
  }

  async #seriesApi(
    request: Pick<SeriesRequest, "matchers" | "minTime" | "maxTime">,
    context: SourceContext,
    limit: number,
  ): Promise<Record<string, string>[]> {
    const { data, warnings } = await this.#deps.client.api(
      "/api/v1/series",
      [
        ["match[]", selectorText(request.matchers)],
        ...PrometheusClient.window(request.minTime, request.maxTime),
        ...limitParam(limit),
      ],
      context.signal,
    );
    warnUnlessTruncated(warnings, context);
    return Array.isArray(data) ? (data as Record<string, string>[]) : [];
  }

  async #strings(
    path: string,
    request: LabelRequest,
    matchers: readonly Matcher[],
    context: SourceContext,
  ): Promise<string[]> {
    const { data, warnings } = await this.#deps.client.api(
      path,
      [
        ...(matchers.length === 0 ? [] : [["match[]", selectorText(matchers)] as const]),
        ...PrometheusClient.window(request.minTime, request.maxTime),
        ...limitParam(request.limit ?? 0),
      ],
      context.signal,
    );
    warnUnlessTruncated(warnings, context);
    return Array.isArray(data) ? data.map(String) : [];
  }

  async labelNames(request: LabelRequest, context: SourceContext): Promise<string[]> {
    const external = this.#deps.state().externalLabels;
    const matchers = matchersWithin(external, request.matchers);
    if (matchers === null) return [];
    const names = new Set(await this.#strings("/api/v1/labels", request, matchers, context));
    if (names.size === 0) return [];
    const without = new Set(request.withoutReplicaLabels ?? []);
    for (const [name] of external) if (!without.has(name)) names.add(name);
    return [...names].sort(compareStrings);
  }

  async labelValues(
    name: string,
    request: LabelRequest,
    context: SourceContext,
  ): Promise<string[]> {
    if (name === "")
      throw new StoreApiError("STOREAPI_INVALID", "label name parameter cannot be empty");
    if (request.withoutReplicaLabels?.includes(name) === true) return [];
    const external = this.#deps.state().externalLabels;
    const matchers = matchersWithin(external, request.matchers);
    if (matchers === null) return [];
    const value = external.get(name);
    if (value !== "") {
      if (matchers.length === 0) return [value];
      const some = await this.#seriesApi({ ...request, matchers }, context, 1);
      return some.length > 0 ? [value] : [];
    }
    const path = `/api/v1/label/${encodeURIComponent(escapeName(name))}/values`;
    return (await this.#strings(path, request, matchers, context)).sort(compareStrings);
  }
}

/** Label names beyond the classic letters are escaped in paths: `U__`, and `_hex_` for what is not a letter or digit. */
function escapeName(name: string): string {
  if (/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)) return name;
  let escaped = "U__";
  for (const character of name) {
    if (character === "_") escaped += "__";
    else if (/[a-zA-Z0-9]/.test(character)) escaped += character;
    else escaped += `_${character.codePointAt(0)!.toString(16)}_`;
  }
  return escaped;
}

/** That a limit cut the answer is no news to who set it. */
function warnUnlessTruncated(warnings: readonly string[], context: SourceContext): void {
  for (const warning of warnings)
    if (warning !== "results truncated due to limit") context.warn(warning);
}

function limitParam(limit: number): [string, string][] {
  return limit > 0 ? [["limit", String(limit)]] : [];
}

/** Collects series into batches. */
class BatchQueue {
  readonly #decode: ChunkDecoder;
  #columns = new Columns();
  #bytes = 0;
  #left: number;

  constructor(decode: ChunkDecoder, limit: number) {
    this.#decode = decode;
    this.#left = limit > 0 ? limit : Number.POSITIVE_INFINITY;
  }

  get count(): number {
    return this.#columns.seriesCount;
  }
  get ready(): boolean {
    return (
      this.count >= batchSeriesMax || this.#bytes >= batchBytesMax || (this.full && this.count > 0)
    );
  }
  /** The limit of series is reached. */
  get full(): boolean {
    return this.#left <= 0;
  }

  add(labels: LabelBytes, chunks: ChunkColumns): void {
    if (this.#left-- <= 0) return;
    const columns = this.#columns;
    const last = columns.seriesCount === 0 ? -1 : columns.labelBuffer[columns.seriesCount - 1]!;
    // Labels of neighbours mostly share their buffer.
    const number = columns.buffers[last] === labels.data ? last : columns.addBuffer(labels.data);
    columns.addSeries(number, labels.start, labels.end);
    const buffers = chunks.buffers.map((data) => columns.addBuffer(data));
    for (let i = 0; i < chunks.chunkCount; i++) {
      columns.addChunk(
        chunks.minTime[i]!,
        chunks.maxTime[i]!,
        chunks.encoding[i]!,
        Aggregate.raw,
        buffers[chunks.buffer[i]!]!,
        chunks.offset[i]!,
        chunks.length[i]!,
      );
      this.#bytes += chunks.length[i]!;
    }
  }

  take(): SeriesBatch {
    const batch = new EncodedBatch(this.#columns, this.#decode);
    this.#columns = new Columns();
    this.#bytes = 0;
    return batch;
  }
}
