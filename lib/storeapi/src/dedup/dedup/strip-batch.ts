// Takes replica labels out of the labels of a whole batch: into columns, without an object per series.
import { decodeText, type LabelBytes, LabelCursor, type SeriesBatch } from "@deucalion/model";
import type { Stripped } from "./strip-labels.ts";

/** What is left of the labels of a batch: series `i` has `data[i][start[i], end[i])`. */
export interface StrippedBatch {
  readonly batch: SeriesBatch;
  readonly data: readonly Uint8Array[];
  readonly start: Uint32Array;
  readonly end: Uint32Array;
  /** As in `Stripped`. */
  readonly prefixEnd: Uint32Array;
  readonly replicas: readonly string[];
}

/** One series of a stripped batch. */
export function strippedOf(from: StrippedBatch, series: number): Stripped {
  const { data, start, end, prefixEnd, replicas } = from;
  return {
    labels: { data: data[series]!, start: start[series]!, end: end[series]! },
    replica: replicas[series]!,
    prefixEnd: prefixEnd[series]!,
  };
}

/** True if the series `a` and `b` of a batch agree in all labels before the first replica label. */
export function sameBatchPrefix(from: StrippedBatch, a: number, b: number): boolean {
  const { start, prefixEnd } = from;
  const shift = start[b]! - start[a]!;
  if (prefixEnd[b]! - prefixEnd[a]! !== shift) return false;
  const x = from.data[a]!;
  const y = from.data[b]!;
  // Neighbours differ towards the end, if they do.
  for (let i = prefixEnd[a]! - 1; i >= start[a]!; i--) if (x[i] !== y[i + shift]) return false;
  return true;
}

/** A stripped batch while it is made. */
interface Writable extends StrippedBatch {
  readonly data: Uint8Array[];
  readonly replicas: string[];
}

const slabBytes = 65_536;

/** Strips batches; remembers the values of replica labels it met last. */
export class BatchStripper {
  readonly #names: readonly Uint8Array[];
  readonly #cursor = new LabelCursor();
  #slab = new Uint8Array(0);
  #used = 0;
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

  /** Labels that go on after a replica label are copied; others stay where they are. */
  strip(batch: SeriesBatch): StrippedBatch {
    const count = batch.seriesCount;
    const out: Writable = {
      batch,
      data: [],
      start: new Uint32Array(count),
      end: new Uint32Array(count),
      prefixEnd: new Uint32Array(count),
      replicas: [],
    };
    for (let i = 0; i < count; i++) this.#strip(batch.labels(i), i, out);
    return out;
  }

  #strip(labels: LabelBytes, series: number, out: Writable): void {
    const { data, start } = labels;
    const least = this.#names[0]!;
    const single = this.#names.length === 1;
    const cursor = this.#cursor.reset(labels);
    // Everything before `kept` stays; `prefixEnd` and `cut` are -1 until their label has come.
    let prefixEnd = -1;
    let cut = -1;
    let kept = start;
    let replica = "";
    let copied = false;
    while (cursor.next()) {
      const end = Math.max(cursor.nameEnd, cursor.valueEnd);
      const order = compareName(data, cursor.nameStart, cursor.nameEnd, least);
      if (prefixEnd < 0 && order >= 0) prefixEnd = kept;
      if (order === 0 || (!single && this.#isReplica(data))) {
        replica += this.#replica(data, kept, end);
        if (cut < 0) cut = kept;
        kept = end;
        continue;
      }
      if (cut >= 0) {
        // A label after one that went: from here on labels are put together elsewhere.
        if (!copied) {
          this.#reserve(labels.end - start);
          copied = true;
          out.start[series] = this.#used;
          prefixEnd += this.#used - start;
          this.#append(data, start, cut);
        }
        this.#append(data, kept, end);
      }
      kept = end;
    }
    if (copied) {
      out.data.push(this.#slab);
      out.end[series] = this.#used;
    } else {
      out.data.push(data);
      out.start[series] = start;
      out.end[series] = cut < 0 ? labels.end : cut;
    }
    out.prefixEnd[series] = prefixEnd < 0 ? out.end[series]! : prefixEnd;
    out.replicas.push(replica);
  }

  #reserve(bytes: number): void {
    if (this.#used + bytes <= this.#slab.length) return;
    this.#slab = new Uint8Array(Math.max(slabBytes, bytes));
    this.#used = 0;
  }

  #append(data: Uint8Array, from: number, to: number): void {
    const slab = this.#slab;
    let at = this.#used;
    for (let i = from; i < to; i++) slab[at++] = data[i]!;
    this.#used = at;
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
