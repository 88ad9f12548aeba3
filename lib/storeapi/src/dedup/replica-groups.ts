// Groups the replicas of each series out of a stream that is ordered with its replica labels.
//
// Without those labels the order is another one, but only among series that agree in all labels that sort before the
// first replica label: such a run is held, put in order, and passed on. Nothing else is buffered.
import { compareLabelBytes, type LabelBytes, type SeriesBatch } from "@deucalion/model";
import { LabelStripper, type Stripped } from "./strip-labels.ts";

/** One series of one replica, within the batch it came in. */
export interface Member {
  readonly batch: SeriesBatch;
  readonly series: number;
  readonly stripped: Stripped;
}

/** A series with all its replicas, those of one replica next to each other, replicas in ascending order. */
export interface ReplicaGroup {
  readonly labels: LabelBytes;
  readonly members: readonly Member[];
}

function samePrefix(a: Stripped, b: Stripped): boolean {
  const length = a.prefixEnd - a.labels.start;
  if (length !== b.prefixEnd - b.labels.start) return false;
  for (let i = 0; i < length; i++) {
    if (a.labels.data[a.labels.start + i] !== b.labels.data[b.labels.start + i]) return false;
  }
  return true;
}

function groupsOf(run: Member[]): ReplicaGroup[] {
  if (run.length > 1) {
    run.sort((a, b) => {
      const order = compareLabelBytes(a.stripped.labels, b.stripped.labels);
      if (order !== 0) return order;
      return a.stripped.replica < b.stripped.replica
        ? -1
        : a.stripped.replica > b.stripped.replica
          ? 1
          : 0;
    });
  }
  const groups: ReplicaGroup[] = [];
  let members: Member[] = [];
  for (const member of run) {
    const first = members[0];
    if (
      first !== undefined &&
      compareLabelBytes(first.stripped.labels, member.stripped.labels) !== 0
    ) {
      groups.push({ labels: first.stripped.labels, members });
      members = [];
    }
    members.push(member);
  }
  if (members.length > 0) groups.push({ labels: members[0]!.stripped.labels, members });
  return groups;
}

/** Yields lists of groups in label order, as soon as they are complete. */
export async function* replicaGroups(
  batches: AsyncIterable<SeriesBatch>,
  replicaLabels: readonly string[],
): AsyncGenerator<ReplicaGroup[]> {
  const stripper = new LabelStripper(replicaLabels);
  let run: Member[] = [];
  for await (const batch of batches) {
    const ready: ReplicaGroup[] = [];
    for (let series = 0; series < batch.seriesCount; series++) {
      const stripped = stripper.strip(batch.labels(series));
      const first = run[0];
      if (first !== undefined && !samePrefix(first.stripped, stripped)) {
        for (const group of groupsOf(run)) ready.push(group);
        run = [];
      }
      run.push({ batch, series, stripped });
    }
    if (ready.length > 0) yield ready;
  }
  if (run.length > 0) yield groupsOf(run);
}
