// Clients of the small services: Info, Rules, Targets, Metadata, Exemplars, Status.
import type { SourceContext } from "@deucalion/model";
import type { Caller, CallOptions, MessageType } from "@deucalion/rpc";
import {
  type ExemplarData,
  type ExemplarsRequest,
  ExemplarsRequestMessage,
  ExemplarsResponseMessage,
} from "../messages/exemplars-messages.ts";
import {
  InfoRequestMessage,
  type InfoResponse,
  InfoResponseMessage,
} from "../messages/info-messages.ts";
import {
  type MetricMeta,
  type MetricMetadataRequest,
  MetricMetadataRequestMessage,
  MetricMetadataResponseMessage,
} from "../messages/metadata-messages.ts";
import {
  type RuleGroup,
  type RulesRequest,
  RulesRequestMessage,
  RulesResponseMessage,
} from "../messages/rules-messages.ts";
import {
  type TsdbStatisticsEntry,
  type TsdbStatisticsRequest,
  TsdbStatisticsRequestMessage,
  TsdbStatisticsResponseMessage,
} from "../messages/status-messages.ts";
import {
  type TargetDiscovery,
  type TargetsRequest,
  TargetsRequestMessage,
  TargetsResponseMessage,
} from "../messages/targets-messages.ts";
import type {
  ExemplarsSource,
  MetadataSource,
  RulesSource,
  StatusSource,
  TargetsSource,
} from "../sources.ts";
import { tenantKey } from "./store-client.ts";

/** Asks an endpoint what it offers. */
export async function fetchInfo(caller: Caller, options: CallOptions): Promise<InfoResponse> {
  const request = InfoRequestMessage.encode({ knowsAnyOf: true });
  return InfoResponseMessage.decode(await caller.unary("/thanos.info.Info/Info", request, options));
}

/** Everything an endpoint may offer; ask only for what its Info names. */
export class ApiClient
  implements RulesSource, TargetsSource, MetadataSource, ExemplarsSource, StatusSource
{
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /** Runs a streaming call whose messages are either a warning or something to take. */
  async #each<Request, Response extends { warning?: string }>(
    path: string,
    types: { request: MessageType<Request>; response: MessageType<Response> },
    request: Request,
    context: SourceContext,
    take: (message: Response) => void,
  ): Promise<void> {
    const metadata = context.tenant === undefined ? {} : { [tenantKey]: context.tenant };
    const stream = this.#caller.stream(path, types.request.encode(request), {
      signal: context.signal,
      metadata,
    });
    for await (const data of stream) {
      const message = types.response.decode(data);
      if (message.warning !== undefined) context.warn(message.warning);
      else take(message);
    }
  }

  async rules(request: RulesRequest, context: SourceContext): Promise<RuleGroup[]> {
    const groups: RuleGroup[] = [];
    const types = { request: RulesRequestMessage, response: RulesResponseMessage };
    await this.#each("/thanos.Rules/Rules", types, request, context, ({ group }) => {
      if (group !== undefined) groups.push(group);
    });
    return groups;
  }

  async targets(request: TargetsRequest, context: SourceContext): Promise<TargetDiscovery> {
    const all: TargetDiscovery = { activeTargets: [], droppedTargets: [] };
    const types = { request: TargetsRequestMessage, response: TargetsResponseMessage };
    await this.#each("/thanos.Targets/Targets", types, request, context, ({ targets }) => {
      all.activeTargets.push(...(targets?.activeTargets ?? []));
      all.droppedTargets.push(...(targets?.droppedTargets ?? []));
    });
    return all;
  }

  async metadata(
    request: MetricMetadataRequest,
    context: SourceContext,
  ): Promise<Map<string, MetricMeta[]>> {
    const all = new Map<string, MetricMeta[]>();
    const types = {
      request: MetricMetadataRequestMessage,
      response: MetricMetadataResponseMessage,
    };
    await this.#each("/thanos.Metadata/MetricMetadata", types, request, context, ({ metadata }) => {
      for (const [metric, { metas }] of metadata?.metadata ?? []) {
        all.set(metric, [...(all.get(metric) ?? []), ...metas]);
      }
    });
    return all;
  }

  async exemplars(request: ExemplarsRequest, context: SourceContext): Promise<ExemplarData[]> {
    const all: ExemplarData[] = [];
    const types = { request: ExemplarsRequestMessage, response: ExemplarsResponseMessage };
    await this.#each("/thanos.Exemplars/Exemplars", types, request, context, ({ data }) => {
      if (data !== undefined) all.push(data);
    });
    return all;
  }

  async tsdbStatistics(
    request: TsdbStatisticsRequest,
    context: SourceContext,
  ): Promise<Map<string, TsdbStatisticsEntry>> {
    const all = new Map<string, TsdbStatisticsEntry>();
    const types = {
      request: TsdbStatisticsRequestMessage,
      response: TsdbStatisticsResponseMessage,
    };
    await this.#each("/thanos.Status/TSDBStatistics", types, request, context, ({ statistics }) => {
      for (const [tenant, entry] of statistics?.statistics ?? []) all.set(tenant, entry);
    });
    return all;
  }
}
