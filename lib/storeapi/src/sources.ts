// What an endpoint may offer besides series. Clients, local components and fan-outs implement the same contracts.
import type { SourceContext } from "@deucalion/model";
import type { ExemplarData, ExemplarsRequest } from "./messages/exemplars-messages.ts";
import type { MetricMeta, MetricMetadataRequest } from "./messages/metadata-messages.ts";
import type { RuleGroup, RulesRequest } from "./messages/rules-messages.ts";
import type { TsdbStatisticsEntry, TsdbStatisticsRequest } from "./messages/status-messages.ts";
import type { TargetDiscovery, TargetsRequest } from "./messages/targets-messages.ts";

/** Rule groups with their rules and active alerts; external labels are part of the rules' labels. */
export interface RulesSource {
  rules(request: RulesRequest, context: SourceContext): Promise<RuleGroup[]>;
}

export interface TargetsSource {
  targets(request: TargetsRequest, context: SourceContext): Promise<TargetDiscovery>;
}

/** Metadata entries by metric name. */
export interface MetadataSource {
  metadata(
    request: MetricMetadataRequest,
    context: SourceContext,
  ): Promise<Map<string, MetricMeta[]>>;
}

export interface ExemplarsSource {
  exemplars(request: ExemplarsRequest, context: SourceContext): Promise<ExemplarData[]>;
}

/** Statistics of heads by tenant, "" where there are none. */
export interface StatusSource {
  tsdbStatistics(
    request: TsdbStatisticsRequest,
    context: SourceContext,
  ): Promise<Map<string, TsdbStatisticsEntry>>;
}
