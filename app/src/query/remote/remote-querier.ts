// One other querier as an engine: what it has, and how it is asked.
import { messageOf } from "@deucalion/base";
import type { Labels, SourceContext } from "@deucalion/model";
import {
  type MatrixSeries,
  PromqlError,
  type RemoteEngine,
  type RemoteRequest,
} from "@deucalion/promql";
import { goErrorText, RpcError, Status, statusOf } from "@deucalion/rpc";
import { QueryClient, type QueryEndpoint } from "@deucalion/storeapi";

/** How a query wants its parts evaluated. */
export interface RemoteQueryOptions {
  readonly dedup: boolean;
  readonly replicaLabels: readonly string[];
  readonly partialResponse: boolean;
  readonly maxSourceResolutionMs: number;
  /** Whole seconds. */
  readonly lookbackMs: number;
  /** 0 is the far side's own. */
  readonly timeoutMs: number;
}

export interface PartitionOptions {
  readonly partitionLabels: readonly string[];
  readonly overlapping: boolean;
}

const batchSeries = 64;

/** Label sets without replica labels, and what they are cut down to. */
function setsOf(
  infos: QueryEndpoint["tsdbInfos"],
  replicaLabels: ReadonlySet<string>,
  partitionLabels: readonly string[],
): { labels: Labels; partition: Labels; minTime: number }[] {
  return infos.map(({ labels: all, minTime }) => {
    const labels = all.drop(replicaLabels);
    const names = [...labels].map(([name]) => name);
    const others = names.filter((name) => !partitionLabels.includes(name));
    const partition = partitionLabels.length === 0 ? labels : labels.drop(new Set(others));
    return { labels, partition, minTime };
  });
}

/**
 * The time from which on every TSDB of a partition has data: a replica that has already dropped old blocks must not
 * stand for one that has not. With `overlapping` the time from which on one has.
 */
function trustedFrom(sets: ReturnType<typeof setsOf>, overlapping: boolean): number {
  const from = new Map<string, number>();
  for (const { partition, minTime } of sets) {
    const known = from.get(partition.key);
    if (known === undefined) from.set(partition.key, minTime);
    else from.set(partition.key, overlapping ? Math.min(known, minTime) : Math.max(known, minTime));
  }
  return Math.min(...from.values());
}

function distinct(sets: readonly Labels[]): Labels[] {
  return [...new Map(sets.map((set) => [set.key, set])).values()];
}

export class RemoteQuerier implements RemoteEngine {
  readonly name: string;
  readonly minTime: number;
  readonly maxTime: number;
  readonly labelSets: readonly Labels[];
  readonly partitionSets: readonly Labels[];
  readonly #client: QueryClient;
  readonly #options: RemoteQueryOptions;

  constructor(endpoint: QueryEndpoint, options: RemoteQueryOptions, partitions: PartitionOptions) {
    const { address, caller, tsdbInfos } = endpoint;
    this.name = address;
    this.#client = new QueryClient(address, caller);
    this.#options = options;
    // Without de-duplication replicas are data of their own.
    const replicaLabels = new Set(options.dedup ? options.replicaLabels : []);
    const sets = setsOf(tsdbInfos, replicaLabels, partitions.partitionLabels);
    this.labelSets = distinct(sets.map(({ labels }) => labels));
    this.partitionSets = distinct(sets.map(({ partition }) => partition));
    this.minTime = trustedFrom(sets, partitions.overlapping);
    this.maxTime = Math.max(...tsdbInfos.map(({ maxTime }) => maxTime));
  }

  async evaluate(
    request: RemoteRequest,
    context: SourceContext,
    take: (series: MatrixSeries) => void,
  ): Promise<number> {
    const { partialResponse } = this.#options;
    let local: unknown = null;
    try {
      const { stats } = await this.#client.range(this.#wire(request), context, (series) => {
        try {
          take(series);
        } catch (error) {
          local = error;
          throw error;
        }
      });
      return stats?.samplesTotal ?? 0;
    } catch (error) {
      if (local !== null || context.signal.aborted) throw error;
      const text = error instanceof RpcError ? goErrorText(error) : messageOf(error);
      const message = `remote query error (${this.name}): ${text}`;
      // An evaluation that fails would fail anywhere; a querier that cannot be reached may be done without.
      if (error instanceof RpcError && statusOf(error) === Status.aborted) {
        throw new PromqlError("PROMQL_EXECUTION", message, {}, { cause: error });
      }
      if (!partialResponse) throw new Error(message, { cause: error });
      context.warn(message);
      return 0;
    }
  }

  #wire(request: RemoteRequest) {
    const { startMs, endMs, stepMs, query } = request;
    const options = this.#options;
    return {
      query,
      startTimeSeconds: startMs / 1000,
      endTimeSeconds: endMs / 1000,
      intervalSeconds: stepMs / 1000,
      timeoutSeconds: Math.ceil(options.timeoutMs / 1000),
      maxResolutionSeconds: Math.floor(options.maxSourceResolutionMs / 1000),
      replicaLabels: [...options.replicaLabels],
      storeMatchers: [],
      enableDedup: options.dedup,
      enablePartialResponse: options.partialResponse,
      skipChunks: false,
      lookbackDeltaSeconds: options.lookbackMs / 1000,
      engine: 0,
      responseBatchSize: batchSeries,
    };
  }
}
