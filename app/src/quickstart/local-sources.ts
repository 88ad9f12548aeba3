// What the quickstart queries, all in this process: the demo's bucket, and Prometheus servers through a sidecar each.
import { type Log, messageOf } from "@deucalion/base";
import type { Xxhash64 } from "@deucalion/kernels";
import type { SeriesSource } from "@deucalion/model";
import type { ApiEndpoint, EndpointStatus, StoreEndpoint } from "@deucalion/storeapi";
import { decodeChunkInto } from "@deucalion/tsdb";
import { HttpClient, httpClientDefaults } from "../prometheus/http-client.ts";
import { PrometheusApis } from "../prometheus/prometheus-apis.ts";
import { PrometheusClient } from "../prometheus/prometheus-client.ts";
import { PrometheusRules } from "../prometheus/prometheus-rules.ts";
import { PrometheusSource } from "../prometheus/prometheus-source.ts";
import { PrometheusWatch } from "../prometheus/prometheus-watch.ts";

/** A source in this process, as the fan-out, the small APIs and the stores page see it. */
export interface LocalSource {
  readonly store: () => StoreEndpoint;
  readonly api: () => ApiEndpoint;
  readonly status: () => EndpointStatus;
  readonly close: () => void;
}

/** APIs beside series that a source in this process may have. */
type LocalApis = Partial<Pick<ApiEndpoint, "exemplars" | "status">>;

/** A source that is always there: the bucket's blocks, or what was written to this process. */
export function ownSource(
  kind: "store" | "receive",
  source: SeriesSource,
  apis: LocalApis,
  name: string,
  now: () => number,
): LocalSource {
  const { store, api } = endpointViews(name, kind, source, () => null);
  const { exemplars = null, status = null } = apis;
  return {
    store,
    api: () => ({ ...api(), rules: null, targets: null, metadata: null, exemplars, status }),
    status: () => ({
      ...source.info(),
      name,
      kind,
      state: "healthy",
      strict: true,
      lastCheck: now(),
      lastSuccess: now(),
      lastError: null,
      listed: true,
      apis: [
        "store",
        ...(exemplars === null ? [] : ["exemplars" as const]),
        ...(status === null ? [] : ["status" as const]),
      ],
    }),
    close: () => undefined,
  };
}

function endpointViews(
  address: string,
  kind: "store" | "sidecar" | "receive",
  source: SeriesSource,
  unreachable: () => string | null,
): {
  store: () => StoreEndpoint;
  api: () => Pick<ApiEndpoint, "address" | "kind" | "labelSets" | "unreachable">;
} {
  return {
    store: () => ({
      address,
      kind,
      local: false,
      source,
      supportsSharding: true,
      supportsWithoutReplicaLabels: true,
      unreachable: unreachable(),
    }),
    api: () => ({
      address,
      kind,
      labelSets: () => source.info().labelSets,
      unreachable: unreachable(),
    }),
  };
}

export interface PrometheusLocalDeps {
  readonly log: Log;
  readonly hash: Xxhash64;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** A Prometheus server. It is asked at once and every 30 s; while it does not answer it is listed with its error. */
export async function prometheusSource(url: URL, deps: PrometheusLocalDeps): Promise<LocalSource> {
  const http = new HttpClient({ ...httpClientDefaults, userAgent: "Deucalion-quickstart" });
  const client = new PrometheusClient(http, url);
  let lastCheck = 0;
  let lastSuccess = 0;
  let lastError: string | null = "not asked yet";
  const looked = (error: unknown): void => {
    lastCheck = deps.now();
    if (error === null) lastSuccess = lastCheck;
    lastError = error === null ? null : messageOf(error);
  };
  const watch = new PrometheusWatch(
    { intervalMs: 5000, timeoutMs: 5000, minTime: () => Number.NEGATIVE_INFINITY },
    { client, log: deps.log, onLook: looked },
  );
  try {
    await watch.look(deps.signal);
    looked(null);
  } catch (error) {
    looked(error);
  }
  void watch.keepLooking(deps.signal);
  const source = new PrometheusSource({
    client,
    state: () => watch.state,
    decode: decodeChunkInto,
    hash: deps.hash,
  });
  const apis = new PrometheusApis(client, () => watch.state.externalLabels);
  const name = url.origin;
  const { store, api } = endpointViews(name, "sidecar", source, () => lastError);
  return {
    store,
    api: () => ({
      ...api(),
      rules: new PrometheusRules(client, () => watch.state.externalLabels),
      targets: apis,
      metadata: apis,
      exemplars: apis,
      status: apis,
    }),
    status: () => ({
      ...source.info(),
      name,
      kind: "sidecar",
      state: lastError === null ? "healthy" : lastSuccess === 0 ? "never" : "failing",
      strict: true,
      lastCheck,
      lastSuccess,
      lastError,
      listed: true,
      apis: ["store", "rules", "targets", "metadata", "exemplars", "status"],
    }),
    close: () => http.close(),
  };
}

/** True if a Prometheus server (or something that speaks its API) answers at the address. */
export async function prometheusAnswers(url: URL): Promise<boolean> {
  const http = new HttpClient(httpClientDefaults);
  try {
    await new PrometheusClient(http, url).version(AbortSignal.timeout(1000));
    return true;
  } catch {
    return false;
  } finally {
    http.close();
  }
}
