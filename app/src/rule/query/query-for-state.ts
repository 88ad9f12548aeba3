// The state of alerts from before a restart, or from another ruler, as queriers know it.
import type { Labels, Matcher } from "@deucalion/model";
import { type ForStateSeries, RulesError } from "@deucalion/rules";
import type { Queriers } from "./queriers.ts";

export interface ForStateOptions {
  /** This ruler's; what has the same values is its own. */
  readonly externalLabels: Labels;
  /** Names of labels that are left out of the answer, such as those of replicas. */
  readonly ignoredLabels: readonly string[];
}

/** A stale marker comes with the next evaluation; one that is later than this is missed. */
const markerMs = 240_000;

function selectorText(matchers: readonly Matcher[]): string {
  return `{${matchers.map((matcher) => matcher.toString()).join(",")}}`;
}

/** Takes off what storage has put onto the labels of an alert. */
function ownLabels(labels: Labels, { externalLabels, ignoredLabels }: ForStateOptions): Labels {
  const drop = new Set(ignoredLabels);
  for (const [name, value] of externalLabels) if (labels.get(name) === value) drop.add(name);
  return labels.drop(drop);
}

/**
 * Last samples of matching series. Stale markers are not part of any answer: what was there last time but is not there a
 * moment later has ended. Throws RulesError; what may be partial counts only if it says something.
 */
export async function queryForState(
  queriers: Queriers,
  options: ForStateOptions,
  matchers: readonly Matcher[],
  minTimeMs: number,
  maxTimeMs: number,
  signal: AbortSignal,
): Promise<readonly ForStateSeries[]> {
  const selector = selectorText(matchers);
  const asking = { strategy: "warn" as const, signal };
  const rangeMs = Math.max(1000, maxTimeMs - minTimeMs);
  const { series, warnings } = await queriers.rawRange(
    `${selector}[${rangeMs}ms]`,
    maxTimeMs,
    asking,
  );
  if (series.length === 0) {
    if (warnings.length === 0) return [];
    throw new RulesError("RULES_UNAVAILABLE", `stores are missing: ${warnings.join(", ")}`);
  }
  const last = series.map(({ times }) => times[times.length - 1] ?? 0);
  const newest = Math.max(...last);
  const probeMs = Math.min(maxTimeMs, newest + markerMs);
  const { samples } = await queriers.query(selector, probeMs, asking);
  const alive = new Set(samples.map(({ labels }) => labels.key));
  return series.map(({ labels, times, values }, i) => ({
    labels: ownLabels(labels, options),
    lastTimeMs: last[i]!,
    lastValue: values[times.length - 1] ?? Number.NaN,
    // Without a marker it is there for five minutes.
    stale: probeMs - last[i]! <= markerMs + 1000 && !alive.has(labels.key),
  }));
}
