// Metrics of receiving. Names are Thanos'.
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { TenantStores } from "./tenants/tenant-stores.ts";
import type { WriteOutcome } from "./write/write-http.ts";

export interface ReceiveMetrics {
  readonly observe: (outcome: WriteOutcome) => void;
  readonly forwarded: (ok: boolean, replication: boolean) => void;
  readonly damaged: (tenant: string) => void;
  readonly pending: Gauge;
}

/** Registers them. Figures of tenants are read when they are scraped. */
export function receiveMetrics(
  registry: Registry,
  replicationFactor: number,
  stores: () => TenantStores | null,
): ReceiveMetrics {
  const registers = [registry];
  const codeTenant = ["code", "tenant"] as const;
  const buckets = [10, 50, 100, 500, 1000, 5000, 10_000];
  const series = new Histogram({
    name: "thanos_receive_write_timeseries",
    help: "Series of one write.",
    labelNames: codeTenant,
    buckets,
    registers,
  });
  const samples = new Histogram({
    name: "thanos_receive_write_samples",
    help: "Samples of one write.",
    labelNames: codeTenant,
    buckets,
    registers,
  });
  const seconds = new Histogram({
    name: "thanos_receive_http_request_duration_seconds",
    help: "Time that writes over HTTP took.",
    labelNames: ["code", "handler", "tenant"] as const,
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10],
    registers,
  });
  const requests = new Counter({
    name: "thanos_receive_http_requests_total",
    help: "Writes over HTTP.",
    labelNames: ["code", "handler", "tenant"] as const,
    registers,
  });
  const bytes = new Counter({
    name: "thanos_receive_http_request_bytes_total",
    help: "Bytes of bodies, as they came.",
    labelNames: ["handler", "tenant"] as const,
    registers,
  });
  const forwards = new Counter({
    name: "thanos_receive_forward_requests_total",
    help: "Requests to other receivers.",
    labelNames: ["result"] as const,
    registers,
  });
  const replications = new Counter({
    name: "thanos_receive_replications_total",
    help: "Requests to other receivers that were the first of their series.",
    labelNames: ["result"] as const,
    registers,
  });
  for (const result of ["success", "error"]) {
    forwards.inc({ result }, 0);
    replications.inc({ result }, 0);
  }
  new Gauge({
    name: "thanos_receive_replication_factor",
    help: "Copies of each sample.",
    registers,
  }).set(replicationFactor);
  const damage = new Counter({
    name: "deucalion_receive_damaged_total",
    help: "Parts of a tenant's data that could not be read when it was opened.",
    labelNames: ["tenant"] as const,
    registers,
  });
  const perTenant = (
    name: string,
    help: string,
    read: (tenant: string, stores: TenantStores) => number,
  ): void => {
    new Gauge({
      name,
      help,
      labelNames: ["tenant"] as const,
      registers,
      collect() {
        this.reset();
        const all = stores();
        if (all === null) return;
        for (const { name: tenant } of all.all) this.set({ tenant }, read(tenant, all));
      },
    });
  };
  perTenant(
    "prometheus_tsdb_head_series",
    "Series in the head.",
    (tenant, all) => all.get(tenant)!.db.head.seriesCount,
  );
  perTenant("prometheus_tsdb_head_max_time", "Newest sample, Unix milliseconds.", (tenant, all) => {
    const { maxTime } = all.get(tenant)!.db.head;
    return Number.isFinite(maxTime) ? maxTime : 0;
  });
  perTenant(
    "prometheus_tsdb_blocks_loaded",
    "Blocks in the data folder.",
    (tenant, all) => all.get(tenant)!.db.blocks.length,
  );
  perTenant(
    "deucalion_tsdb_head_bytes",
    "Memory of the head off the heap.",
    (tenant, all) => all.get(tenant)!.db.head.bytes,
  );
  const pending = new Gauge({
    name: "thanos_receive_pending_write_requests",
    help: "Writes of other receivers under way.",
    registers,
  });
  return {
    observe: (outcome) => {
      const code = String(outcome.status);
      const { tenant, handler } = outcome;
      requests.inc({ code, handler, tenant });
      seconds.observe({ code, handler, tenant }, outcome.seconds);
      bytes.inc({ handler, tenant }, outcome.requestBytes);
      if (outcome.series === 0) return;
      series.observe({ code, tenant }, outcome.series);
      samples.observe({ code, tenant }, outcome.samples);
    },
    forwarded: (ok, replication) => {
      const result = ok ? "success" : "error";
      forwards.inc({ result });
      if (replication) replications.inc({ result });
    },
    damaged: (tenant) => damage.inc({ tenant }),
    pending,
  };
}
