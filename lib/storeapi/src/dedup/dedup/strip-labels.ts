// Takes replica labels out of label bytes and tells what they said.
import { decodeText, type LabelBytes, LabelCursor } from "@deucalion/model";

/** A label set without its replica labels. */
export interface Stripped {
  readonly labels: LabelBytes;
  /** Values of the replica labels: equal for series of one replica; "" without any. */
  readonly replica: string;
  /** Where the first label lies whose name is not below the least replica label's: only what follows can be reordered. */
  readonly prefixEnd: number;
}

const slabBytes = 65_536;

/** Strips labels, writing what is left to slabs that are never reused. */
export class LabelStripper {
  readonly #names: readonly Uint8Array[];
  readonly #cursor = new LabelCursor();
  #slab = new Uint8Array(slabBytes);
  #used = 0;

  /** `replicaLabels` need not be sorted. */
  constructor(replicaLabels: readonly string[]) {
    const encoder = new TextEncoder();
    this.#names = replicaLabels.map((name) => encoder.encode(name)).sort(compareNames);
  }

  strip(labels: LabelBytes): Stripped {
    const cursor = this.#cursor.reset(labels);
    const data = labels.data;
    let replica = "";
    let prefixEnd = -1;
    let from = labels.start;
    let length = 0;
    this.#reserve(labels.end - labels.start);
    const to = this.#used;
    while (cursor.next()) {
      const end = Math.max(cursor.nameEnd, cursor.valueEnd);
      const name = data.subarray(cursor.nameStart, cursor.nameEnd);
      if (prefixEnd < 0 && compareNames(name, this.#names[0]!) >= 0) prefixEnd = length;
      if (this.#names.some((replicaName) => compareNames(replicaName, name) === 0)) {
        replica += `${decodeText(data, from, end)}\u0000`;
      } else {
        this.#slab.set(data.subarray(from, end), to + length);
        length += end - from;
      }
      from = end;
    }
    if (prefixEnd < 0) prefixEnd = length;
    if (replica === "") {
      return { labels, replica, prefixEnd: labels.start + prefixEnd };
    }
    this.#used = to + length;
    return {
      labels: { data: this.#slab, start: to, end: to + length },
      replica,
      prefixEnd: to + prefixEnd,
    };
  }

  #reserve(bytes: number): void {
    if (this.#used + bytes <= this.#slab.length) return;
    this.#slab = new Uint8Array(Math.max(slabBytes, bytes));
    this.#used = 0;
  }
}

function compareNames(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}
