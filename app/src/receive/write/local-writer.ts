// Writes series to the databases of this process.
import { ReceiveError } from "../errors.ts";
import type { TenantStores } from "../tenants/tenant-stores.ts";
import type { TenantSeries } from "./series-list.ts";
import { writeSeries } from "./write-series.ts";

export interface LocalWriterDeps {
  readonly stores: TenantStores;
  readonly now: () => number;
  /** Samples so far in the future are refused, ms; 0 takes all. */
  readonly futureWindowMs: number;
}

/** Stores what can be stored and then says what could not. */
export class LocalWriter {
  readonly #deps: LocalWriterDeps;

  constructor(deps: LocalWriterDeps) {
    this.#deps = deps;
  }

  /** `late` takes samples of any age. Throws ReceiveError: RECEIVE_CONFLICT for samples that can never be stored. */
  async write({ tenant, series }: TenantSeries, late = false): Promise<void> {
    const { stores, now, futureWindowMs } = this.#deps;
    const open = stores.get(tenant) ?? (await stores.openTenant(tenant));
    open.pruning = false;
    const latestTime = futureWindowMs > 0 ? now() + futureWindowMs : Number.POSITIVE_INFINITY;
    const error = writeSeries(open.db.head, series, { latestTime, late }).error();
    if (error !== null) throw error;
  }

  /** Writes for several tenants; all are tried. Throws the first error, which counts the others. */
  async writeAll(parts: readonly TenantSeries[], late = false): Promise<void> {
    const errors: { readonly tenant: string; readonly error: unknown }[] = [];
    for (const part of parts) {
      try {
        await this.write(part, late);
      } catch (error) {
        errors.push({ tenant: part.tenant, error });
      }
    }
    const [first] = errors;
    if (first === undefined) return;
    if (!(first.error instanceof ReceiveError) || parts.length === 1) throw first.error;
    const { code, message } = first.error;
    const more = errors.length > 1 ? `got ${errors.length} errors, first one: ` : "";
    throw new ReceiveError(code, `${more}writing ${first.tenant} data to local TSDB: ${message}`);
  }
}
