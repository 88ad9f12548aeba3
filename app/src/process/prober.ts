// Healthy and ready, as /-/healthy and /-/ready tell them; every change is logged and counted.
import type { Log } from "@deucalion/base";
import { Gauge, type Registry } from "prom-client";

/** The two states of a component. Both begin as "not". */
export class Prober {
  #ready = false;
  #healthy = false;
  readonly #log: Log;
  readonly #component: string;
  readonly #status: Gauge<"check" | "component">;
  readonly #listeners: ((ready: boolean) => void)[] = [];

  constructor(component: string, deps: { readonly log: Log; readonly registry: Registry }) {
    this.#log = deps.log;
    this.#component = component;
    this.#status = new Gauge({
      name: "thanos_status",
      help: "State of the component: 1 for ready or healthy.",
      labelNames: ["component", "check"],
      registers: [deps.registry],
    });
    this.#status.set({ component, check: "ready" }, 0);
    this.#status.set({ component, check: "healthy" }, 0);
  }

  get isReady(): boolean {
    return this.#ready;
  }

  get isHealthy(): boolean {
    return this.#healthy;
  }

  /** Calls `listener` at every change of readiness (gRPC health follows it). */
  onReady(listener: (ready: boolean) => void): void {
    this.#listeners.push(listener);
    listener(this.#ready);
  }

  ready(): void {
    if (this.#ready) return;
    this.#ready = true;
    this.#log.info("changing probe status", { status: "ready" });
    this.#changed("ready", 1);
  }

  notReady(reason: unknown): void {
    if (this.#ready) {
      this.#log.warn("changing probe status", { status: "not-ready", reason: reason ?? null });
    }
    this.#ready = false;
    this.#changed("ready", 0);
  }

  healthy(): void {
    if (this.#healthy) return;
    this.#healthy = true;
    this.#log.info("changing probe status", { status: "healthy" });
    this.#changed("healthy", 1);
  }

  notHealthy(reason: unknown): void {
    if (this.#healthy) {
      this.#log.info("changing probe status", { status: "not-healthy", reason: reason ?? null });
    }
    this.#healthy = false;
    this.#changed("healthy", 0);
  }

  #changed(check: "ready" | "healthy", value: number): void {
    this.#status.set({ component: this.#component, check }, value);
    if (check === "ready") for (const listener of this.#listeners) listener(value === 1);
  }
}
