// The endpoints of a querier, from its options: flags, files, DNS.
import { messageOf } from "@deucalion/base";
import type { ClientOptions } from "@deucalion/rpc";
import {
  type ApiEndpoint,
  connectionCounts,
  EndpointConfigFile,
  EndpointSet,
  EndpointSpecs,
  type EndpointStatus,
  FileTargets,
  type StoreEndpoint,
  systemDns,
} from "@deucalion/storeapi";
import { decodeChunkInto } from "@deucalion/tsdb";
import { Gauge } from "prom-client";
import { AppError } from "../errors.ts";
import { grpcClientMetrics } from "../grpc/grpc-client-metrics.ts";
import { clientTraces } from "../grpc/grpc-traces.ts";
import type { AppProcess } from "../process/app-process.ts";
import { countedDns } from "../process/counted-dns.ts";
import type { Actor } from "../process/run-group.ts";
import { tlsVersion } from "../process/tls-names.ts";
import type { QueryOptions } from "./options.ts";
import { WatchedResolver } from "./unresolved.ts";

function clientOptions(
  app: AppProcess,
  options: QueryOptions["grpcClient"],
): Partial<ClientOptions> {
  return {
    compression: options.compression,
    userAgent: `deucalion/${app.build.version}`,
    tls: options.secure
      ? {
          caFile: options.caFile,
          certFile: options.certFile,
          keyFile: options.keyFile,
          serverName: options.serverName,
          insecureSkipVerify: options.skipVerify,
          minVersion: tlsVersion(options.minVersion),
        }
      : null,
  };
}

/** YAML is loaded only where there is some to read. */
async function yamlParser(given: QueryOptions["endpoints"]): Promise<(text: string) => unknown> {
  const none = given.sdConfigFile === "" && given.sdConfig === "" && given.sdFiles.length === 0;
  if (none) return () => ({});
  const { parse } = await import("yaml");
  return (text) => (text.trim() === "" ? {} : parse(text));
}

/** The endpoints that answer, those that do not, and names without an address. */
export interface Endpoints {
  readonly set: EndpointSet;
  readonly stores: () => StoreEndpoint[];
  readonly apis: () => ApiEndpoint[];
  readonly statuses: () => EndpointStatus[];
}

/** Makes the set; it does not look anything up before `endpointsActor` runs. Throws APP_CONFIG. */
export async function createEndpoints(app: AppProcess, options: QueryOptions): Promise<Endpoints> {
  const given = options.endpoints;
  const parseYaml = await yamlParser(given);
  try {
    const config = await EndpointConfigFile.open(
      given.sdConfigFile,
      given.sdConfig,
      given.sdConfigReloadMs,
      {
        parseYaml,
        log: app.log,
        now: app.now,
      },
    );
    const warn = (message: string) => app.log.warn(message);
    const files = new FileTargets([...given.sdFiles], { parseYaml, warn });
    const resolver = new WatchedResolver(
      countedDns(systemDns, app.registry, "thanos_query_endpoints"),
      warn,
      3 * given.dnsIntervalMs,
      app.now,
    );
    const specs = new EndpointSpecs(
      {
        endpoints: given.addresses,
        strict: given.strict,
        groups: given.groups,
        strictGroups: given.groupsStrict,
        client: clientOptions(app, options.grpcClient),
      },
      {
        resolver,
        fileTargets: () => files.targets(),
        config: () => config.current(),
      },
    );
    const set = new EndpointSet(
      {
        infoTimeoutMs: given.infoTimeoutMs,
        unhealthyTimeoutMs: given.unhealthyTimeoutMs,
        dnsIntervalMs: given.dnsIntervalMs,
      },
      {
        specs: () => specs.current(),
        refresh: () => specs.refresh(),
        decode: decodeChunkInto,
        log: app.log.with({ component: "endpointset" }),
        now: app.now,
        interceptor: clientTraces(app.tracer, grpcClientMetrics(app.registry)),
      },
    );
    connectionMetric(app, options, set);
    return {
      set,
      stores: () => [...set.stores(), ...resolver.stores()],
      apis: () => [...set.apis(), ...resolver.apis()],
      statuses: () => [...set.statuses(), ...resolver.statuses()],
    };
  } catch (cause) {
    throw new AppError("APP_CONFIG", messageOf(cause), {}, { cause });
  }
}

function connectionMetric(app: AppProcess, options: QueryOptions, set: EndpointSet): void {
  const labels = options.connectionMetricLabels;
  new Gauge({
    name: "thanos_store_nodes_grpc_connections",
    help: "Connections to stores, by what the labels tell.",
    labelNames: [...labels],
    registers: [app.registry],
    collect() {
      this.reset();
      for (const { labels: values, count } of connectionCounts(set.statuses(), labels)) {
        this.set(values, count);
      }
    },
  });
}

/** Keeps the endpoints up to date until the process stops. */
export function endpointsActor(set: EndpointSet, onFirst: () => void): Actor {
  let stop: () => void = () => undefined;
  return {
    name: "endpoints",
    execute: async () => {
      const stopped = new Promise<void>((resolve) => {
        stop = resolve;
      });
      set.start();
      await Promise.race([set.firstUpdate, stopped]);
      onFirst();
      await stopped;
      await set.close();
    },
    interrupt: () => stop(),
  };
}
