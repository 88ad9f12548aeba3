// Takes replica labels out of the labels of a whole batch: into one buffer and columns, without an object per series.
import { decodeText, LabelCursor, type SeriesBatch } from "@deucalion/model";
import type { Stripped } from "./strip-labels.ts";

/** What is left of the labels of a batch. */
export interface StrippedBatch {
  readonly batch: SeriesBatch;
  /** Labels of all series, one after the other: series `i` has `[start[i], start[i + 1])`. */
  readonly data: Uint8Array;
  readonly start: Uint32Array;
  /** As in `Stripped`. */
  readonly prefixEnd: Uint32Array;
  readonly replicas: readonly string[];
}

/** One series of a stripped batch. */
export function strippedOf(from: StrippedBatch, series: number): Stripped {
  const { data, start, prefixEnd, replicas } = from;
  return {
    labels: { data, start: start[series]!, end: start[series + 1]! },
    replica: replicas[series]!,
    prefixEnd: prefixEnd[series]!,
  };
}

/** True if the series `a` and `b` of a batch agree in all labels before the first replica label. */
export function sameBatchPrefix(from: StrippedBatch, a: number, b: number): boolean {
  const { data, start, prefixEnd } = from;
  const shift = start[b]! - start[a]!;
  if (prefixEnd[b]! - prefixEnd[a]! !== shift) return false;
  // Neighbours differ towards the end, if they do.
  for (let i = prefixEnd[a]! - 1; i >= start[a]!; i--) {
    if (data[i] !== data[i + shift]) return false;
  }
  return true;
}

/** Strips batches; remembers the values of replica labels it met last. */
export class BatchStripper {
  readonly #names: readonly Uint8Array[];
  readonly #cursor = new LabelCursor();
  /** Bytes of the replica labels of the series before, and what they mean. */
  #known = new Uint8Array(0);
  #knownReplica = "";

  /** `replicaLabels` need not be sorted. */
  constructor(replicaLabels: readonly string[]) {
    const encoder = new TextEncoder();
    this.#names = replicaLabels
      .map((name) => encoder.encode(name))
      .sort((a, b) => compareName(a, 0, a.length, b));
  }

  strip(batch: SeriesBatch): StrippedBatch {
    const count = batch.seriesCount;
    let bytes = 0;
    for (let i = 0; i < count; i++) {
      const labels = batch.labels(i);
      bytes += labels.end - labels.start;
    }
    const out = new Uint8Array(bytes);
    const starts = new Uint32Array(count + 1);
    const prefixEnds = new Uint32Array(count);
    const replicas: string[] = [];
    const cursor = this.#cursor;
    const names = this.#names;
    const least = names[0]!;
    let to = 0;
    for (let i = 0; i < count; i++) {
      const labels = batch.labels(i);
      const { data } = labels;
      starts[i] = to;
      let prefixEnd = -1;
      let from = labels.start;
      let replica = "";
      cursor.reset(labels);
      while (cursor.next()) {
        const end = Math.max(cursor.nameEnd, cursor.valueEnd);
        const order = compareName(data, cursor.nameStart, cursor.nameEnd, least);
        if (prefixEnd < 0 && order >= 0) prefixEnd = to;
        if (order === 0 || (names.length > 1 && this.#isReplica(data))) {
          replica += this.#replica(data, from, end);
        } else for (let at = from; at < end; at++) out[to++] = data[at]!;
        from = end;
      }
      prefixEnds[i] = prefixEnd < 0 ? to : prefixEnd;
      replicas.push(replica);
    }
    starts[count] = to;
    return { batch, data: out, start: starts, prefixEnd: prefixEnds, replicas };
  }

  /** True if the cursor stands at a replica label. */
  #isReplica(data: Uint8Array): boolean {
    const { nameStart, nameEnd } = this.#cursor;
    for (let n = 0; n < this.#names.length; n++) {
      if (compareName(data, nameStart, nameEnd, this.#names[n]!) === 0) return true;
    }
    return false;
  }

  #replica(data: Uint8Array, start: number, end: number): string {
    const known = this.#known;
    let same = known.length === end - start;
    for (let i = 0; same && i < known.length; i++) same = known[i] === data[start + i];
    if (!same) {
      this.#known = data.slice(start, end);
      this.#knownReplica = `${decodeText(data, start, end)}\u0000`;
    }
    return this.#knownReplica;
  }
}

function compareName(data: Uint8Array, start: number, end: number, name: Uint8Array): number {
  const length = Math.min(end - start, name.length);
  for (let i = 0; i < length; i++) {
    const difference = data[start + i]! - name[i]!;
    if (difference !== 0) return difference;
  }
  return end - start - name.length;
}
