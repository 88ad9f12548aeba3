// The way of alerts to Alertmanagers, from the ruler's options.
import { systemDns } from "@deucalion/storeapi";
import { AppError } from "../errors.ts";
import { AlertQueue, alertQueueDefaults } from "../notify/alert-queue.ts";
import { AlertSender } from "../notify/alert-sender.ts";
import type { AppProcess } from "../process/app-process.ts";
import { countedDns, providerResults } from "../process/counted-dns.ts";
import type { Actor } from "../process/run-group.ts";
import { parseRelabel } from "../receive/relabel.ts";
import {
  type AlertmanagerConfig,
  alertmanagerOfUrl,
  parseAlertmanagersConfig,
} from "./clients/client-config.ts";
import type { HttpClientMetrics } from "./clients/http-client-metrics.ts";
import { HttpTargets } from "./clients/http-targets.ts";
import { parseYaml } from "./clients/yaml-fields.ts";
import type { RuleOptions } from "./options.ts";

export interface OpenNotifier {
  readonly queue: AlertQueue;
  readonly actors: readonly Actor[];
  /** Looks everything up once. */
  readonly first: () => Promise<void>;
  readonly close: () => void;
}

function configsOf({ alertmanagers }: RuleOptions, userAgent: string): AlertmanagerConfig[] {
  const { config, urls, timeoutMs } = alertmanagers;
  if (config === "") return urls.map((url) => alertmanagerOfUrl(url, timeoutMs, userAgent));
  return parseAlertmanagersConfig(parseYaml(config, "alertmanagers configuration"), userAgent);
}

/** Nothing is looked up before `first`. Throws APP_CONFIG. */
export function openNotifier(
  app: AppProcess,
  options: RuleOptions,
  requests: HttpClientMetrics,
): OpenNotifier {
  const { registry, now, log } = app;
  const configs = configsOf(options, `Deucalion/${app.build.version}`);
  if (configs.length === 0) log.warn("no alertmanager configured");
  const dns = countedDns(systemDns, registry, "thanos_rule_alertmanagers");
  const { dnsIntervalMs } = options.alertmanagers;
  const resolved = providerResults(registry, "thanos_rule_alertmanagers");
  const warn = (message: string): void => log.warn(message);
  const sets = configs.map(({ http, timeoutMs, apiVersion }) => ({
    targets: new HttpTargets(http, { dns, warn, now, dnsIntervalMs, resolved }),
    timeoutMs,
    apiVersion,
  }));
  const queue = new AlertQueue(
    {
      ...alertQueueDefaults,
      externalLabels: options.labels,
      labelDrop: options.alert.labelDrop,
      relabel: relabelRules(options.alert.relabelConfig),
    },
    { log, registry },
  );
  const sender = new AlertSender(
    sets.map(({ targets, ...rest }) => ({
      ...rest,
      urls: () => targets.urls(),
      send: (call) => requests.send("alertmanager", targets.client, call),
    })),
    { log, registry, now },
  );
  return {
    queue,
    actors: [...sets.map(({ targets }) => targets.actor), sender.actor(queue)],
    first: async () => {
      await Promise.all(sets.map(({ targets }) => targets.refresh()));
    },
    close: () => {
      for (const { targets } of sets) targets.client.close();
    },
  };
}

function relabelRules(text: string) {
  try {
    return parseRelabel(text);
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw new AppError("APP_CONFIG", "parse alert relabel configuration", {}, { cause });
  }
}
