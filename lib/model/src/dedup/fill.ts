// De-duplication by `fill`: stay on one replica and take a slot from another exactly where the first has none.
//
// The replicas come in a fixed order of preference. The samples of the first are all kept; then each further replica
// fills the holes that are left. What happens in a hole depends on the samples within a few scrape intervals of it and
// on nothing else: not on the window that was asked for, nor on the order in which replicas arrived.
import type { SampleColumns } from "../sample-columns.ts";
import { isStaleAt } from "../stale.ts";
import { fillFrom, insertionsFrom } from "./fill-holes.ts";
import { firstSamples } from "./merged-samples.ts";
import { staleTimesOf } from "./stale-markers.ts";
import { writeFilled, writeInsertions, writeRuns } from "./write-filled.ts";

export interface FillOptions {
  /** The series is read as a counter: a newcomer that lags behind is held back instead of faking a reset. */
  readonly counter: boolean;
}

/** Index of the first stale marker, or the count. */
function firstStale(samples: SampleColumns): number {
  const { count, values, valueBits: bits, histograms } = samples;
  let i = 0;
  // A marker is a NaN: only those are worth a look at the bits.
  if (histograms === null)
    while (i < count && !(Number.isNaN(values[i]!) && isStaleAt(bits, i))) i++;
  else while (i < count && !samples.isStale(i)) i++;
  return i;
}

/** Indices of the samples of a replica that are not stale markers; null where that is all of them. */
function liveIndices(samples: SampleColumns): Uint32Array | null {
  const { count } = samples;
  const first = firstStale(samples);
  if (first === count) return null;
  const live = new Uint32Array(count);
  let at = 0;
  for (let i = 0; i < count; i++) if (i < first || !samples.isStale(i)) live[at++] = i;
  return live.subarray(0, at);
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
  if (present.length === 2 && staleTimes.length === 0) {
    // What most are: two replicas, nothing that ends. Nothing is put together but the output.
    const [first, second] = [present[0]!, present[1]!];
    writeInsertions(first, second, insertionsFrom(first, second), options.counter, out);
    return;
  }
  let merged = firstSamples(present[0]!, live[0]!);
  for (let r = 1; r < present.length; r++)
    merged = fillFrom(merged, present[r]!, live[r]!, r, staleTimes);
  if (staleTimes.length === 0) writeRuns(present, merged, options.counter, out);
  else writeFilled(present, merged, options.counter, out);
}
