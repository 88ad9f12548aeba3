// A receiver within another command: one tenant's worth of remote write and OTLP, stored and queryable at once.
import type { Log } from "@deucalion/base";
import type { Xxhash64 } from "@deucalion/kernels";
import { Labels } from "@deucalion/model";
import type { Fanout } from "@deucalion/storeapi";
import { liveDatabaseDefaults } from "@deucalion/tsdb";
import type { Registry } from "prom-client";
import { decodeOtlp } from "../otlp/decode-otlp.ts";
import type { Actor } from "../process/run-group.ts";
import { Limiter } from "./limits.ts";
import { TenantExemplars, TenantStatistics, tenantSeries } from "./tenants/tenant-sources.ts";
import { TenantStores } from "./tenants/tenant-stores.ts";
import { LocalWriter } from "./write/local-writer.ts";
import { memoryWatch, WriteBudget } from "./write/write-budget.ts";
import { WriteHttp } from "./write/write-http.ts";

const compactLookMs = 15_000;
const writeBytesMax = 128 * 1024 * 1024;
/** Samples that come late are taken up to here. */
const outOfOrderWindowMs = 3_600_000;
const exemplarsMax = 10_000;

export interface EmbeddedReceiver {
  /** Everything that was written, of all tenants. */
  readonly source: Fanout;
  readonly exemplars: TenantExemplars;
  readonly statistics: TenantStatistics;
  /** host:port that was taken; "" before it runs. */
  readonly address: () => string;
  /** Serves until it is stopped, and closes what is stored. */
  readonly actor: Actor;
}

/** Opens what is in `dir`; nothing listens before the actor runs. */
export async function embeddedReceiver(
  options: { readonly dir: string; readonly address: string },
  deps: {
    readonly log: Log;
    readonly registry: Registry;
    readonly hash: Xxhash64;
    readonly now: () => number;
  },
): Promise<EmbeddedReceiver> {
  const { log, registry, hash, now } = deps;
  const stores = new TenantStores(
    {
      dir: options.dir,
      labels: Labels.empty,
      tenantLabel: "tenant_id",
      defaultTenant: "default-tenant",
      database: { ...liveDatabaseDefaults, outOfOrderWindowMs, exemplarsMax },
      shipper: {
        allowOutOfOrderUploads: false,
        skipCorruptedBlocks: false,
        hash: false,
        filesAtOnce: 1,
      },
    },
    {
      log,
      now,
      bucket: null,
      shipperEvents: null,
      ringLabels: () => ({}),
      damaged: () => undefined,
    },
  );
  await stores.open();
  const local = new LocalWriter({ stores, now, futureWindowMs: 0 });
  const http = new WriteHttp(
    {
      address: options.address,
      gracePeriodMs: 5000,
      tls: null,
      tenantHeader: "THANOS-TENANT",
      replicaHeader: "THANOS-REPLICA",
      defaultTenant: "default-tenant",
      certificateField: "",
    },
    {
      log,
      limiter: new Limiter(() => "", { log, registry, localSeries: () => 0 }),
      budget: new WriteBudget(writeBytesMax, memoryWatch(0.9, now)),
      isReady: () => true,
      relabel: (series) => series,
      write: (parts) => local.writeAll(parts),
      decodeOtlp: (body, json) => decodeOtlp(body, json, { targetInfo: true, promoted: [] }),
      observe: () => undefined,
      other: () => false,
    },
  );
  const execute = async (): Promise<void> => {
    const timer = setInterval(() => void stores.compact(), compactLookMs);
    try {
      await http.execute();
    } finally {
      clearInterval(timer);
      await stores.close();
    }
  };
  return {
    source: tenantSeries(stores, hash, 0),
    exemplars: new TenantExemplars(stores),
    statistics: new TenantStatistics(stores),
    address: () => http.address,
    actor: { name: "remote write", execute, interrupt: () => http.interrupt() },
  };
}
