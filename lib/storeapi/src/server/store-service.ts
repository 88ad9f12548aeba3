// Any source of series as the gRPC service thanos.Store.
import type { BytePool, Xxhash64 } from "@deucalion/kernels";
import type { LabelRequest, SeriesRequest, SeriesSource, SourceContext } from "@deucalion/model";
import {
  type MessageSink,
  type ServerCall,
  type Service,
  serverStream,
  unary,
} from "@deucalion/rpc";
import { tenantKey } from "../client/store-client.ts";
import { StoreApiError, toRpcError } from "../errors.ts";
import {
  LabelNamesResponseHintsMessage,
  LabelValuesResponseHintsMessage,
  packAny,
} from "../messages/hints.ts";
import { withList } from "../messages/list-field.ts";
import { SeriesEncoder } from "../messages/series-encoder.ts";
import {
  LabelNamesRequestMessage,
  LabelNamesResponseMessage,
  LabelValuesRequestMessage,
  LabelValuesResponseMessage,
  SeriesRequestMessage,
} from "../messages/store-messages.ts";
import { labelRequestFromWire, seriesRequestFromWire } from "../messages/store-requests.ts";

export interface StoreServiceOptions {
  /** Series and samples (counted as 120 a chunk) that one answer may hold; 0 is no limit. */
  readonly seriesMax: number;
  readonly samplesMax: number;
  /** Names the blocks looked into with label names and values, none too, as a store gateway does. */
  readonly blockHints: boolean;
}

export const storeServiceDefaults: StoreServiceOptions = {
  seriesMax: 0,
  samplesMax: 0,
  blockHints: false,
};

export interface StoreServiceDeps {
  readonly source: SeriesSource;
  /** Hashes chunks for the far side, as Thanos' stores do; null leaves it to the far side. */
  readonly hash: Xxhash64 | null;
  /** Where the source's chunks lie. */
  readonly pool?: BytePool | undefined;
}

/** The tenant that a call names in its metadata. */
export function tenantOf(call: ServerCall): string | undefined {
  const value = call.metadata[tenantKey];
  return Array.isArray(value) ? value[0] : value;
}

/** Context of a source for a call. */
export function contextOf(
  call: ServerCall,
  warn: (message: string) => void,
  queriedBlock?: (ulid: string) => void,
): SourceContext {
  const tenant = tenantOf(call);
  return {
    signal: call.signal,
    warn,
    ...(tenant === undefined ? {} : { tenant }),
    ...(queriedBlock === undefined ? {} : { queriedBlock }),
  };
}

/** Serves Series, LabelNames and LabelValues. */
export function storeService(
  deps: StoreServiceDeps,
  options: Partial<StoreServiceOptions> = {},
): Service {
  const settings = { ...storeServiceDefaults, ...options };
  return {
    name: "thanos.Store",
    methods: {
      Series: serverStream(async (data, call, sink) => {
        try {
          await serveSeries(data, call, sink, deps, settings);
        } catch (error) {
          throw toRpcError(error);
        }
      }),
      LabelNames: unary(async (data, call) => {
        const wire = LabelNamesRequestMessage.decode(data);
        const { found, ...rest } = await labels(wire, call, (request, context) =>
          deps.source.labelNames(request, context),
        );
        const hints = packAny(LabelNamesResponseHintsMessage, { queriedBlocks: rest.blocks });
        return withList(
          found,
          LabelNamesResponseMessage.encode({
            names: [],
            warnings: rest.warnings,
            ...(settings.blockHints ? { hints } : {}),
          }),
        );
      }),
      LabelValues: unary(async (data, call) => {
        const wire = LabelValuesRequestMessage.decode(data);
        if (wire.label === "") {
          throw toRpcError(
            new StoreApiError("STOREAPI_INVALID", "label name parameter cannot be empty"),
          );
        }
        const { found, ...rest } = await labels(wire, call, (request, context) =>
          deps.source.labelValues(wire.label, request, context),
        );
        const hints = packAny(LabelValuesResponseHintsMessage, { queriedBlocks: rest.blocks });
        return withList(
          found,
          LabelValuesResponseMessage.encode({
            values: [],
            warnings: rest.warnings,
            ...(settings.blockHints ? { hints } : {}),
          }),
        );
      }),
    },
  };
}

async function labels(
  wire: Parameters<typeof labelRequestFromWire>[0],
  call: ServerCall,
  ask: (request: LabelRequest, context: SourceContext) => Promise<string[]>,
): Promise<{ found: string[]; warnings: string[]; blocks: { id: string }[] }> {
  const warnings: string[] = [];
  const blocks: { id: string }[] = [];
  const context = contextOf(
    call,
    (warning) => warnings.push(warning),
    (id) => blocks.push({ id }),
  );
  try {
    const request = labelRequestFromWire(wire);
    const all = await ask(request, context);
    const limit = request.limit ?? 0;
    return { found: limit > 0 ? all.slice(0, limit) : all, warnings, blocks };
  } catch (error) {
    throw toRpcError(error);
  }
}

async function serveSeries(
  data: Uint8Array,
  call: ServerCall,
  sink: MessageSink,
  deps: StoreServiceDeps,
  options: StoreServiceOptions,
): Promise<void> {
  const wire = SeriesRequestMessage.decode(data);
  const request = seriesRequestFromWire(wire);
  const encoder = new SeriesEncoder(
    {
      batchSize: wire.responseBatchSize,
      skipChunks: wire.skipChunks,
      hash: deps.hash,
      pool: deps.pool,
    },
    (message) => sink.send(message),
  );
  try {
    await sendSeries(deps.source, request, wire.limit, encoder, call, options);
  } finally {
    encoder.close();
  }
}

async function sendSeries(
  source: SeriesSource,
  request: SeriesRequest,
  limit: number,
  encoder: SeriesEncoder,
  call: ServerCall,
  options: StoreServiceOptions,
): Promise<void> {
  const warnings: string[] = [];
  const context = contextOf(call, (warning) => warnings.push(warning));
  let left = limit > 0 ? limit : Number.POSITIVE_INFINITY;
  let series = 0;
  let chunks = 0;
  for await (const batch of source.series(request, context)) {
    for (const warning of warnings.splice(0)) await encoder.warning(warning);
    const columns = batch.chunks;
    if (columns === null) {
      throw new StoreApiError("STOREAPI_INVALID", "this source has no encoded chunks to send");
    }
    for (let i = 0; i < columns.seriesCount && left > 0; i++, left--) {
      chunks += columns.first[i + 1]! - columns.first[i]!;
      checkLimits(++series, chunks, options);
      const slow = encoder.add(columns, i);
      if (slow !== undefined) await slow;
    }
    if (left === 0) break;
    // All of it is in messages now.
    batch.release?.();
  }
  for (const warning of warnings) await encoder.warning(warning);
  await encoder.flush();
}

function checkLimits(series: number, chunks: number, options: StoreServiceOptions): void {
  if (options.seriesMax > 0 && series > options.seriesMax) {
    const text = `failed to send series: limit ${options.seriesMax} violated (got ${series})`;
    throw new StoreApiError("STOREAPI_LIMIT", text);
  }
  if (options.samplesMax > 0 && chunks * 120 > options.samplesMax) {
    const text = `failed to send samples: limit ${options.samplesMax} violated (got ${chunks * 120})`;
    throw new StoreApiError("STOREAPI_LIMIT", text);
  }
}
