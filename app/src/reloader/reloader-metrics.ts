// Metrics of the reloader, under Thanos' names.
import { Counter, Gauge, type Registry } from "prom-client";

/** `thanos_sidecar_reloader_*` */
export class ReloaderMetrics {
  readonly reloads: Counter;
  readonly reloadFailures: Counter;
  readonly applies: Counter;
  readonly applyFailures: Counter;
  readonly watchEvents: Counter;
  readonly watchErrors: Counter;
  readonly expansionErrors: Gauge;
  readonly watches: Gauge;
  readonly #success: Gauge;
  readonly #successTime: Gauge;

  constructor(registry: Registry, method: "http" | "signal") {
    const registers = [registry];
    const name = (rest: string): string => `thanos_sidecar_reloader_${rest}`;
    const counter = (rest: string, help: string) =>
      new Counter({ name: name(rest), help, registers });
    const gauge = (rest: string, help: string) => new Gauge({ name: name(rest), help, registers });
    this.reloads = counter("reloads_total", "Reloads asked for.");
    this.reloadFailures = counter("reloads_failed_total", "Reloads that failed.");
    this.applies = counter("config_apply_operations_total", "Looks at the configuration.");
    this.applyFailures = counter("config_apply_operations_failed_total", "Looks that failed.");
    this.watchEvents = counter("watch_events_total", "Changes that the file system told of.");
    this.watchErrors = counter("watch_errors_total", "Failures of watching the file system.");
    this.expansionErrors = gauge(
      "config_environment_variable_expansion_errors",
      "Variables that were not set at the last look.",
    );
    this.watches = gauge("watches", "Files and folders that are watched.");
    this.#success = gauge("last_reload_successful", "1 if the last reload worked.");
    this.#successTime = gauge(
      "last_reload_success_timestamp_seconds",
      "When a reload last worked, in Unix seconds.",
    );
    new Gauge({
      name: name("info"),
      help: "Always 1; the label says how Prometheus is told.",
      labelNames: ["method"],
      registers,
    }).set({ method }, 1);
  }

  reloaded(ok: boolean, nowMs: number): void {
    this.#success.set(ok ? 1 : 0);
    if (ok) this.#successTime.set(nowMs / 1000);
  }
}
