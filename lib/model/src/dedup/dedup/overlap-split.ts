// Thanos' first stage of de-duplication: chunks of one series are dealt to "fake replicas" that do not overlap.

/**
 * Deals chunks, sorted by min time, each to the first replica whose last chunk ends before it begins.
 * Returns the replica of each chunk and how many there are.
 */
export function splitOverlaps(
  minTimes: ArrayLike<number>,
  maxTimes: ArrayLike<number>,
): { readonly replicaOf: number[]; readonly replicaCount: number } {
  const ends: number[] = [];
  const replicaOf: number[] = [];
  for (let i = 0; i < minTimes.length; i++) {
    let replica = ends.findIndex((end) => end < minTimes[i]!);
    if (replica < 0) replica = ends.push(Number.NEGATIVE_INFINITY) - 1;
    ends[replica] = maxTimes[i]!;
    replicaOf.push(replica);
  }
  return { replicaOf, replicaCount: ends.length };
}
