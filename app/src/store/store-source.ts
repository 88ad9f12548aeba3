// A bucket's source as the StoreAPI serves it: a bounded number of calls at once, errors with Thanos' status codes.
import { BlocksError, type BlocksErrorCode } from "@deucalion/blocks";
import type {
  LabelRequest,
  SeriesBatch,
  SeriesRequest,
  SeriesSource,
  SourceContext,
  SourceInfo,
} from "@deucalion/model";
import { errorOfStatus, type GrpcStatus, Status } from "@deucalion/rpc";
import type { StoreMetrics } from "./store-metrics.ts";

/** Lets calls in; gives back how to leave. */
export interface CallGate {
  enter(signal: AbortSignal): Promise<() => void>;
}

/** Errors of a Series call and their status; those of the compactor do not come here and would be internal. */
const seriesStatus: Partial<Record<BlocksErrorCode, GrpcStatus>> = {
  BLOCKS_META: Status.aborted,
  BLOCKS_META_VERSION: Status.aborted,
  BLOCKS_MARK: Status.aborted,
  BLOCKS_LIST: Status.aborted,
  BLOCKS_INDEX: Status.aborted,
  BLOCKS_SERVE: Status.aborted,
  BLOCKS_LIMIT_SERIES: Status.resourceExhausted,
  BLOCKS_LIMIT_SAMPLES: Status.resourceExhausted,
  BLOCKS_LIMIT_BYTES: Status.resourceExhausted,
  BLOCKS_LIMIT_MEMORY: Status.resourceExhausted,
};

const refusals = {
  BLOCKS_LIMIT_SERIES: "series",
  BLOCKS_LIMIT_SAMPLES: "chunks",
  BLOCKS_LIMIT_BYTES: "bytes",
  BLOCKS_LIMIT_MEMORY: "memory",
} as const;

export interface StoreSourceDeps {
  readonly gate: CallGate;
  readonly metrics: StoreMetrics;
}

/** Wraps `source`. */
export class StoreSource implements SeriesSource {
  readonly #source: SeriesSource;
  readonly #deps: StoreSourceDeps;

  constructor(source: SeriesSource, deps: StoreSourceDeps) {
    this.#source = source;
    this.#deps = deps;
  }

  /** The error that the caller is told. */
  #told(error: unknown, labels: boolean): unknown {
    if (!(error instanceof BlocksError)) return error;
    const refused = refusals[error.code as keyof typeof refusals];
    if (refused !== undefined) this.#deps.metrics.refused(refused);
    const status = seriesStatus[error.code] ?? Status.internal;
    const internal = labels && status === Status.aborted;
    return errorOfStatus(internal ? Status.internal : status, error.message);
  }

  async *series(request: SeriesRequest, context: SourceContext): AsyncIterable<SeriesBatch> {
    const leave = await this.#deps.gate.enter(context.signal);
    try {
      yield* this.#source.series(request, context);
    } catch (error) {
      throw this.#told(error, false);
    } finally {
      leave();
    }
  }

  async labelNames(request: LabelRequest, context: SourceContext): Promise<string[]> {
    try {
      return await this.#source.labelNames(request, context);
    } catch (error) {
      throw this.#told(error, true);
    }
  }

  async labelValues(
    name: string,
    request: LabelRequest,
    context: SourceContext,
  ): Promise<string[]> {
    try {
      return await this.#source.labelValues(name, request, context);
    } catch (error) {
      throw this.#told(error, true);
    }
  }

  info(): SourceInfo {
    return this.#source.info();
  }
}
