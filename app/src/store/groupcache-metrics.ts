// Metrics of a groupcache, under Thanos' names.
import type { Groupcache } from "@deucalion/blocks";
import { Counter, Gauge, type Registry } from "prom-client";

/** `thanos_cache_groupcache_*`, read from the cache when they are asked for. */
export function groupcacheMetrics(registry: Registry, cache: Groupcache): void {
  const gauge = (name: string, help: string, read: () => Record<string, number>): void => {
    new Gauge({
      name: `thanos_cache_groupcache_${name}`,
      help,
      labelNames: ["cache"],
      registers: [registry],
      collect() {
        for (const [kind, value] of Object.entries(read())) this.set({ cache: kind }, value);
      },
    });
  };
  const counter = (
    name: string,
    help: string,
    label: string,
    read: () => Readonly<Record<string, number>>,
  ): void => {
    new Counter({
      name: `thanos_cache_groupcache_${name}`,
      help,
      labelNames: label === "" ? [] : [label],
      registers: [registry],
      collect() {
        this.reset();
        for (const [kind, value] of Object.entries(read()))
          this.inc(label === "" ? {} : { [label]: kind }, value);
      },
    });
  };
  const { main, hot, stats } = cache;
  gauge("bytes", "Bytes in memory.", () => ({ MainCache: main.bytes, HotCache: hot.bytes }));
  gauge("items", "Values in memory.", () => ({ MainCache: main.count, HotCache: hot.count }));
  counter("evictions_total", "Values that went to make room.", "cache", () => ({
    MainCache: main.evictions,
    HotCache: hot.evictions,
  }));
  new Gauge({
    name: "thanos_cache_groupcache_max_bytes",
    help: "Most bytes in memory.",
    registers: [registry],
  }).set(cache.options.bytesMax);
  const plain = (name: string, help: string, read: () => number): void =>
    counter(name, help, "", () => ({ all: read() }));
  plain("get_requests_total", "Values asked for, by peers too.", () => stats.gets);
  plain("loads_total", "Values that were not in memory.", () => {
    return stats.gets - stats.mainHits - stats.hotHits;
  });
  plain("peer_loads_total", "Values that peers gave.", () => stats.peerLoads);
  plain("peer_load_errors_total", "Values that peers did not give.", () => stats.peerLoadErrors);
  plain("backend_loads_total", "Values read from the bucket for peers.", () => stats.backendLoads);
  plain("backend_load_errors_total", "Values that could not be read for peers.", () => {
    return stats.backendLoadErrors;
  });
  counter("hits_total", "Values that were in memory.", "type", () => ({
    MainCache: stats.mainHits,
    HotCache: stats.hotHits,
  }));
}
