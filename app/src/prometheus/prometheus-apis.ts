// Targets, metadata, exemplars and head statistics of a Prometheus server, with its external labels.
import type { Labels, SourceContext } from "@deucalion/model";
import {
  type ExemplarData,
  type ExemplarsRequest,
  type ExemplarsSource,
  type MetadataSource,
  type MetricMeta,
  type MetricMetadataRequest,
  parseTimestamp,
  type Statistic,
  type StatusSource,
  type TargetDiscovery,
  TargetHealth,
  type TargetsRequest,
  type TargetsSource,
  type TsdbStatisticsEntry,
  type TsdbStatisticsRequest,
} from "@deucalion/storeapi";
import { type Json, labelsOf, listOf, numberOf, objectOf, textOf } from "./json-fields.ts";
import type { PrometheusClient } from "./prometheus-client.ts";

const stateParams = [[], [["state", "active"]], [["state", "dropped"]]] as const;

function statistics(value: unknown): Statistic[] {
  return listOf(value).map((json) => ({ name: textOf(json.name), value: numberOf(json.value) }));
}

/** The APIs that are not about series. Errors of the client are passed on. */
export class PrometheusApis
  implements TargetsSource, MetadataSource, ExemplarsSource, StatusSource
{
  readonly #client: PrometheusClient;
  readonly #externalLabels: () => Labels;

  constructor(client: PrometheusClient, externalLabels: () => Labels) {
    this.#client = client;
    this.#externalLabels = externalLabels;
  }

  async targets(request: TargetsRequest, context: SourceContext): Promise<TargetDiscovery> {
    const { data } = await this.#client.api(
      "/api/v1/targets",
      stateParams[request.state] ?? [],
      context.signal,
    );
    const external = this.#externalLabels();
    const json = objectOf(data);
    return {
      activeTargets: listOf(json.activeTargets).map((target) => ({
        discoveredLabels: labelsOf(target.discoveredLabels, external),
        labels: labelsOf(target.labels, external),
        scrapePool: textOf(target.scrapePool),
        scrapeUrl: textOf(target.scrapeUrl),
        globalUrl: textOf(target.globalUrl),
        lastError: textOf(target.lastError),
        lastScrape: parseTimestamp(textOf(target.lastScrape)),
        lastScrapeDuration: numberOf(target.lastScrapeDuration),
        health:
          TargetHealth.values[textOf(target.health).toUpperCase()] ??
          TargetHealth.values.UNKNOWN ??
          2,
      })),
      droppedTargets: listOf(json.droppedTargets).map((target) => ({
        discoveredLabels: labelsOf(target.discoveredLabels, external),
      })),
    };
  }

  async metadata(
    request: MetricMetadataRequest,
    context: SourceContext,
  ): Promise<Map<string, MetricMeta[]>> {
    const params: [string, string][] = [];
    if (request.metric !== "") params.push(["metric", request.metric]);
    if (request.limit >= 0) params.push(["limit", String(request.limit)]);
    const { data } = await this.#client.api("/api/v1/metadata", params, context.signal);
    return new Map(
      Object.entries(objectOf(data)).map(([metric, entries]) => [
        metric,
        listOf(entries).map((entry) => ({
          type: textOf(entry.type),
          help: textOf(entry.help),
          unit: textOf(entry.unit),
        })),
      ]),
    );
  }

  async exemplars(request: ExemplarsRequest, context: SourceContext): Promise<ExemplarData[]> {
    const { data } = await this.#client.api(
      "/api/v1/query_exemplars",
      [
        ["query", request.query],
        ["start", (request.start / 1000).toFixed(3)],
        ["end", (request.end / 1000).toFixed(3)],
      ],
      context.signal,
    );
    const external = this.#externalLabels();
    return listOf(data).map((series) => ({
      seriesLabels: labelsOf(series.seriesLabels, external),
      exemplars: listOf(series.exemplars).map((exemplar) => ({
        labels: labelsOf(exemplar.labels),
        value: numberOf(exemplar.value),
        ts: Math.round(numberOf(exemplar.timestamp) * 1000),
      })),
    }));
  }

  async tsdbStatistics(
    request: TsdbStatisticsRequest,
    context: SourceContext,
  ): Promise<Map<string, TsdbStatisticsEntry>> {
    const params: [string, string][] = request.limit > 0 ? [["limit", String(request.limit)]] : [];
    const { data } = await this.#client.api("/api/v1/status/tsdb", params, context.signal);
    const json = objectOf(data);
    const head: Json = objectOf(json.headStats);
    return new Map([
      [
        "",
        {
          headStatistics: {
            numSeries: numberOf(head.numSeries),
            numLabelPairs: numberOf(head.numLabelPairs),
            chunkCount: numberOf(head.chunkCount),
            minTime: numberOf(head.minTime),
            maxTime: numberOf(head.maxTime),
          },
          seriesCountByMetricName: statistics(json.seriesCountByMetricName),
          labelValueCountByLabelName: statistics(json.labelValueCountByLabelName),
          memoryInBytesByLabelName: statistics(json.memoryInBytesByLabelName),
          seriesCountByLabelValuePair: statistics(json.seriesCountByLabelValuePair),
        },
      ],
    ]);
  }
}
