// A database for each tenant: opened at the start or with the first write, maintained, uploaded, pruned.
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Log, messageOf } from "@deucalion/base";
import { Shipper, type ShipperEvents, shipperDefaults } from "@deucalion/blocks";
import { Labels } from "@deucalion/model";
import type { Bucket } from "@deucalion/objstore";
import { LiveDatabase, type LiveDatabaseOptions } from "@deucalion/tsdb";
import { ReceiveError } from "../errors.ts";

export interface TenantStoresOptions {
  /** Data folder; each tenant has a folder below it. */
  readonly dir: string;
  readonly labels: Labels;
  readonly tenantLabel: string;
  readonly defaultTenant: string;
  readonly database: LiveDatabaseOptions;
  readonly shipper: {
    readonly allowOutOfOrderUploads: boolean;
    readonly skipCorruptedBlocks: boolean;
    readonly hash: boolean;
    readonly filesAtOnce: number;
  };
}

export interface TenantStoresDeps {
  readonly log: Log;
  readonly now: () => number;
  /** Null uploads nothing. */
  readonly bucket: Bucket | null;
  readonly shipperEvents: ShipperEvents | null;
  /** External labels that the hashrings give a tenant. */
  readonly ringLabels: (tenant: string) => Readonly<Record<string, string>>;
  /** Something of a tenant's folder could not be read. */
  readonly damaged: (tenant: string) => void;
}

/** One tenant, open. */
export interface Tenant {
  readonly name: string;
  readonly db: LiveDatabase;
  readonly shipper: Shipper | null;
  /** External labels of its series. */
  labels: Labels;
  /** Ids of blocks that are in the bucket. */
  uploaded: ReadonlySet<string>;
  /** Since when (ms) nothing new came and it is about to go; writes end that. */
  pruning: boolean;
}

/** Folders that are not tenants. */
const notTenants = new Set(["lost+found"]);

/** What file systems take. */
const nameBytesMax = 255;

/** True for names that can be folders of their own. */
export function isTenantName(name: string): boolean {
  const fits = Buffer.byteLength(name) <= nameBytesMax;
  return fits && name !== "" && name !== "." && name !== ".." && !/[/\\\0]/.test(name);
}

/** Opens, keeps and closes the databases of all tenants. */
export class TenantStores {
  readonly #options: TenantStoresOptions;
  readonly #deps: TenantStoresDeps;
  readonly #tenants = new Map<string, Tenant>();
  readonly #opening = new Map<string, Promise<Tenant>>();
  #closed = false;

  constructor(options: TenantStoresOptions, deps: TenantStoresDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Tenants that are open. */
  get all(): IterableIterator<Tenant> {
    return this.#tenants.values();
  }

  get(name: string): Tenant | undefined {
    return this.#tenants.get(name);
  }

  /** Opens what is in the data folder, a few at a time, and the default tenant. */
  async open(): Promise<void> {
    const { dir, defaultTenant } = this.#options;
    await mkdir(dir, { recursive: true });
    const names = new Set([defaultTenant]);
    for (const name of await readdir(dir)) {
      if (notTenants.has(name) || !isTenantName(name)) continue;
      if ((await stat(join(dir, name))).isDirectory()) names.add(name);
    }
    const waiting = [...names];
    const worker = async (): Promise<void> => {
      for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
        await this.openTenant(name);
      }
    };
    await Promise.all(Array.from({ length: 4 }, worker));
  }

  /** The tenant's database, opened or made if it is not there. Throws RECEIVE_TENANT and RECEIVE_NOT_READY. */
  openTenant(name: string): Promise<Tenant> {
    const known = this.#tenants.get(name);
    if (known !== undefined) return Promise.resolve(known);
    if (!isTenantName(name)) {
      return Promise.reject(new ReceiveError("RECEIVE_TENANT", "tenant name not valid"));
    }
    if (this.#closed) {
      return Promise.reject(new ReceiveError("RECEIVE_NOT_READY", "TSDB not ready"));
    }
    let opening = this.#opening.get(name);
    if (opening === undefined) {
      opening = this.#open(name).finally(() => this.#opening.delete(name));
      this.#opening.set(name, opening);
    }
    return opening;
  }

  async #open(name: string): Promise<Tenant> {
    const { log, now, bucket, shipperEvents } = this.#deps;
    const dir = join(this.#options.dir, name);
    const begun = now();
    let tenant: Tenant | null = null;
    const db = await LiveDatabase.open(dir, this.#options.database, {
      now,
      report: (damage) => {
        this.#deps.damaged(name);
        log.warn("part of a tenant's data cannot be read; the rest is used", {
          tenant: name,
          ...damage,
        });
      },
      // A block that is not in the bucket yet may not go.
      mustKeep: (ulid) => bucket !== null && tenant?.uploaded.has(ulid) !== true,
    });
    const shipper =
      bucket === null || shipperEvents === null
        ? null
        : new Shipper(
            { ...shipperDefaults, ...this.#options.shipper, dir, source: "receive" },
            { bucket, labels: () => tenant!.labels, log, now, events: shipperEvents },
          );
    tenant = {
      name,
      db,
      shipper,
      labels: this.#labelsOf(name),
      uploaded: (await shipper?.uploadedBlocks()) ?? new Set(),
      pruning: false,
    };
    this.#tenants.set(name, tenant);
    log.info("TSDB is now ready", {
      tenant: name,
      series: db.head.seriesCount,
      duration_ms: now() - begun,
    });
    return tenant;
  }

  #labelsOf(name: string): Labels {
    const { labels, tenantLabel } = this.#options;
    return Labels.from([
      ...Object.entries(this.#deps.ringLabels(name)),
      ...labels,
      [tenantLabel, name],
    ]);
  }

  /** The hashrings changed: tenants may have other external labels now. */
  async updateLabels(): Promise<void> {
    for (const tenant of this.#tenants.values()) {
      const labels = this.#labelsOf(tenant.name);
      if (labels.key === tenant.labels.key) continue;
      // What was written under the old labels is uploaded under them.
      await tenant.db.flush();
      await this.#upload(tenant, AbortSignal.timeout(600_000));
      tenant.labels = labels;
    }
  }

  /** Cuts blocks that are due, of all tenants one by one. */
  async compact(): Promise<void> {
    for (const tenant of [...this.#tenants.values()]) {
      try {
        await tenant.db.compact();
      } catch (error) {
        this.#deps.log.error("compacting a tenant's head failed", {
          tenant: tenant.name,
          err: messageOf(error),
        });
      }
    }
  }

  /** Cuts everything into blocks. */
  async flush(): Promise<void> {
    for (const tenant of [...this.#tenants.values()]) await tenant.db.flush();
  }

  async #upload(tenant: Tenant, signal: AbortSignal): Promise<number> {
    if (tenant.shipper === null) return 0;
    const count = await tenant.shipper.sync(signal);
    tenant.uploaded = await tenant.shipper.uploadedBlocks();
    return count;
  }

  /** Uploads new blocks of all tenants; faults of one do not stop the others. */
  async upload(signal: AbortSignal): Promise<void> {
    for (const tenant of [...this.#tenants.values()]) {
      if (signal.aborted) return;
      try {
        await this.#upload(tenant, signal);
      } catch (error) {
        this.#deps.log.warn("uploading blocks failed", {
          tenant: tenant.name,
          err: messageOf(error),
        });
      }
    }
  }

  /**
   * Lets go of tenants without samples newer than the retention: in the first round they are only marked, in the next,
   * if nothing came meanwhile and all is uploaded, they are closed and their folder is removed.
   */
  async prune(): Promise<void> {
    const { retentionMs } = this.#options.database;
    if (retentionMs <= 0) return;
    const oldest = this.#deps.now() - retentionMs;
    for (const tenant of [...this.#tenants.values()]) {
      const { maxTime } = tenant.db.timeRange;
      if (tenant.name === this.#options.defaultTenant || maxTime >= oldest) {
        tenant.pruning = false;
        continue;
      }
      if (!tenant.pruning) {
        tenant.pruning = true;
        continue;
      }
      try {
        await tenant.db.flush();
        if (tenant.shipper !== null) {
          await this.#upload(tenant, AbortSignal.timeout(600_000));
          if (!(await tenant.shipper.allUploaded())) continue;
        }
        // Something was written while that went on.
        if (!tenant.pruning || tenant.db.head.seriesCount > 0) continue;
        this.#tenants.delete(tenant.name);
        await tenant.db.close();
        await rm(join(this.#options.dir, tenant.name), { recursive: true, force: true });
        this.#deps.log.info("pruned tenant", { tenant: tenant.name });
      } catch (error) {
        this.#deps.log.error("pruning a tenant failed", {
          tenant: tenant.name,
          err: messageOf(error),
        });
      }
    }
  }

  /** Takes no more writes and closes everything; heads stay in their logs. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#opening.values());
    const closing = [...this.#tenants.values()].map((tenant) => tenant.db.close());
    this.#tenants.clear();
    for (const outcome of await Promise.allSettled(closing)) {
      if (outcome.status === "rejected") {
        this.#deps.log.error("closing a tenant failed", { err: messageOf(outcome.reason) });
      }
    }
  }
}
