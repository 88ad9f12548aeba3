// Runs the ruler: evaluates rules on queriers, stores what they give, sends alerts, serves all of it.
import { messageOf } from "@deucalion/base";
import { loadXxhash64, type Xxhash64 } from "@deucalion/kernels";
import type { Service } from "@deucalion/rpc";
import {
  parseRuleFile,
  type RuleGroupSpec,
  RuleManager,
  ruleGroupDefaults,
} from "@deucalion/rules";
import {
  type InfoResponse,
  infoService,
  int64Max,
  rulesService,
  StoreApiError,
  statusService,
  storeService,
} from "@deucalion/storeapi";
import { createGrpc } from "../grpc/create-grpc.ts";
import { createHttp } from "../http/create-http.ts";
import type { AppProcess } from "../process/app-process.ts";
import type { Prober } from "../process/prober.ts";
import type { Actor } from "../process/run-group.ts";
import { pause } from "../prometheus/prometheus-watch.ts";
import { shipperMetrics } from "../sidecar/shipper-metrics.ts";
import { openConfiguredBucket } from "../store/open-bucket.ts";
import { registerRuleApi } from "./api/rule-api.ts";
import { RuleStatus } from "./api/rule-status.ts";
import { OwnRules } from "./api/rules-source.ts";
import { HttpClientMetrics } from "./clients/http-client-metrics.ts";
import { parseYaml } from "./clients/yaml-fields.ts";
import { openNotifier } from "./open-notifier.ts";
import { type OpenQueriers, openQueriers } from "./open-queriers.ts";
import type { RuleOptions } from "./options.ts";
import { outgoingAlerts, sourceLink } from "./outgoing-alerts.ts";
import { parseOptionsOf } from "./parse-options.ts";
import { BatchedQueries } from "./query/batched-queries.ts";
import { queryForState } from "./query/query-for-state.ts";
import { parseRemoteWrite } from "./remote-write/remote-write-config.ts";
import { RuleFiles } from "./rule-files.ts";
import { type RulerMetrics, rulerMetrics } from "./rule-metrics.ts";
import { RemoteStorage } from "./storage/remote-storage.ts";
import type { RuleStorage } from "./storage/rule-storage.ts";
import { tsdbMetrics } from "./storage/tsdb-metrics.ts";
import { TsdbStorage } from "./storage/tsdb-storage.ts";

/** The first lookups of queriers and Alertmanagers get so long; then rules begin without them. */
const firstLookMs = 10_000;

/** Serves until the process stops. Throws APP_CONFIG. */
export async function runRule(options: RuleOptions, app: AppProcess): Promise<void> {
  const { log, now } = app;
  const metrics = rulerMetrics(app.registry);
  const link = sourceLink(options.alert.queryUrl, options.alert.queryTemplate);
  const requests = new HttpClientMetrics(app.registry);
  const queriers = openQueriers(app, options.query, { metrics, requests });
  const notifier = openNotifier(app, options, requests);
  const hash = await loadXxhash64();
  const { server, prober } = await createHttp(app, options.http, options.requestLoggingConfig);
  const storage = await openStorage(options, app, { metrics, queriers, hash });
  const rulesLog = log.with({ component: "rules" });
  const batched = new BatchedQueries({
    query: (expr, timeMs, asking) => queriers.queriers.query(expr, timeMs, asking),
    now,
    log: rulesLog,
  });
  const { rules } = options;
  const manager = new RuleManager(
    {
      query: (expr, timeMs, asking) => batched.query(expr, timeMs, asking),
      prepare: (specs, timeMs, asking) => batched.prepare(specs, timeMs, asking),
      queryRange: (expr, startMs, endMs, stepMs, asking) =>
        queriers.queriers.queryRange(expr, startMs, endMs, stepMs, asking),
      append: (samples, signal) => storage.append(samples, signal),
      settle: async (signal) => storage.settle?.(signal),
      readForState: (matchers, minTimeMs, maxTimeMs, signal) =>
        storage.readForState(matchers, minTimeMs, maxTimeMs, signal),
      notify: (query, alerts) => notifier.queue.push(outgoingAlerts(alerts, query, link)),
      now,
      log: rulesLog,
      metrics: metrics.evaluation,
      hash,
      sleep: pause,
    },
    {
      ...ruleGroupDefaults,
      intervalMs: rules.intervalMs,
      queryOffsetMs: rules.queryOffsetMs,
      resendDelayMs: rules.resendDelayMs,
      outageToleranceMs: rules.outageToleranceMs,
      gracePeriodMs: rules.gracePeriodMs,
      concurrentEvaluations: rules.concurrentEvaluations,
      externalLabels: options.labels,
      externalUrl: options.alert.queryUrl,
      backfillMs: backfillMs(options),
    },
  );
  const reload = reloader(options, app, {
    metrics,
    update: async (groups) => {
      batched.keep(new Set(groups.flatMap((group) => group.rules.map(({ query }) => query))));
      await manager.update(groups);
    },
  });
  const own = new OwnRules(() => manager.groups, options.labels);
  await registerRuleApi(
    server,
    { ...options.web, queryUrl: options.alert.queryUrl, parse: parseOptionsOf(options.query) },
    { app, rules: own, reload: () => reload(false) },
  );
  const services = [
    rulesService(own),
    infoService(() => ruleInfo(options, storage, prober)),
    ...storeServices(options, storage, prober, hash),
  ];
  const grpc = createGrpc(app, options.grpc, prober, services);
  const users = new Users();
  app.group.add(server);
  app.group.add(users.before(grpc.actor));
  for (const actor of queriers.actors) app.group.add(actor);
  app.group.add(
    users.before(
      managerActor({
        app,
        manager,
        prober,
        reload,
        first: () => Promise.all([queriers.first(), notifier.first()]),
        ended: () => queriers.close(),
      }),
    ),
  );
  for (const actor of notifier.actors) app.group.add(actor);
  app.group.add(users.after(storage.actor));
  log.info("starting rule node");
}

/** Storage ends when nobody uses it any more. */
class Users {
  readonly #ends: Promise<void>[] = [];

  before(actor: Actor): Actor {
    let ended: () => void = () => undefined;
    this.#ends.push(
      new Promise((resolve) => {
        ended = resolve;
      }),
    );
    return {
      name: actor.name,
      execute: () => actor.execute().finally(() => ended()),
      interrupt: (reason) => actor.interrupt(reason),
    };
  }

  after(actor: Actor): Actor {
    return {
      name: actor.name,
      execute: () => actor.execute(),
      interrupt: async (reason) => {
        await Promise.all(this.#ends);
        await actor.interrupt(reason);
      },
    };
  }
}

/** A database takes samples up to half a block back. */
function backfillMs({ remoteWriteConfig, database }: RuleOptions): number {
  const most = ruleGroupDefaults.backfillMs;
  return remoteWriteConfig.trim() === "" ? Math.min(most, database.chunkRangeMs / 2) : most;
}

interface StorageParts {
  readonly metrics: RulerMetrics;
  readonly queriers: OpenQueriers;
  readonly hash: Xxhash64;
}

async function openStorage(
  options: RuleOptions,
  app: AppProcess,
  { metrics, queriers, hash }: StorageParts,
): Promise<RuleStorage> {
  const { log, now, registry } = app;
  const { dataDir, labels, remoteWriteConfig, bucketConfig } = options;
  const ask: RuleStorage["readForState"] = (matchers, minTimeMs, maxTimeMs, signal) => {
    const ignoredLabels = options.rules.restoreIgnoredLabels;
    const about = { externalLabels: labels, ignoredLabels };
    return queryForState(queriers.queriers, about, matchers, minTimeMs, maxTimeMs, signal);
  };
  const document = parseYaml(remoteWriteConfig, "remote write configuration");
  if (document !== null && document !== undefined) {
    const targets = parseRemoteWrite(document, `Deucalion/${app.build.version}`);
    return new RemoteStorage(
      { dir: dataDir, externalLabels: labels, targets },
      { log, registry, now, readForState: ask },
    );
  }
  const about = { component: app.component, log, source: options.bucketConfigSource };
  const bucket = bucketConfig === "" ? null : openConfiguredBucket(bucketConfig, registry, about);
  if (bucket === null) {
    log.info("no supported bucket was configured, uploads will be disabled");
  }
  let open: TsdbStorage | null = null;
  const events = tsdbMetrics(registry, options.database.retentionMs, () => open?.db ?? null);
  open = await TsdbStorage.open(
    { dir: dataDir, externalLabels: labels, database: options.database, shipper: options.shipper },
    {
      log: log.with({ component: "tsdb" }),
      now,
      askForState: ask,
      hash,
      bucket,
      shipperEvents: bucket === null ? null : shipperMetrics(registry, now),
      damaged: () => metrics.damaged(),
      events,
    },
  );
  return open;
}

/** Reads the rule files, one call after the other. `first` makes any error fatal. */
function reloader(
  options: RuleOptions,
  app: AppProcess,
  {
    metrics,
    update,
  }: {
    readonly metrics: RulerMetrics;
    readonly update: (groups: readonly RuleGroupSpec[]) => Promise<void>;
  },
): (first: boolean) => Promise<void> {
  const { log, now } = app;
  const parse = parseOptionsOf(options.query);
  const files = new RuleFiles(options.rules.files, {
    log,
    parse: (text, name) => parseRuleFile(text, name, { parse }),
  });
  let turn: Promise<void> = Promise.resolve();
  return (first) => {
    const next = turn.then(async () => {
      const { groups, error } = await files.load();
      metrics.reloaded(error === null, now());
      if (error === null || !first) {
        metrics.loaded(groups);
        await update(groups);
      }
      if (error !== null) throw error;
    });
    turn = next.catch(() => undefined);
    return next;
  };
}

interface ManagerParts {
  readonly app: AppProcess;
  readonly manager: RuleManager;
  readonly prober: Prober;
  readonly reload: (first: boolean) => Promise<void>;
  readonly first: () => Promise<unknown>;
  readonly ended: () => void;
}

/** Loads the rules, evaluates them until it is stopped, and waits for evaluations under way. */
function managerActor({ app, manager, prober, reload, first, ended }: ManagerParts): Actor {
  const { log, signals } = app;
  const stop = new AbortController();
  return {
    name: "rules",
    execute: async () => {
      try {
        await Promise.race([
          first().catch((error: unknown) => {
            log.warn("looking up queriers and alertmanagers failed", { err: messageOf(error) });
          }),
          pause(firstLookMs, stop.signal),
        ]);
        if (stop.signal.aborted) return;
        await reload(true);
        signals.onReload(() => {
          reload(false).catch((error: unknown) => {
            log.error("reload rules by sighup failed", { err: messageOf(error) });
          });
        });
        manager.start();
        prober.ready();
        await new Promise<void>((resolve) => {
          if (stop.signal.aborted) resolve();
          stop.signal.addEventListener("abort", () => resolve());
        });
      } finally {
        await manager.stop();
        ended();
      }
    },
    interrupt: () => stop.abort(new Error("stopping")),
  };
}

/** Throws STOREAPI_NOT_READY before rules are loaded. */
function ruleInfo(options: RuleOptions, storage: RuleStorage, prober: Prober): InfoResponse {
  if (!prober.isReady) throw new StoreApiError("STOREAPI_NOT_READY", "Not ready");
  if (!(storage instanceof TsdbStorage)) {
    return { labelSets: [], componentType: "rule", rules: {} };
  }
  const { labels } = options;
  const { minTime } = storage.db.timeRange;
  // Without a sample there is no oldest one yet.
  const from = Number.isFinite(minTime) ? minTime : int64Max;
  return {
    labelSets: labels.size === 0 ? [] : [labels],
    componentType: "rule",
    store: {
      minTime: from,
      maxTime: int64Max,
      supportsSharding: true,
      supportsWithoutReplicaLabels: true,
      tsdbInfos: [{ labels, minTime: from, maxTime: int64Max }],
      supportsProjections: false,
      supportsAnyOf: false,
    },
    rules: {},
    status: {},
  };
}

/** What only a ruler with a database has. */
function storeServices(
  options: RuleOptions,
  storage: RuleStorage,
  prober: Prober,
  hash: Xxhash64,
): Service[] {
  if (!(storage instanceof TsdbStorage)) return [];
  const { series, samples } = options.limits;
  return [
    storeService({ source: storage.source, hash }, { seriesMax: series, samplesMax: samples }),
    statusService(new RuleStatus(storage, () => prober.isReady)),
  ];
}
