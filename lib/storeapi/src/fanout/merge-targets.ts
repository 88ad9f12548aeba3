// Targets of replicated Prometheus servers, each once.
import { compareLabels, compareStrings, type Labels } from "@deucalion/model";
import type { ActiveTarget, TargetDiscovery } from "../messages/targets-messages.ts";
import { compareTimestamps } from "../messages/well-known.ts";

function compareTargets(a: ActiveTarget, b: ActiveTarget): number {
  return (
    compareStrings(a.scrapeUrl, b.scrapeUrl) ||
    compareStrings(a.scrapePool, b.scrapePool) ||
    compareLabels(a.discoveredLabels, b.discoveredLabels) ||
    compareLabels(a.labels, b.labels)
  );
}

/** Of equal targets the one in the lower state (down before up), then the one scraped last, stays. */
export function dedupTargets(
  targets: TargetDiscovery,
  replicaLabels: readonly string[],
): TargetDiscovery {
  const drop = new Set(replicaLabels);
  const active: ActiveTarget[] = [];
  const stripped = targets.activeTargets
    .map((t) => ({
      ...t,
      discoveredLabels: t.discoveredLabels.drop(drop),
      labels: t.labels.drop(drop),
    }))
    .sort(compareTargets);
  for (const target of stripped) {
    const last = active.at(-1);
    if (last === undefined || compareTargets(last, target) !== 0) active.push(target);
    else if (
      (target.health - last.health || compareTimestamps(last.lastScrape, target.lastScrape)) < 0
    ) {
      active[active.length - 1] = target;
    }
  }
  const dropped = new Map<string, Labels>();
  for (const { discoveredLabels } of targets.droppedTargets) {
    const labels = discoveredLabels.drop(drop);
    dropped.set(labels.key, labels);
  }
  const droppedTargets = [...dropped.values()]
    .sort(compareLabels)
    .map((discoveredLabels) => ({ discoveredLabels }));
  return { activeTargets: active, droppedTargets };
}
