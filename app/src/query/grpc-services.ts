// What a querier offers over gRPC, so that queriers nest: its stores as one store, and the small APIs.
import type { Xxhash64 } from "@deucalion/kernels";
import type { Service } from "@deucalion/rpc";
import {
  type ApiFanout,
  exemplarsService,
  type Fanout,
  infoService,
  metadataService,
  rulesService,
  StoreApiError,
  statusService,
  storeService,
  type TsdbInfo,
  targetsService,
} from "@deucalion/storeapi";
import type { SeriesLimits } from "../process/service-options.ts";

export interface QueryServicesDeps {
  readonly fanout: Fanout;
  readonly apis: ApiFanout;
  readonly tsdbInfos: () => TsdbInfo[];
  readonly isReady: () => boolean;
  readonly hash: Xxhash64;
  readonly limits: SeriesLimits;
  /** thanos.Query, if it is served. */
  readonly query: Service | null;
}

export function queryServices(deps: QueryServicesDeps): Service[] {
  const { fanout, apis, hash, limits } = deps;
  const info = infoService(() => {
    if (!deps.isReady()) throw new StoreApiError("STOREAPI_NOT_READY", "Not ready");
    const { labelSets, minTime, maxTime, anyOf } = fanout.info();
    return {
      labelSets: [...labelSets],
      componentType: "query",
      store: {
        minTime,
        maxTime,
        supportsSharding: true,
        supportsWithoutReplicaLabels: true,
        tsdbInfos: deps.tsdbInfos(),
        supportsProjections: false,
        supportsAnyOf: anyOf?.length === 0,
      },
      exemplars: { minTime: 0, maxTime: 0 },
      rules: {},
      targets: {},
      metricMetadata: {},
      status: {},
      ...(deps.query === null ? {} : { query: {} }),
    };
  });
  return [
    storeService(
      { source: fanout, hash },
      { seriesMax: limits.series, samplesMax: limits.samples },
    ),
    info,
    rulesService(apis),
    targetsService(apis),
    metadataService(apis),
    exemplarsService(apis),
    statusService(apis),
    ...(deps.query === null ? [] : [deps.query]),
  ];
}
