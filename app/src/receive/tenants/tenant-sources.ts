// What all tenants of a receiver store, as one source of series, exemplars and statistics.
import type { Xxhash64 } from "@deucalion/kernels";
import { compareLabels, type Labels, type SourceContext } from "@deucalion/model";
import { parseExpr } from "@deucalion/promql";
import {
  type ExemplarData,
  type ExemplarsRequest,
  type ExemplarsSource,
  Fanout,
  type InfoResponse,
  labelSetsMatch,
  type MetadataSource,
  type MetricMeta,
  type MetricMetadataRequest,
  matchersFromWire,
  type Statistic,
  type StatusSource,
  StoreApiError,
  type StoreEndpoint,
  type TsdbStatisticsEntry,
  type TsdbStatisticsRequest,
} from "@deucalion/storeapi";
import { decodeChunkInto, type LiveHead, type SeriesMetadata } from "@deucalion/tsdb";
import { ExternalSource } from "./external-source.ts";
import { selectorsOf } from "./selectors-of.ts";
import type { Tenant, TenantStores } from "./tenant-stores.ts";

/** Frames of one block or head to read ahead. */
const batchesAheadDefault = 20;

/** Series of all tenants: heads and blocks, each with the tenant's external labels. */
export function tenantSeries(stores: TenantStores, hash: Xxhash64, batchesAhead: number): Fanout {
  const endpoints = (): StoreEndpoint[] =>
    [...stores.all].flatMap((tenant) =>
      tenant.db.sources().map((source, i) => ({
        address: `${tenant.name}#${i}`,
        kind: "receive" as const,
        local: true,
        source: new ExternalSource(source, () => tenant.labels, hash),
        supportsSharding: true,
        supportsWithoutReplicaLabels: true,
        unreachable: null,
      })),
    );
  return new Fanout(
    {
      storeTimeoutMs: 0,
      strategy: "lazy",
      bufferBatchesMax: batchesAhead > 0 ? batchesAhead : batchesAheadDefault,
    },
    { stores: endpoints, decode: decodeChunkInto, hash },
  );
}

/** What the receiver announces. Throws STOREAPI_NOT_READY while it is not ready. */
export function receiveInfo(stores: TenantStores, isReady: boolean): InfoResponse {
  if (!isReady) throw new StoreApiError("STOREAPI_NOT_READY", "Not ready");
  const labelSets: Labels[] = [];
  const tsdbInfos: { labels: Labels; minTime: number; maxTime: number }[] = [];
  let minTime = 2 ** 63;
  let maxTime = -(2 ** 63);
  for (const tenant of stores.all) {
    labelSets.push(tenant.labels);
    const range = tenant.db.timeRange;
    if (range.minTime > range.maxTime) continue;
    minTime = Math.min(minTime, range.minTime);
    // Samples are coming in all the time: what is announced ends with time itself.
    maxTime = 2 ** 63;
    tsdbInfos.push({ labels: tenant.labels, minTime: range.minTime, maxTime: 2 ** 63 });
  }
  return {
    labelSets,
    componentType: "receive",
    store: {
      minTime,
      maxTime,
      supportsSharding: true,
      supportsWithoutReplicaLabels: true,
      tsdbInfos,
      supportsProjections: false,
      supportsAnyOf: false,
    },
    exemplars: { minTime, maxTime },
    metricMetadata: {},
    status: {},
  };
}

/** Exemplars of all tenants. */
export class TenantExemplars implements ExemplarsSource {
  readonly #stores: TenantStores;

  constructor(stores: TenantStores) {
    this.#stores = stores;
  }

  exemplars(request: ExemplarsRequest, _context: SourceContext): Promise<ExemplarData[]> {
    const selectors = selectorsOf(
      parseExpr(request.query, {
        experimentalFunctions: true,
        durationExpressions: true,
        extendedRangeSelectors: true,
        binopFillModifiers: true,
        xFunctions: true,
      }),
    );
    const all: ExemplarData[] = [];
    for (const tenant of this.#stores.all) {
      const { head } = tenant.db;
      const wanted = new Set<number>();
      for (const matchers of selectors) {
        if (!labelSetsMatch(matchers, [tenant.labels])) continue;
        const rest = matchers.filter((matcher) => !tenant.labels.has(matcher.name));
        for (const series of head.select(rest)) wanted.add(series);
      }
      const bySeries = new Map<number, ExemplarData>();
      const found = head.exemplars.of((one) => wanted.has(one), request.start, request.end);
      for (const { series, time, value, labels } of found) {
        let data = bySeries.get(series);
        if (data === undefined) {
          data = { seriesLabels: fullLabels(head, series, tenant), exemplars: [] };
          bySeries.set(series, data);
        }
        data.exemplars.push({ labels, value, ts: time });
      }
      all.push(...bySeries.values());
    }
    return Promise.resolve(all.sort((a, b) => compareLabels(a.seriesLabels, b.seriesLabels)));
  }
}

function fullLabels(head: LiveHead, series: number, tenant: Tenant): Labels {
  let labels = head.labelsOf(series);
  for (const [name, value] of tenant.labels) labels = labels.with(name, value);
  return labels;
}

/** Statistics of one head; the largest entries of each kind. */
export function headStatistics(tenant: Pick<Tenant, "db">, limit: number): TsdbStatisticsEntry {
  const { head } = tenant.db;
  const top = (entries: Iterable<readonly [string, number]>): Statistic[] =>
    [...entries]
      .map(([name, value]) => ({ name, value }))
      .sort((a, b) => b.value - a.value || (a.name < b.name ? -1 : 1))
      .slice(0, limit);
  const names = head.postings.names();
  const values: [string, number][] = [];
  const bytes: [string, number][] = [];
  const pairs: [string, number][] = [];
  for (const name of names) {
    let count = 0;
    let size = 0;
    for (const [value, series] of head.postings.counts(name)) {
      count++;
      size += value.length;
      pairs.push([`${name}=${value}`, series]);
    }
    values.push([name, count]);
    bytes.push([name, size]);
  }
  const finite = (time: number): number => (Number.isFinite(time) ? time : 0);
  return {
    headStatistics: {
      numSeries: head.seriesCount,
      numLabelPairs: head.postings.pairCount,
      chunkCount: head.chunkCount,
      minTime: finite(head.minTime),
      maxTime: finite(head.maxTime),
    },
    seriesCountByMetricName: top(head.postings.counts("__name__")),
    labelValueCountByLabelName: top(values),
    memoryInBytesByLabelName: top(bytes),
    seriesCountByLabelValuePair: top(pairs),
  };
}

/** Metric types by the numbers of logs. */
const typeNames = [
  "unknown",
  "counter",
  "gauge",
  "histogram",
  "gaugehistogram",
  "summary",
  "info",
  "stateset",
] as const;

/** What the metrics of all tenants mean. */
export class TenantMetadata implements MetadataSource {
  readonly #stores: TenantStores;

  constructor(stores: TenantStores) {
    this.#stores = stores;
  }

  metadata(
    { metric, limit }: MetricMetadataRequest,
    _context: SourceContext,
  ): Promise<Map<string, MetricMeta[]>> {
    const found = new Map<string, MetricMeta[]>();
    const add = (family: string, entries: readonly SeriesMetadata[]): void => {
      const known = found.get(family) ?? [];
      if (known.length === 0 && limit >= 0 && found.size >= limit) return;
      for (const { type, unit, help } of entries) {
        const meta = { type: typeNames[type] ?? "unknown", unit, help };
        const same = (other: MetricMeta): boolean =>
          other.type === meta.type && other.unit === unit && other.help === help;
        if (!known.some(same)) known.push(meta);
      }
      if (known.length > 0) found.set(family, known);
    };
    for (const { db } of this.#stores.all) {
      const { metadata } = db.head;
      if (metric !== "") add(metric, metadata.family(metric));
      else for (const [family, entries] of metadata.families()) add(family, entries);
    }
    return Promise.resolve(found);
  }
}

/** Statistics of all tenants, or of the one that is asked for. */
export class TenantStatistics implements StatusSource {
  readonly #stores: TenantStores;

  constructor(stores: TenantStores) {
    this.#stores = stores;
  }

  tsdbStatistics(
    request: TsdbStatisticsRequest,
    _context: SourceContext,
  ): Promise<Map<string, TsdbStatisticsEntry>> {
    const matchers = matchersFromWire(request.matchers);
    const found = new Map<string, TsdbStatisticsEntry>();
    for (const tenant of this.#stores.all) {
      if (request.tenant !== "" && request.tenant !== tenant.name) continue;
      if (matchers.length > 0 && !labelSetsMatch(matchers, [tenant.labels])) continue;
      found.set(tenant.name, headStatistics(tenant, request.limit > 0 ? request.limit : 10));
    }
    return Promise.resolve(found);
  }
}
