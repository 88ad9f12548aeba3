// The list of stores behind this querier, asked for every few seconds and shared by all pages.
import { signal } from "@preact/signals";
import { ApiError, call } from "../api/client.ts";
import type { Endpoint } from "../api/types.ts";
import { readEndpoints, totalRange } from "../stores/endpoints-model.ts";

const everyMs = 8_000;

/** The stores, or null before the first answer. */
export const endpoints = signal<readonly Endpoint[] | null>(null);
/** When they were last read, in milliseconds since 1970. */
export const endpointsAtMs = signal(0);
/** Why they could not be read, or null. */
export const endpointsError = signal<string | null>(null);
/** Replica labels by the querier's flags; null while unknown. */
export const replicaLabels = signal<readonly string[] | null>(null);

/** Data that ends longer ago than this is looked for at its end instead of now. */
const oldMs = 10 * 60_000;

/** Where the newest data is: now, or the end of what all stores hold if that is long ago. */
export function newestDataMs(): number {
  const to = totalRange(endpoints.value ?? [])?.to ?? null;
  const now = Date.now();
  return to !== null && to < now - oldMs ? to : now;
}

let oldRoute = false;

/** Asks once; a server without our route is asked for Thanos' instead. */
export async function refreshEndpoints(): Promise<void> {
  try {
    let answer: { data: unknown };
    try {
      answer = await call<unknown>(oldRoute ? "stores" : "endpoints");
    } catch (error) {
      if (oldRoute || !(error instanceof ApiError) || error.status !== 404) throw error;
      oldRoute = true;
      answer = await call<unknown>("stores");
    }
    endpoints.value = readEndpoints(answer.data);
    endpointsAtMs.value = Date.now();
    endpointsError.value = null;
  } catch (error) {
    endpointsError.value = error instanceof Error ? error.message : String(error);
  }
}

async function readReplicaLabels(): Promise<void> {
  try {
    const { data } = await call<Record<string, string>>("status/flags");
    // The flag repeats; servers write a list as "[a b]", "a,b" or one value.
    const text = data["query.replica-label"] ?? "";
    replicaLabels.value = text
      .replace(/[[\]"]/g, "")
      .split(/[\s,]+/)
      .filter((x) => x !== "");
  } catch {
    replicaLabels.value = null;
  }
}

/** Keeps the list fresh while the page is visible. */
export function startStores(): void {
  void readReplicaLabels();
  const loop = async (): Promise<void> => {
    if (!document.hidden) await refreshEndpoints();
    setTimeout(() => void loop(), everyMs);
  };
  void loop();
}
