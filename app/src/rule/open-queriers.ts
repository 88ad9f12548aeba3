// The queriers of a ruler, from its options: HTTP and gRPC, kept up to date.
import { AddressResolver, EndpointSet, EndpointSpecs, systemDns } from "@deucalion/storeapi";
import { decodeChunkInto } from "@deucalion/tsdb";
import { grpcClientMetrics } from "../grpc/grpc-client-metrics.ts";
import type { AppProcess } from "../process/app-process.ts";
import { countedDns, providerResults } from "../process/counted-dns.ts";
import type { Actor } from "../process/run-group.ts";
import { parseQueryConfig, type QueryConfig, queryOfAddress } from "./clients/client-config.ts";
import type { HttpClientMetrics } from "./clients/http-client-metrics.ts";
import { HttpTargets } from "./clients/http-targets.ts";
import { parseYaml } from "./clients/yaml-fields.ts";
import type { RuleOptions } from "./options.ts";
import { GrpcQueriers } from "./query/grpc-queriers.ts";
import { HttpQueriers } from "./query/http-queriers.ts";
import { Queriers } from "./query/queriers.ts";
import type { RulerMetrics } from "./rule-metrics.ts";

export interface OpenQueriers {
  readonly queriers: Queriers;
  readonly actors: readonly Actor[];
  /** Looks everything up once. */
  readonly first: () => Promise<void>;
  readonly close: () => void;
}

function configsOf(query: RuleOptions["query"], userAgent: string): QueryConfig[] {
  if (query.config !== "") {
    return parseQueryConfig(parseYaml(query.config, "query configuration"), userAgent);
  }
  const configs = query.addresses.map((address) => queryOfAddress(address, userAgent));
  if (query.sdFiles.length > 0) {
    const base = queryOfAddress("unused", userAgent);
    const files = [{ globs: query.sdFiles, refreshMs: query.sdIntervalMs }];
    configs.push({ ...base, http: { ...base.http, addresses: [], files } });
  }
  return configs;
}

function grpcEndpoints(
  app: AppProcess,
  addresses: readonly string[],
  query: RuleOptions["query"],
): EndpointSet {
  const log = app.log.with({ component: "endpointset" });
  const resolver = new AddressResolver(systemDns, (message) => log.warn(message));
  const specs = new EndpointSpecs(
    {
      endpoints: addresses,
      strict: [],
      groups: [],
      strictGroups: [],
      client: { userAgent: `deucalion/${app.build.version}` },
    },
    {
      resolver,
      fileTargets: () => Promise.resolve([]),
      config: () => Promise.resolve({ defaultClient: {}, endpoints: [] }),
    },
  );
  return new EndpointSet(
    { dnsIntervalMs: query.dnsIntervalMs },
    {
      specs: () => specs.current(),
      refresh: () => specs.refresh(),
      decode: decodeChunkInto,
      log,
      now: app.now,
      interceptor: grpcClientMetrics(app.registry),
    },
  );
}

/** Nothing is looked up before `first`. Throws APP_CONFIG. */
export function openQueriers(
  app: AppProcess,
  query: RuleOptions["query"],
  { metrics, requests }: { readonly metrics: RulerMetrics; readonly requests: HttpClientMetrics },
): OpenQueriers {
  const { registry, now } = app;
  const log = app.log.with({ component: "rules" });
  const configs = configsOf(query, `Deucalion/${app.build.version}`);
  const dns = countedDns(systemDns, registry, "thanos_rule_query_apis");
  const resolved = providerResults(registry, "thanos_rule_query_apis");
  const targets = configs
    .map(({ http }) => {
      const warn = (message: string): void => log.warn(message);
      const { dnsIntervalMs } = query;
      return new HttpTargets(http, { dns, warn, now, dnsIntervalMs, resolved });
    })
    .filter((one) => !one.isEmpty);
  const grpcAddresses = [...query.grpcEndpoints, ...configs.flatMap(({ grpc }) => grpc)];
  const set = grpcAddresses.length === 0 ? null : grpcEndpoints(app, grpcAddresses, query);
  const random = Math.random;
  const queriers = new Queriers({
    prometheusParams: query.prometheusParams,
    http: new HttpQueriers({
      method: query.method,
      targets,
      send: (http, call) => requests.send("query", http, call),
      log,
      now,
      random,
      duplicate: () => metrics.duplicateQuerier(),
    }),
    grpc: set === null ? null : new GrpcQueriers({ queriers: () => set.queriers(), log, random }),
    log,
    warned: (strategy) => metrics.warned(strategy),
  });
  return {
    queriers,
    actors: targets.map((one) => one.actor),
    first: async () => {
      set?.start();
      await Promise.all([...targets.map((one) => one.refresh()), set?.firstUpdate]);
    },
    close: () => {
      for (const one of targets) one.client.close();
      void set?.close();
    },
  };
}
