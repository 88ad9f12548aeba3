// Exemplars of replicated servers, each once; and the query each server is asked.
import { compareLabels, type Matcher } from "@deucalion/model";
import type { Exemplar, ExemplarData } from "../messages/exemplars-messages.ts";
import type { ApiEndpoint } from "./api-endpoint.ts";
import { labelSetsMatch } from "./external-labels.ts";

function compareExemplars(a: Exemplar, b: Exemplar): number {
  return a.ts - b.ts || compareLabels(a.labels, b.labels) || a.value - b.value;
}

/** Series sorted by labels without the replica labels, exemplars by time. */
export function dedupExemplars(
  data: readonly ExemplarData[],
  replicaLabels: readonly string[],
): ExemplarData[] {
  const drop = new Set(replicaLabels);
  const series = new Map<string, ExemplarData>();
  for (const item of data) {
    if (item.exemplars.length === 0) continue;
    const seriesLabels = item.seriesLabels.drop(drop);
    const known = series.get(seriesLabels.key);
    if (known === undefined)
      series.set(seriesLabels.key, { seriesLabels, exemplars: [...item.exemplars] });
    else known.exemplars.push(...item.exemplars);
  }
  const all = [...series.values()].sort((a, b) => compareLabels(a.seriesLabels, b.seriesLabels));
  for (const item of all) {
    item.exemplars.sort(compareExemplars);
    item.exemplars = item.exemplars.filter(
      (exemplar, i) => i === 0 || compareExemplars(item.exemplars[i - 1]!, exemplar) !== 0,
    );
  }
  return all;
}

/**
 * The query for one endpoint: its possible selectors, joined by `+`. Prometheus knows nothing of its external labels,
 * so matchers on them are left out unless the endpoint is a querier. Null if nothing there can match.
 */
export function exemplarQueryFor(
  endpoint: ApiEndpoint,
  selectors: readonly (readonly Matcher[])[],
): string | null {
  const sets = endpoint.labelSets();
  const parts: string[] = [];
  for (const matchers of selectors) {
    if (!labelSetsMatch(matchers, sets)) continue;
    const kept = matchers.filter(
      (matcher) => endpoint.kind === "query" || !sets.some((set) => set.has(matcher.name)),
    );
    parts.push(`{${kept.map(String).join(", ")}}`);
  }
  return parts.length === 0 ? null : parts.join("+");
}
