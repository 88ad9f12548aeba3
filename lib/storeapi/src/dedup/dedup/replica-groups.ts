// Groups the replicas of each series out of a stream that is ordered with its replica labels.
//
// Without those labels the order is another one, but only among series that agree in all labels that sort before the
// first replica label: such a run is held, put in order, and passed on. Nothing else is buffered.
import { compareLabelBytes, type LabelBytes, type SeriesBatch } from "@deucalion/model";
import { BatchStripper, type StrippedBatch, sameBatchPrefix, strippedOf } from "./strip-batch.ts";
import type { Stripped } from "./strip-labels.ts";

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

/** Series of one batch that have no siblings: what most are. */
export interface LoneSeries {
  readonly kind: "lone";
  readonly from: StrippedBatch;
  /** Numbers within the batch, ascending; `count` of them. */
  readonly series: Uint32Array;
  count: number;
}

/** Series with all their replicas. */
export interface Grouped {
  readonly kind: "groups";
  readonly groups: ReplicaGroup[];
}

function memberOf(from: StrippedBatch, series: number): Member {
  return { batch: from.batch, series, stripped: strippedOf(from, series) };
}

/** What is ready to be passed on, in order. */
class Ready {
  readonly blocks: (LoneSeries | Grouped)[] = [];

  addLone(from: StrippedBatch, series: number): void {
    let last = this.blocks.at(-1);
    if (last?.kind !== "lone") {
      last = { kind: "lone", from, series: new Uint32Array(from.batch.seriesCount), count: 0 };
      this.blocks.push(last);
    }
    last.series[last.count++] = series;
  }

  addRun(run: Member[]): void {
    let last = this.blocks.at(-1);
    if (last?.kind !== "groups") {
      last = { kind: "groups", groups: [] };
      this.blocks.push(last);
    }
    for (const group of groupsOf(run)) last.groups.push(group);
  }
}

/** Yields series in label order, as soon as all their replicas are there. */
export async function* replicaGroups(
  batches: AsyncIterable<SeriesBatch>,
  replicaLabels: readonly string[],
): AsyncGenerator<LoneSeries | Grouped> {
  const stripper = new BatchStripper(replicaLabels);
  let run: Member[] = [];
  for await (const batch of batches) {
    const stripped = stripper.strip(batch);
    const ready = new Ready();
    // A series of this batch that has no siblings so far, or -1.
    let lone = -1;
    for (let i = 0; i < batch.seriesCount; i++) {
      const first = run[0];
      if (lone >= 0) {
        if (sameBatchPrefix(stripped, lone, i)) {
          run = [memberOf(stripped, lone), memberOf(stripped, i)];
          lone = -1;
        } else {
          ready.addLone(stripped, lone);
          lone = i;
        }
      } else if (first === undefined) lone = i;
      else if (samePrefix(first.stripped, strippedOf(stripped, i))) {
        run.push(memberOf(stripped, i));
      } else {
        ready.addRun(run);
        run = [];
        lone = i;
      }
    }
    if (lone >= 0) run = [memberOf(stripped, lone)];
    for (const block of ready.blocks) yield block;
  }
  if (run.length > 0) yield { kind: "groups", groups: groupsOf(run) };
}
