// All endpoints of a querier: kept connected, asked for Info again and again, listed for queries and for people.
import type { Log } from "@deucalion/base";
import type { ChunkDecoder, Labels } from "@deucalion/model";
import {
  type Caller,
  Channel,
  ChannelGroup,
  type ClientInterceptor,
  parseServiceConfig,
  serviceConfigDefaults,
} from "@deucalion/rpc";
import type { ApiEndpoint } from "../fanout/api-endpoint.ts";
import { labelSetsText } from "../fanout/external-labels.ts";
import type { StoreEndpoint } from "../fanout/store-endpoint.ts";
import type { ComponentType, TsdbInfo } from "../messages/info-messages.ts";
import { Endpoint, type EndpointState } from "./endpoint.ts";
import type { EndpointSpec } from "./endpoint-specs.ts";

export interface EndpointSetOptions {
  /** `--endpoint.info-timeout`: of one Info call, and the pause between rounds. */
  readonly infoTimeoutMs: number;
  /** `--store.unhealthy-timeout`: an endpoint without success for so long is no longer listed as a store. */
  readonly unhealthyTimeoutMs: number;
  /** `--store.sd-dns-interval`. */
  readonly dnsIntervalMs: number;
}

export const endpointSetDefaults: EndpointSetOptions = {
  infoTimeoutMs: 5000,
  unhealthyTimeoutMs: 300_000,
  dnsIntervalMs: 30_000,
};

export interface EndpointSetDeps {
  /** The endpoints that are configured now. */
  readonly specs: () => readonly EndpointSpec[];
  /** Looks names up and files through again. */
  readonly refresh: () => Promise<void>;
  readonly decode: ChunkDecoder;
  readonly log: Log;
  readonly now: () => number;
  /** Told of every call to an endpoint. */
  readonly interceptor?: ClientInterceptor;
}

/** One endpoint for the stores page. Times in ms since the epoch. */
export interface EndpointStatus {
  readonly name: string;
  readonly kind: ComponentType;
  readonly state: EndpointState;
  readonly strict: boolean;
  readonly lastCheck: number;
  readonly lastSuccess: number;
  readonly lastError: string | null;
  readonly labelSets: readonly Labels[];
  readonly minTime: number;
  readonly maxTime: number;
  /** Whether Thanos would list it: it has answered, not too long ago, or it is strict. */
  readonly listed: boolean;
  /** APIs that it announces: store, rules, targets, metadata, exemplars, query, status. */
  readonly apis: readonly string[];
}

/** A querier that evaluates PromQL for others. */
export interface QueryEndpoint {
  readonly address: string;
  readonly caller: Caller;
  /** All that it announces. */
  readonly labelSets: readonly Labels[];
  readonly tsdbInfos: readonly TsdbInfo[];
}

export class EndpointSet {
  readonly #options: EndpointSetOptions;
  readonly #deps: EndpointSetDeps;
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #aborter = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #lastRefresh = Number.NEGATIVE_INFINITY;
  #running: Promise<void> | null = null;
  /** Resolves when every endpoint has been asked once. */
  readonly firstUpdate: Promise<void>;
  #firstDone: () => void = () => undefined;

  constructor(options: Partial<EndpointSetOptions>, deps: EndpointSetDeps) {
    this.#options = { ...endpointSetDefaults, ...options };
    this.#deps = deps;
    this.firstUpdate = new Promise((resolve) => {
      this.#firstDone = resolve;
    });
  }

  /** Starts the loop. */
  start(): void {
    const round = (): void => {
      void this.update().finally(() => {
        if (this.#aborter.signal.aborted) return;
        this.#timer = setTimeout(round, this.#options.infoTimeoutMs);
        this.#timer.unref();
      });
    };
    round();
  }

  /** One round: names, connections, Info of all. Rounds never overlap. */
  update(): Promise<void> {
    this.#running ??= this.#round().finally(() => {
      this.#running = null;
      this.#firstDone();
    });
    return this.#running;
  }

  async #round(): Promise<void> {
    const { now, log } = this.#deps;
    if (now() - this.#lastRefresh >= this.#options.dnsIntervalMs) {
      this.#lastRefresh = now();
      try {
        await this.#deps.refresh();
      } catch (error) {
        log.error("cannot read the endpoint configuration, keeping the old one", { err: error });
      }
    }
    this.#applySpecs();
    await Promise.all([...this.#endpoints.values()].map((endpoint) => this.#check(endpoint)));
    this.#warnDuplicates();
  }

  #applySpecs(): void {
    const specs = new Map(this.#deps.specs().map((spec) => [spec.address, spec]));
    for (const [address, endpoint] of this.#endpoints) {
      const spec = specs.get(address);
      if (spec !== undefined && sameSettings(spec, endpoint.spec)) continue;
      this.#deps.log.info("removing endpoint because it's unhealthy or does not exist", {
        address,
      });
      endpoint.caller.close();
      this.#endpoints.delete(address);
    }
    for (const [address, spec] of specs) {
      const known = this.#endpoints.get(address);
      if (known === undefined) {
        const made = this.#make(spec);
        if (made !== null) this.#endpoints.set(address, made);
      } else if (spec.members !== null && known.caller instanceof ChannelGroup) {
        known.caller.update(spec.members);
      }
    }
  }

  #make(spec: EndpointSpec): Endpoint | null {
    try {
      let caller: Caller;
      const client = { ...spec.client, interceptor: this.#deps.interceptor ?? null };
      if (spec.members === null) caller = new Channel(spec.address, client);
      else {
        const config = spec.serviceConfig;
        const group = new ChannelGroup(
          client,
          config === "" ? serviceConfigDefaults : parseServiceConfig(config),
        );
        group.update(spec.members);
        caller = group;
      }
      return new Endpoint(spec, caller, this.#deps.decode);
    } catch (error) {
      this.#deps.log.warn("new endpoint creation failed", { err: error, address: spec.address });
      return null;
    }
  }

  async #check(endpoint: Endpoint): Promise<void> {
    const { log, now } = this.#deps;
    const changed = await endpoint.check(this.#options.infoTimeoutMs, now, this.#aborter.signal);
    const address = endpoint.spec.address;
    if (changed && endpoint.state === "healthy") {
      const apis = apisOf(endpoint).join(" ");
      log.info(`adding new ${endpoint.kind} with [${apis}]`, {
        address,
        extLset: labelSetsText(endpoint.labelSets),
      });
    } else if (endpoint.lastError !== null) {
      log.warn("update of endpoint failed", { err: endpoint.lastError, address });
    }
  }

  /** Two Prometheus servers or rulers with the same external labels cannot be told apart. */
  #warnDuplicates(): void {
    const seen = new Map<string, string>();
    for (const endpoint of this.#endpoints.values()) {
      if (endpoint.state !== "healthy" || (endpoint.kind !== "sidecar" && endpoint.kind !== "rule"))
        continue;
      const labels = labelSetsText(endpoint.labelSets);
      const other = seen.get(labels);
      if (labels !== "" && other !== undefined) {
        this.#deps.log.warn(
          "found duplicate storeEndpoints producer (sidecar or ruler). This is not advised as it will malform data in in the same bucket",
          {
            address: endpoint.spec.address,
            extLset: labels,
            duplicates: other,
          },
        );
      }
      seen.set(labels, endpoint.spec.address);
    }
  }

  /** All configured endpoints that have, or may have, series; those that cannot be reached say so. */
  stores(): StoreEndpoint[] {
    return [...this.#endpoints.values()].flatMap((endpoint) => endpoint.asStore() ?? []);
  }

  apis(): ApiEndpoint[] {
    return [...this.#endpoints.values()].map((endpoint) => endpoint.asApi());
  }

  /** Healthy queriers with their connections, for remote execution. */
  queriers(): QueryEndpoint[] {
    return [...this.#endpoints.values()].flatMap((endpoint) =>
      endpoint.state === "healthy" && endpoint.info?.query !== undefined
        ? [
            {
              address: endpoint.spec.address,
              caller: endpoint.caller,
              labelSets: endpoint.labelSets,
              tsdbInfos: endpoint.info.store?.tsdbInfos ?? [],
            },
          ]
        : [],
    );
  }

  /** TSDBs that the reachable stores announce. */
  tsdbInfos(): TsdbInfo[] {
    return [...this.#endpoints.values()].flatMap((endpoint) =>
      endpoint.queryable ? (endpoint.info?.store?.tsdbInfos ?? []) : [],
    );
  }

  /** Every configured endpoint, in the order of configuration. */
  statuses(): EndpointStatus[] {
    const now = this.#deps.now();
    return [...this.#endpoints.values()].map((endpoint) => {
      const { minTime, maxTime } = endpoint.sourceInfo();
      const fresh = now - endpoint.lastSuccess <= this.#options.unhealthyTimeoutMs;
      return {
        name: endpoint.spec.address,
        kind: endpoint.kind,
        state: endpoint.state,
        strict: endpoint.spec.strict,
        lastCheck: endpoint.lastCheck,
        lastSuccess: endpoint.lastSuccess,
        lastError: endpoint.lastError,
        labelSets: endpoint.labelSets,
        minTime,
        maxTime,
        listed: endpoint.spec.strict || (endpoint.state !== "never" && fresh),
        apis: apisOf(endpoint),
      };
    });
  }

  async close(): Promise<void> {
    this.#aborter.abort();
    clearTimeout(this.#timer);
    await this.#running;
    for (const endpoint of this.#endpoints.values()) endpoint.caller.close();
  }
}

function apisOf(endpoint: Endpoint): string[] {
  const info = endpoint.info;
  if (info === null) return [];
  const apis: string[] = [];
  if (info.store !== undefined) apis.push("storeEndpoints");
  if (info.rules !== undefined) apis.push("rulesAPI");
  if (info.exemplars !== undefined) apis.push("exemplarsAPI");
  if (info.targets !== undefined) apis.push("targetsAPI");
  if (info.metricMetadata !== undefined) apis.push("MetricMetadataAPI");
  if (info.query !== undefined) apis.push("QueryAPI");
  if (info.status !== undefined) apis.push("StatusAPI");
  return apis;
}

function sameSettings(a: EndpointSpec, b: EndpointSpec): boolean {
  return (
    a.strict === b.strict &&
    a.serviceConfig === b.serviceConfig &&
    (a.members === null) === (b.members === null) &&
    JSON.stringify(a.client) === JSON.stringify(b.client)
  );
}
