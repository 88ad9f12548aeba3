// De-duplication by `fill`: stay on one replica and take a slot from another exactly where the first has none.
//
// The replicas come in a fixed order of preference. The samples of the first are all kept; then each further replica
// fills the holes that are left. What happens in a hole depends on the samples within a few scrape intervals of it and
// on nothing else: not on the window that was asked for, nor on the order in which replicas arrived.
import type { SampleColumns } from "../sample-columns.ts";
import { fillFrom } from "./fill-holes.ts";
import { firstSamples } from "./merged-samples.ts";
import { staleTimesOf } from "./stale-markers.ts";
import { writeFilled, writeRuns } from "./write-filled.ts";

export interface FillOptions {
  /** The series is read as a counter: a newcomer that lags behind is held back instead of faking a reset. */
  readonly counter: boolean;
}

/** Indices of the samples of a replica that are not stale markers; null where that is all of them. */
function liveIndices(samples: SampleColumns): Uint32Array | null {
  let first = 0;
  while (first < samples.count && !samples.isStale(first)) first++;
  if (first === samples.count) return null;
  const live: number[] = [];
  for (let i = 0; i < samples.count; i++) if (i < first || !samples.isStale(i)) live.push(i);
  return Uint32Array.from(live);
}

function fewer(replicas: readonly SampleColumns[], out: SampleColumns): boolean {
  if (replicas.length > 1) return false;
  const only = replicas[0];
  if (only !== undefined) out.pushRange(only, 0, only.count);
  return true;
}

/**
 * Appends the de-duplicated samples to `out`. `replicas` are in order of preference, which the caller derives from the
 * replicas' identity (the values of their replica labels). Give some data around the window that matters:
 * decisions look at the three samples on each side.
 */
export function mergeFill(
  replicas: readonly SampleColumns[],
  options: FillOptions,
  out: SampleColumns,
): void {
  const present = replicas.filter((replica) => replica.count > 0);
  if (fewer(present, out)) return;
  const live = present.map(liveIndices);
  const staleTimes = live.every((indices) => indices === null)
    ? new Float64Array(0)
    : staleTimesOf(present);
  let merged = firstSamples(present[0]!, live[0]!);
  for (let r = 1; r < present.length; r++)
    merged = fillFrom(merged, present[r]!, live[r]!, r, staleTimes);
  if (staleTimes.length === 0) writeRuns(present, merged, options.counter, out);
  else writeFilled(present, merged, options.counter, out);
}
