// Sends alerts to all Alertmanagers.

import type { IncomingMessage } from "node:http";
import { type Log, messageOf } from "@deucalion/base";
import { Counter, Histogram, type Registry } from "prom-client";
import type { Actor } from "../process/run-group.ts";
import type { HttpCall } from "../prometheus/http-client.ts";
import { pause } from "../prometheus/prometheus-watch.ts";
import { withinDeadline } from "../rule/clients/within-deadline.ts";
import type { AlertQueue, OutgoingAlert } from "./alert-queue.ts";

/** One section of the configuration: a cluster of Alertmanagers. */
export interface AlertmanagerSet {
  /** Base addresses as they are known now. */
  readonly urls: () => readonly URL[];
  /** Sends a request; resolves with the head of the answer. */
  readonly send: (call: HttpCall) => Promise<IncomingMessage>;
  readonly timeoutMs: number;
  readonly apiVersion: "v1" | "v2";
}

export interface AlertSenderDeps {
  readonly log: Log;
  readonly registry: Registry;
  readonly now: () => number;
}

/** A batch that no Alertmanager took is tried so often before it is dropped; its alerts come again anyway. */
const triesMax = 3;
const retryMs = 500;
/** At the end of the process what is queued gets so long to be sent. */
const drainMs = 5000;

/** The body that both versions of the API take. */
export function alertsJson(alerts: readonly OutgoingAlert[]): string {
  return JSON.stringify(
    alerts.map(({ labels, annotations, startsAt, endsAt, generatorUrl }) => ({
      labels,
      annotations,
      startsAt: new Date(startsAt).toISOString(),
      endsAt: new Date(endsAt).toISOString(),
      generatorURL: generatorUrl,
    })),
  );
}

/** Takes batches out of a queue and sends each to every Alertmanager. */
export class AlertSender {
  readonly #sets: readonly AlertmanagerSet[];
  readonly #deps: AlertSenderDeps;
  readonly #sent: Counter<"alertmanager">;
  readonly #errors: Counter<"alertmanager">;
  readonly #dropped: Counter;
  readonly #latency: Histogram<"alertmanager">;

  constructor(sets: readonly AlertmanagerSet[], deps: AlertSenderDeps) {
    this.#sets = sets;
    this.#deps = deps;
    const registers = [deps.registry];
    const labelNames = ["alertmanager"] as const;
    this.#sent = new Counter({
      name: "thanos_alert_sender_alerts_sent_total",
      help: "Alerts sent, by Alertmanager.",
      labelNames,
      registers,
    });
    this.#errors = new Counter({
      name: "thanos_alert_sender_errors_total",
      help: "Failures to send alerts, by Alertmanager.",
      labelNames,
      registers,
    });
    this.#dropped = new Counter({
      name: "thanos_alert_sender_alerts_dropped_total",
      help: "Alerts that no Alertmanager took.",
      registers,
    });
    this.#latency = new Histogram({
      name: "thanos_alert_sender_latency_seconds",
      help: "Time to send alerts, by Alertmanager.",
      labelNames,
      registers,
    });
  }

  async #post(
    set: AlertmanagerSet,
    base: URL,
    body: string,
    count: number,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { log, now } = this.#deps;
    const alertmanager = base.host;
    const begun = now();
    const url = new URL(base);
    url.pathname = `${url.pathname.replace(/\/$/, "")}/api/${set.apiVersion}/alerts`;
    const headers = { "content-type": "application/json" };
    try {
      await withinDeadline(signal, set.timeoutMs, "context deadline exceeded", async (limited) => {
        const response = await set.send({
          method: "POST",
          url,
          headers,
          body,
          signal: limited,
        });
        response.resume();
        const status = response.statusCode ?? 0;
        if (status < 200 || status > 299) {
          throw new Error(`bad response status ${status} from ${JSON.stringify(url.href)}`);
        }
      });
    } catch (error) {
      this.#errors.inc({ alertmanager });
      log.warn("sending alerts failed", { alertmanager, numAlerts: count, err: messageOf(error) });
      return false;
    }
    this.#latency.observe({ alertmanager }, (now() - begun) / 1000);
    this.#sent.inc({ alertmanager }, count);
    return true;
  }

  /** Sends a batch to all Alertmanagers; what none takes is dropped after a few tries. */
  async send(alerts: readonly OutgoingAlert[], signal: AbortSignal): Promise<void> {
    if (alerts.length === 0) return;
    const body = alertsJson(alerts);
    for (let tries = 1; ; tries++) {
      const posts = this.#sets.flatMap((set) => set.urls().map((url) => ({ set, url })));
      const taken = await Promise.all(
        posts.map(({ set, url }) => this.#post(set, url, body, alerts.length, signal)),
      );
      if (taken.includes(true)) return;
      if (posts.length === 0 || tries >= triesMax || signal.aborted) break;
      await pause(retryMs * tries, signal);
    }
    this.#dropped.inc(alerts.length);
    this.#deps.log.warn("failed to send alerts to all alertmanagers", { numAlerts: alerts.length });
  }

  /** Sends what comes into the queue until it is stopped; then what is left, for a few seconds. */
  actor(queue: AlertQueue): Actor {
    const stop = new AbortController();
    const hard = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    return {
      name: "alert sender",
      execute: async () => {
        while (!stop.signal.aborted) await this.send(await queue.pop(stop.signal), hard.signal);
        while (queue.length > 0 && !hard.signal.aborted) await this.send(queue.take(), hard.signal);
        clearTimeout(timer);
      },
      interrupt: () => {
        timer = setTimeout(() => hard.abort(new Error("stopping")), drainMs);
        stop.abort(new Error("stopping"));
      },
    };
  }
}
