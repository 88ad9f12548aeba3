// Rules, targets, metadata, exemplars and statistics of all endpoints that have them.
import type { Labels, Matcher, SourceContext } from "@deucalion/model";
import { type ParseOptions, parseExpr, walkExpr } from "@deucalion/promql";
import { StoreApiError } from "../errors.ts";
import type { ExemplarData, ExemplarsRequest } from "../messages/exemplars-messages.ts";
import type { MetricMeta, MetricMetadataRequest } from "../messages/metadata-messages.ts";
import type { RuleGroup, RulesRequest } from "../messages/rules-messages.ts";
import type { TsdbStatisticsEntry, TsdbStatisticsRequest } from "../messages/status-messages.ts";
import type { TargetDiscovery, TargetsRequest } from "../messages/targets-messages.ts";
import type {
  ExemplarsSource,
  MetadataSource,
  RulesSource,
  StatusSource,
  TargetsSource,
} from "../sources.ts";
import type { ApiEndpoint } from "./api-endpoint.ts";
import { failureText, withinTime } from "./bounded-call.ts";
import { labelSetsText, matchExternalLabels } from "./external-labels.ts";
import { exemplarQueryFor } from "./merge-exemplars.ts";
import { mergeStatistics } from "./merge-statistics.ts";

export interface ApiFanoutOptions {
  readonly selectorLabels: Labels;
  /** Give up on an endpoint after this long; 0 never. */
  readonly storeTimeoutMs: number;
  /** How selectors in exemplar queries are parsed. */
  readonly parse: ParseOptions;
}

export interface ApiFanoutDeps {
  readonly endpoints: () => readonly ApiEndpoint[];
}

const abortStrategy = 1;

/** Answers are joined as they are; the callers' `dedup…` functions take replicas out. */
export class ApiFanout
  implements RulesSource, TargetsSource, MetadataSource, ExemplarsSource, StatusSource
{
  readonly #options: ApiFanoutOptions;
  readonly #deps: ApiFanoutDeps;

  constructor(options: ApiFanoutOptions, deps: ApiFanoutDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Asks all endpoints at once; `ask` returns null to leave one out. Failures are warnings, or the end. */
  async #askAll<T>(
    what: string,
    strategy: number,
    context: SourceContext,
    has: (endpoint: ApiEndpoint) => boolean,
    ask: (endpoint: ApiEndpoint, context: SourceContext) => Promise<T> | null,
  ): Promise<T[]> {
    const abort = strategy === abortStrategy;
    const all = this.#deps.endpoints();
    const down = all.filter((endpoint) => endpoint.unreachable !== null);
    if (all.length > 0 && down.length === all.length) {
      const names = down
        .map((endpoint) => `${endpoint.address} (${endpoint.unreachable})`)
        .join("; ");
      const text = `no endpoint is reachable: ${names}`;
      if (abort) throw new StoreApiError("STOREAPI_ABORTED", text);
      context.warn(text);
    } else {
      for (const { address, unreachable } of down.filter((one) => has(one) || isUnknown(one)))
        context.warn(`endpoint is not reachable: ${address} (${unreachable})`);
    }
    const one = async (endpoint: ApiEndpoint): Promise<T | null> => {
      const name = () =>
        `Addr: ${endpoint.address} LabelSets: ${labelSetsText(endpoint.labelSets())}`;
      const bounds = {
        timeoutMs: this.#options.storeTimeoutMs,
        deadline: Number.POSITIVE_INFINITY,
        name,
      };
      try {
        return await withinTime(context, bounds, async (inner) => ask(endpoint, inner));
      } catch (error) {
        context.signal.throwIfAborted();
        const text = failureText(`receiving ${what} from`, name(), error);
        if (abort) throw new StoreApiError("STOREAPI_ABORTED", text, {}, { cause: error });
        context.warn(text);
        return null;
      }
    };
    const asked = all.filter((endpoint) => endpoint.unreachable === null && has(endpoint));
    const answers = await Promise.all(asked.map(one));
    return answers.filter((answer) => answer !== null);
  }

  async rules(request: RulesRequest, context: SourceContext): Promise<RuleGroup[]> {
    const found = await this.#askAll(
      "rules",
      request.partialResponseStrategy,
      context,
      (endpoint) => endpoint.rules !== null,
      (endpoint, inner) => endpoint.rules!.rules(request, inner),
    );
    return found.flat();
  }

  async targets(request: TargetsRequest, context: SourceContext): Promise<TargetDiscovery> {
    const found = await this.#askAll(
      "targets",
      request.partialResponseStrategy,
      context,
      (endpoint) => endpoint.targets !== null,
      (endpoint, inner) => endpoint.targets!.targets(request, inner),
    );
    return {
      activeTargets: found.flatMap((one) => one.activeTargets),
      droppedTargets: found.flatMap((one) => one.droppedTargets),
    };
  }

  /** Distinct entries of each metric; `limit` counts metrics, 0 is none at all. */
  async metadata(
    request: MetricMetadataRequest,
    context: SourceContext,
  ): Promise<Map<string, MetricMeta[]>> {
    const all = new Map<string, MetricMeta[]>();
    const found = await this.#askAll(
      "metadata",
      request.partialResponseStrategy,
      context,
      (endpoint) => endpoint.metadata !== null,
      (endpoint, inner) => endpoint.metadata!.metadata(request, inner),
    );
    for (const one of found) {
      for (const [metric, metas] of one) {
        const known = all.get(metric);
        if (known === undefined) {
          if (request.limit < 0 || all.size < request.limit) all.set(metric, [...metas]);
          continue;
        }
        for (const meta of metas)
          if (!known.some((other) => sameMeta(other, meta))) known.push(meta);
      }
    }
    return all;
  }

  async exemplars(request: ExemplarsRequest, context: SourceContext): Promise<ExemplarData[]> {
    const selectors: (readonly Matcher[])[] = [];
    walkExpr(parseExpr(request.query, this.#options.parse), (expr) => {
      if (expr.kind !== "vector") return;
      const { matches, rest } = matchExternalLabels(expr.matchers, this.#options.selectorLabels);
      if (matches) selectors.push(rest);
    });
    if (selectors.length === 0) return [];
    if (selectors.every((rest) => rest.length === 0)) {
      throw new StoreApiError(
        "STOREAPI_INVALID",
        "no matchers specified (excluding external labels)",
      );
    }
    const found = await this.#askAll(
      "exemplars",
      request.partialResponseStrategy,
      context,
      (endpoint) => endpoint.exemplars !== null && exemplarQueryFor(endpoint, selectors) !== null,
      (endpoint, inner) => {
        const query = exemplarQueryFor(endpoint, selectors)!;
        return endpoint.exemplars!.exemplars({ ...request, query }, inner);
      },
    );
    return found.flat();
  }

  async tsdbStatistics(
    request: TsdbStatisticsRequest,
    context: SourceContext,
  ): Promise<Map<string, TsdbStatisticsEntry>> {
    const all = new Map<string, TsdbStatisticsEntry>();
    const found = await this.#askAll(
      "TSDB statistics",
      request.partialResponseStrategy,
      context,
      (endpoint) => endpoint.status !== null,
      (endpoint, inner) => endpoint.status!.tsdbStatistics(request, inner),
    );
    for (const one of found) {
      for (const [tenant, entry] of one) {
        const known = all.get(tenant);
        all.set(tenant, known === undefined ? entry : mergeStatistics(known, entry));
      }
    }
    return all;
  }
}

/** True if it has never said which APIs it has. */
function isUnknown(endpoint: ApiEndpoint): boolean {
  const { rules, targets, metadata, exemplars, status } = endpoint;
  return [rules, targets, metadata, exemplars, status].every((api) => api === null);
}

function sameMeta(a: MetricMeta, b: MetricMeta): boolean {
  return a.type === b.type && a.help === b.help && a.unit === b.unit;
}
