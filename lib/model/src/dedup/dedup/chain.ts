// De-duplication by `chain`: every sample of every replica, one for each timestamp.
import type { SampleColumns } from "../sample-columns.ts";

/** Appends the union of the replicas to `out`; at equal times the first replica in the list that has the time wins. */
export function mergeChain(replicas: readonly SampleColumns[], out: SampleColumns): void {
  const at = new Uint32Array(replicas.length);
  for (;;) {
    let best = -1;
    let time = Number.POSITIVE_INFINITY;
    for (let r = 0; r < replicas.length; r++) {
      const replica = replicas[r]!;
      if (at[r]! < replica.count && replica.times[at[r]!]! < time) {
        best = r;
        time = replica.times[at[r]!]!;
      }
    }
    if (best < 0) return;
    out.pushFrom(replicas[best]!, at[best]!);
    for (let r = 0; r < replicas.length; r++) {
      const replica = replicas[r]!;
      while (at[r]! < replica.count && replica.times[at[r]!]! <= time) at[r]!++;
    }
  }
}
