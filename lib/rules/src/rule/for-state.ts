// Since when an alert counts as active after a restart.
import type { ForStateSeries } from "../deps.ts";

/**
 * Time (ms) since which an alert that is there again at `timeMs` is active. It was active when the rules stopped:
 * - it was firing: as before, so it fires at once. Prometheus does so only where `for` is at least the grace period;
 *   with a shorter one the alert would be resolved at the Alertmanager and fire anew.
 * - less than the grace period was missing: it fires a grace period from now.
 * - else: the time down does not count.
 * A pending alert with a `for` below the grace period begins anew.
 */
export function restoredActiveAt(
  before: ForStateSeries,
  forMs: number,
  gracePeriodMs: number,
  timeMs: number,
): number {
  const downAtMs = Math.floor(before.lastTimeMs / 1000) * 1000;
  const activeAtMs = Math.trunc(before.lastValue) * 1000;
  const missingMs = forMs - (downAtMs - activeAtMs);
  if (missingMs <= 0) return Math.min(activeAtMs, timeMs);
  if (forMs < gracePeriodMs) return timeMs;
  if (missingMs < gracePeriodMs) return timeMs + gracePeriodMs - forMs;
  return activeAtMs + (timeMs - downAtMs);
}
