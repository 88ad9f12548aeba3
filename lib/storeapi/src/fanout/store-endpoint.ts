// A store as the fan-out sees it, and what it tells about each after a query.
import type { SeriesSource } from "@deucalion/model";
import type { ComponentType } from "../messages/info-messages.ts";
import { labelSetsText } from "./external-labels.ts";

export interface StoreEndpoint {
  /** Address as configured; a name for stores in this process. */
  readonly address: string;
  readonly kind: ComponentType;
  /** In this process: cannot be chosen by address. */
  readonly local: boolean;
  readonly source: SeriesSource;
  readonly supportsSharding: boolean;
  readonly supportsWithoutReplicaLabels: boolean;
  /** Null if it can be asked; else why not (it is not reachable, or never was). */
  readonly unreachable: string | null;
}

/** What one store had to do with one select. */
export interface StoreReport {
  readonly address: string;
  readonly kind: ComponentType;
  readonly labelSets: string;
  /** Time that the store says it covers, ms. */
  readonly minTime: number;
  readonly maxTime: number;
  /** Null if it was asked; else why not. */
  readonly skipped: string | null;
  readonly series: number;
  readonly chunks: number;
  /** Label and chunk bytes received. */
  readonly bytes: number;
  /** From asking to the first frame; null where none came. */
  readonly firstMs: number | null;
  /** From asking to the last frame. */
  readonly durationMs: number;
  /** What went wrong, or null. */
  readonly error: string | null;
}

/** What a report says of the store itself. */
export function storeFacts(
  store: StoreEndpoint,
): Pick<StoreReport, "address" | "kind" | "labelSets" | "minTime" | "maxTime"> {
  const { labelSets, minTime, maxTime } = store.source.info();
  const { address, kind } = store;
  return { address, kind, labelSets: labelSetsText(labelSets), minTime, maxTime };
}

/** The store's name in warnings. */
export function storeText(store: StoreEndpoint): string {
  const { labelSets, minTime, maxTime } = store.source.info();
  return `Addr: ${store.address} LabelSets: ${labelSetsText(labelSets)} MinTime: ${timeText(minTime)} MaxTime: ${timeText(maxTime)}`;
}

/** int64 milliseconds as Go prints them. */
function timeText(ms: number): string {
  if (ms >= 2 ** 63) return "9223372036854775807";
  if (ms <= -(2 ** 63)) return "-9223372036854775808";
  return String(ms);
}
