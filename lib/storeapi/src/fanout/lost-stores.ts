// Which stores that cannot be reached leave a hole, and which have a replica of theirs in their place.
import type { Labels } from "@deucalion/model";
import type { StoreEndpoint } from "./store-endpoint.ts";

/** Times that a request asks for, in ms. */
export interface AskedTime {
  readonly minTime: number;
  readonly maxTime: number;
}

/**
 * Those of `unreachable` that announce a label set of which none of `asked` announces another replica for the time asked for.
 * Without `time` a replica counts whatever times it has. A store that has announced nothing is always lost.
 */
export function lostStores(
  unreachable: readonly StoreEndpoint[],
  asked: readonly StoreEndpoint[],
  time: AskedTime | null,
  replicaLabels: readonly string[],
): readonly StoreEndpoint[] {
  if (replicaLabels.length === 0 || unreachable.length === 0) return unreachable;
  const names = new Set(replicaLabels);
  return unreachable.filter((lost) => {
    const { labelSets } = lost.source.info();
    if (labelSets.length === 0) return true;
    const others = asked.filter((other) => time === null || covers(other, lost, time));
    const sets = others.flatMap((other) => other.source.info().labelSets);
    return !labelSets.every((set) => hasReplica(set, sets, names));
  });
}

/** True if `other` says that it has all of the time asked for that `lost` has. */
function covers(other: StoreEndpoint, lost: StoreEndpoint, time: AskedTime): boolean {
  const had = lost.source.info();
  const has = other.source.info();
  return (
    has.minTime <= Math.max(time.minTime, had.minTime) &&
    has.maxTime >= Math.min(time.maxTime, had.maxTime)
  );
}

/** True if one of `sets` differs from `set` in the replica labels only. */
function hasReplica(set: Labels, sets: readonly Labels[], names: ReadonlySet<string>): boolean {
  const rest = set.drop(names);
  if (rest.size === set.size) return false;
  return sets.some((other) => other.key !== set.key && other.drop(names).key === rest.key);
}
