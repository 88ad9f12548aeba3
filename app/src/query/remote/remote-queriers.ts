// The endpoints of a querier in distributed mode: those that evaluate, those that only have series, those that are away.
import type { OtherStore, Remotes } from "@deucalion/promql";
import {
  labelSetsText,
  lostStores,
  type QueryEndpoint,
  type StoreEndpoint,
} from "@deucalion/storeapi";
import type { ExecuteParams } from "../api/run-query.ts";
import { type PartitionOptions, RemoteQuerier } from "./remote-querier.ts";

export interface RemoteQueriersOptions extends PartitionOptions {
  /** False evaluates everything here. */
  readonly enabled: boolean;
  /** `--query.lookback-delta`; 0 is the engine's own. */
  readonly lookbackMs: number;
}

export interface RemoteQueriersDeps {
  /** Those that can be reached. */
  readonly queriers: () => readonly QueryEndpoint[];
  /** All endpoints that have, or may have, series. */
  readonly stores: () => readonly StoreEndpoint[];
}

const lookbackDefaultMs = 300_000;

function other(store: StoreEndpoint): OtherStore {
  const { labelSets } = store.source.info();
  const labels = labelSets.length === 0 ? "" : ` ${labelSetsText(labelSets)}`;
  return { labelSets, text: `${store.address}${labels} (${store.unreachable})` };
}

/** True if each label set that it announces is that of a TSDB, so that nothing of it is unknown. */
function tellsAll({ labelSets, tsdbInfos }: QueryEndpoint): boolean {
  if (tsdbInfos.length === 0) return false;
  const known = new Set(tsdbInfos.map(({ labels }) => labels.key));
  return labelSets.every((set) => known.has(set.key));
}

export class RemoteQueriers {
  readonly #options: RemoteQueriersOptions;
  readonly #deps: RemoteQueriersDeps;

  constructor(options: RemoteQueriersOptions, deps: RemoteQueriersDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** What a query may be spread over; undefined for queries that ask for particular stores or a shard. */
  forQuery(params: ExecuteParams, timeoutMs: number): Remotes | undefined {
    const { enabled, partitionLabels, overlapping } = this.#options;
    if (!enabled || params.storeMatch.length > 0 || params.shard !== null) return undefined;
    const options = {
      dedup: params.dedup,
      replicaLabels: params.replicaLabels,
      partialResponse: params.partialResponse,
      maxSourceResolutionMs: params.maxSourceResolutionMs,
      lookbackMs: params.lookbackMs || this.#options.lookbackMs || lookbackDefaultMs,
      timeoutMs,
    };
    const asked = this.#deps.queriers().filter(tellsAll);
    const addresses = new Set(asked.map(({ address }) => address));
    const stores = this.#deps.stores().filter(({ address, source }) => {
      const { minTime, maxTime } = source.info();
      return !addresses.has(address) && minTime <= maxTime;
    });
    const isReachable = ({ unreachable }: StoreEndpoint): boolean => unreachable === null;
    const missing = stores.filter(({ unreachable }) => unreachable !== null);
    const replicas = params.dedup ? params.replicaLabels : [];
    return {
      engines: asked.map(
        (endpoint) => new RemoteQuerier(endpoint, options, { partitionLabels, overlapping }),
      ),
      others: stores.filter(isReachable).map(other),
      missing: (params.partialResponse
        ? missing
        : lostStores(missing, this.#deps.stores().filter(isReachable), null, replicas)
      ).map(other),
    };
  }
}
