// A remote StoreAPI as a source of series.
import {
  type ChunkDecoder,
  EncodedBatch,
  type LabelRequest,
  type SeriesBatch,
  type SeriesRequest,
  type SeriesSource,
  type SourceContext,
  type SourceInfo,
} from "@deucalion/model";
import type { Caller, CallOptions, ServerStream } from "@deucalion/rpc";
import { type ListAndRest, splitList } from "../messages/list-field.ts";
import { SeriesDecoder } from "../messages/series-decoder.ts";
import {
  LabelNamesRequestMessage,
  LabelNamesResponseMessage,
  LabelValuesRequestMessage,
  LabelValuesResponseMessage,
  SeriesRequestMessage,
} from "../messages/store-messages.ts";
import {
  labelNamesRequestToWire,
  labelValuesRequestToWire,
  preferredBatchSize,
  seriesRequestToWire,
} from "../messages/store-requests.ts";

/** Metadata key that carries the tenant. */
export const tenantKey = "thanos-tenant";

export interface StoreClientDeps {
  readonly caller: Caller;
  readonly decode: ChunkDecoder;
  /** What the endpoint last announced. */
  readonly info: () => SourceInfo;
}

/** Series are handed on at this number, or when nothing more has arrived. */
const batchSeriesMax = 1024;

/** Streams series of one endpoint. Batches are views of the messages as they came. */
export class StoreClient implements SeriesSource {
  readonly #deps: StoreClientDeps;

  constructor(deps: StoreClientDeps) {
    this.#deps = deps;
  }

  info(): SourceInfo {
    return this.#deps.info();
  }

  #callOptions(context: SourceContext): CallOptions {
    return {
      signal: context.signal,
      ...(context.tenant === undefined ? {} : { metadata: { [tenantKey]: context.tenant } }),
    };
  }

  async *series(request: SeriesRequest, context: SourceContext): AsyncGenerator<SeriesBatch> {
    const wire = SeriesRequestMessage.encode(seriesRequestToWire(request, preferredBatchSize));
    const stream = this.#deps.caller.stream(
      "/thanos.Store/Series",
      wire,
      this.#callOptions(context),
    );
    yield* decodeSeriesStream(stream, this.#deps.decode, context);
  }

  async labelNames(request: LabelRequest, context: SourceContext): Promise<string[]> {
    const wire = LabelNamesRequestMessage.encode(labelNamesRequestToWire(request));
    const { list, rest } = await this.#list("/thanos.Store/LabelNames", wire, context);
    const { names, warnings } = LabelNamesResponseMessage.decode(rest);
    for (const warning of warnings) context.warn(warning);
    return names.length === 0 ? list : list.concat(names);
  }

  async labelValues(
    name: string,
    request: LabelRequest,
    context: SourceContext,
  ): Promise<string[]> {
    const wire = LabelValuesRequestMessage.encode(labelValuesRequestToWire(name, request));
    const { list, rest } = await this.#list("/thanos.Store/LabelValues", wire, context);
    const { values, warnings } = LabelValuesResponseMessage.decode(rest);
    for (const warning of warnings) context.warn(warning);
    return values.length === 0 ? list : list.concat(values);
  }

  async #list(path: string, wire: Uint8Array, context: SourceContext): Promise<ListAndRest> {
    return splitList(await this.#deps.caller.unary(path, wire, this.#callOptions(context)));
  }
}

/** Batches out of a Series stream; leaving early cancels the call. */
export async function* decodeSeriesStream(
  stream: ServerStream,
  decode: ChunkDecoder,
  context: SourceContext,
): AsyncGenerator<SeriesBatch> {
  const decoder = new SeriesDecoder();
  try {
    for (let some = await stream.read(); some !== null; some = await stream.read()) {
      for (const message of some) {
        decoder.decode(message);
        if (decoder.seriesCount >= batchSeriesMax || decoder.full) {
          yield new EncodedBatch(decoder.take(), decode);
        }
      }
      for (const warning of decoder.warnings) context.warn(warning);
      decoder.warnings = [];
      decoder.hints = [];
      if (decoder.seriesCount > 0) yield new EncodedBatch(decoder.take(), decode);
    }
  } finally {
    stream.cancel();
  }
}
