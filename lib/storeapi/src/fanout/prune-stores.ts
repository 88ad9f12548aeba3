// Which stores can have something for a request, and why the others cannot.
import type { Labels, Matcher } from "@deucalion/model";
import { labelSetsMatch } from "./external-labels.ts";
import type { StoreEndpoint } from "./store-endpoint.ts";

export interface PruneRequest {
  readonly minTime: number;
  readonly maxTime: number;
  readonly matchers: readonly Matcher[];
  /** Debug selection: one of the sets must accept `__address__`. */
  readonly storeMatch: readonly (readonly Matcher[])[];
  /** `--selector.relabel-config`: whether an announced label set is kept; null keeps all. */
  readonly keepLabelSet: ((labels: Labels) => boolean) | null;
}

export interface PruneResult {
  readonly asked: readonly StoreEndpoint[];
  readonly skipped: readonly { readonly store: StoreEndpoint; readonly reason: string }[];
  /** Stores that could have something but cannot be reached. */
  readonly unreachable: readonly StoreEndpoint[];
  /** Label sets kept by the selector, of the stores asked. */
  readonly keptLabelSets: readonly Labels[];
}

export function pruneStores(stores: readonly StoreEndpoint[], request: PruneRequest): PruneResult {
  const asked: StoreEndpoint[] = [];
  const skipped: { store: StoreEndpoint; reason: string }[] = [];
  const unreachable: StoreEndpoint[] = [];
  const keptLabelSets: Labels[] = [];
  for (const store of stores) {
    const { labelSets } = store.source.info();
    const keep = request.keepLabelSet;
    const kept = keep === null ? null : labelSets.filter(keep);
    const reason =
      kept !== null && kept.length === 0
        ? "external labels do not match the selector"
        : reasonToSkip(store, request);
    if (reason !== null) skipped.push({ store, reason });
    else if (store.unreachable !== null) unreachable.push(store);
    else {
      asked.push(store);
      if (kept !== null) keptLabelSets.push(...kept);
    }
  }
  return { asked, skipped, unreachable, keptLabelSets };
}

function reasonToSkip(store: StoreEndpoint, request: PruneRequest): string | null {
  const { labelSets, minTime, maxTime } = store.source.info();
  if (request.minTime > maxTime || request.maxTime < minTime) {
    return "does not have data within this time period";
  }
  if (request.storeMatch.length > 0) {
    if (store.local) return "the store is not remote, cannot match __address__";
    const chosen = request.storeMatch.some((matchers) =>
      matchers.every((m) => m.name !== "__address__" || m.matches(store.address)),
    );
    if (!chosen) return "__address__ does not match debug store metadata matchers";
  }
  if (!labelSetsMatch(request.matchers, labelSets)) {
    return "external labels does not match request label matchers";
  }
  return null;
}
