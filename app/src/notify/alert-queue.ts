// Alerts that wait to be sent, in the form in which Alertmanagers are to see them.
import type { Log } from "@deucalion/base";
import type { Labels } from "@deucalion/model";
import { Counter, Gauge, type Registry } from "prom-client";
import { type RelabelRule, relabel } from "../receive/relabel.ts";

/** One alert as Alertmanager is told of it. Times in Unix ms. */
export interface OutgoingAlert {
  readonly labels: Labels;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: number;
  /** When it ended, or until when it counts as firing without hearing of it again. */
  readonly endsAt: number;
  readonly generatorUrl: string;
}

export interface AlertQueueOptions {
  /** Beyond so many alerts the oldest are dropped. */
  readonly alertsMax: number;
  /** Alerts that are taken out at once. */
  readonly batchMax: number;
  /** Put onto every alert; they win over its own. */
  readonly externalLabels: Labels;
  /** Names of labels that are taken off, external ones too. */
  readonly labelDrop: readonly string[];
  readonly relabel: readonly RelabelRule[];
}

/** Thanos' bounds. */
export const alertQueueDefaults = { alertsMax: 10_000, batchMax: 100 } as const;

export interface AlertQueueDeps {
  readonly log: Log;
  readonly registry: Registry;
}

/** A bounded queue with one consumer. */
export class AlertQueue {
  readonly #options: AlertQueueOptions;
  readonly #log: Log;
  readonly #external: readonly (readonly [string, string])[];
  readonly #drop: ReadonlySet<string>;
  readonly #pushed: Counter;
  readonly #popped: Counter;
  readonly #dropped: Counter;
  #alerts: OutgoingAlert[] = [];
  #more: (() => void) | null = null;

  constructor(options: AlertQueueOptions, deps: AlertQueueDeps) {
    this.#options = options;
    this.#log = deps.log;
    this.#drop = new Set(options.labelDrop);
    this.#external = [...options.externalLabels.drop(this.#drop)];
    const registers = [deps.registry];
    const counter = (name: string, help: string) =>
      new Counter({ name: `thanos_alert_queue_alerts_${name}_total`, help, registers });
    this.#dropped = counter("dropped", "Alerts dropped because the queue was full.");
    this.#pushed = counter("pushed", "Alerts put into the queue.");
    this.#popped = counter("popped", "Alerts taken out of the queue.");
    new Gauge({
      name: "thanos_alert_queue_capacity",
      help: "Alerts that the queue holds at most.",
      registers,
    }).set(options.alertsMax);
    const length = (): number => this.#alerts.length;
    new Gauge({
      name: "thanos_alert_queue_length",
      help: "Alerts in the queue.",
      registers,
      collect() {
        this.set(length());
      },
    });
  }

  get length(): number {
    return this.#alerts.length;
  }

  /** Queues alerts under their outgoing labels; what relabelling drops is left out. */
  push(alerts: readonly OutgoingAlert[]): void {
    if (alerts.length === 0) return;
    this.#pushed.inc(alerts.length);
    for (const alert of alerts) {
      const labels = this.#outgoing(alert.labels);
      if (labels !== null) this.#alerts.push({ ...alert, labels });
    }
    const over = this.#alerts.length - this.#options.alertsMax;
    if (over > 0) {
      this.#alerts = this.#alerts.slice(over);
      this.#dropped.inc(over);
      this.#log.warn("Alert notification queue full, dropping alerts", { numDropped: over });
    }
    if (this.#alerts.length > 0) this.#more?.();
  }

  #outgoing(labels: Labels): Labels | null {
    let out = labels.drop(this.#drop);
    for (const [name, value] of this.#external) out = out.with(name, value);
    return relabel(out, this.#options.relabel);
  }

  /** Waits for alerts and takes the oldest; empty once the signal aborts. */
  async pop(signal: AbortSignal): Promise<OutgoingAlert[]> {
    while (this.#alerts.length === 0 && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          signal.removeEventListener("abort", done);
          this.#more = null;
          resolve();
        };
        this.#more = done;
        signal.addEventListener("abort", done);
      });
    }
    return this.take();
  }

  /** Takes the oldest alerts without waiting. */
  take(): OutgoingAlert[] {
    const batch = this.#alerts.splice(0, this.#options.batchMax);
    this.#popped.inc(batch.length);
    return batch;
  }
}
