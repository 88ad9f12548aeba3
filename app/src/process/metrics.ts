// The registry of a process and the metrics that every process has.
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Counter, Gauge, Registry } from "prom-client";
import type { BuildInfo } from "../version.ts";

/** So often the event loop is looked at: a process that does nothing else would spend most of its time on frequent looks. */
const lagLookMs = 250;

/** Makes the registry with build and process metrics. Values are read when they are scraped. */
export function createRegistry(info: BuildInfo): Registry {
  const registry = new Registry();
  const registers = [registry];
  new Gauge({
    name: "thanos_build_info",
    help: "Always 1; the labels say what is running.",
    labelNames: ["branch", "goarch", "goos", "goversion", "revision", "tags", "version"],
    registers,
  }).set(
    {
      branch: info.branch,
      goarch: process.arch === "x64" ? "amd64" : process.arch,
      goos: process.platform,
      goversion: `node${info.goVersion.replace(/^v/, "")}`,
      revision: info.revision,
      tags: "unknown",
      version: info.version,
    },
    1,
  );
  const started = Date.now() / 1000 - process.uptime();
  const gauge = (name: string, help: string, read: () => number) => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  };
  gauge("process_start_time_seconds", "Start of the process, in unix seconds.", () => started);
  gauge("process_resident_memory_bytes", "Resident memory.", () => process.memoryUsage.rss());
  new Counter({
    name: "process_cpu_seconds_total",
    help: "User and system CPU time.",
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  gauge("nodejs_heap_used_bytes", "JavaScript heap in use.", () => process.memoryUsage().heapUsed);
  gauge(
    "nodejs_heap_total_bytes",
    "JavaScript heap reserved.",
    () => process.memoryUsage().heapTotal,
  );
  gauge(
    "nodejs_external_memory_bytes",
    "Memory of buffers outside the heap.",
    () => process.memoryUsage().external,
  );
  gauge(
    "nodejs_active_resources",
    "Open handles and requests.",
    () => process.getActiveResourcesInfo().length,
  );
  const delay = monitorEventLoopDelay({ resolution: lagLookMs });
  delay.enable();
  gauge(
    "nodejs_eventloop_lag_max_seconds",
    "Longest delay of the event loop since the last scrape.",
    () => {
      const max = delay.max / 1e9;
      delay.reset();
      // The time between two looks is part of it.
      return Math.max(0, max - lagLookMs / 1000);
    },
  );
  return registry;
}
