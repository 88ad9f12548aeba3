// Numbers groups of label sets by some of their labels, on bytes: no strings are made for a series.
import {
  compareStrings,
  decodeLabels,
  encodeLabels,
  type LabelBytes,
  LabelCursor,
  type Labels,
} from "@deucalion/model";
import type { Row } from "../row.ts";

const text = new TextEncoder();

/** Groups by the named labels, or by all but these and the metric name. */
export class LabelGroups {
  readonly #names: readonly Uint8Array[];
  readonly #without: boolean;
  readonly #cursor = new LabelCursor();
  /** Rows whose type and unit have been dropped must not be told apart by them. */
  readonly #droppable: readonly boolean[];
  #key = new Uint8Array(256);
  #keyLength = 0;
  /** Open addressing: group + 1, or 0. */
  #slots = new Int32Array(64);
  #hashes: number[] = [];
  #keys: Uint8Array[] = [];
  #last = -1;

  constructor(names: readonly string[], without: boolean) {
    const all = without ? [...names, "__name__", "__type__", "__unit__"] : [...names];
    const sorted = [...new Set(all)].sort(compareStrings);
    this.#without = without;
    this.#names = sorted.map((name) => text.encode(name));
    // `__type__` and `__unit__` are only left out where the row says so, unless they were named.
    this.#droppable = sorted.map(
      (name) => without && (name === "__type__" || name === "__unit__") && !names.includes(name),
    );
  }

  get count(): number {
    return this.#keys.length;
  }

  /** The number of a row's group; groups are numbered in the order of their first row. */
  groupOf(row: Row): number {
    const bytes = row.labelBytes ?? encodeLabels(row.labels);
    if (this.#without) this.#keepOthers(bytes, row.labelBytes !== null && row.metadataDropped);
    else this.#keepNamed(bytes, row.labelBytes !== null && row.metadataDropped);
    if (this.#last >= 0 && this.#equals(this.#keys[this.#last]!)) return this.#last;
    this.#last = this.#find();
    return this.#last;
  }

  /** The labels of a group. */
  labels(group: number): Labels {
    const data = this.#keys[group]!;
    return decodeLabels({ data, start: 0, end: data.length });
  }

  #append(data: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (this.#keyLength + length > this.#key.length) {
      const larger = new Uint8Array((this.#keyLength + length) * 2);
      larger.set(this.#key.subarray(0, this.#keyLength));
      this.#key = larger;
    }
    const key = this.#key;
    let to = this.#keyLength;
    for (let i = start; i < end; i++) key[to++] = data[i]!;
    this.#keyLength = to;
  }

  #keepNamed(bytes: LabelBytes, metadataDropped: boolean): void {
    this.#keyLength = 0;
    const names = this.#names;
    if (names.length === 0) return;
    const { data } = bytes;
    const cursor = this.#cursor.reset(bytes);
    let wanted = 0;
    let entry = bytes.start;
    while (wanted < names.length && cursor.next()) {
      const end = Math.max(cursor.nameEnd, cursor.valueEnd);
      let order = compareName(data, cursor.nameStart, cursor.nameEnd, names[wanted]!);
      while (order > 0 && ++wanted < names.length) {
        order = compareName(data, cursor.nameStart, cursor.nameEnd, names[wanted]!);
      }
      if (wanted < names.length && order === 0) {
        const gone = metadataDropped && isMetadata(names[wanted]!);
        if (!gone && cursor.valueEnd > cursor.valueStart) this.#append(data, entry, end);
        wanted++;
      }
      entry = end;
    }
  }

  #keepOthers(bytes: LabelBytes, metadataDropped: boolean): void {
    this.#keyLength = 0;
    const names = this.#names;
    const { data } = bytes;
    const cursor = this.#cursor.reset(bytes);
    let next = 0;
    let entry = bytes.start;
    while (cursor.next()) {
      const end = Math.max(cursor.nameEnd, cursor.valueEnd);
      let order = 1;
      while (next < names.length) {
        order = compareName(data, cursor.nameStart, cursor.nameEnd, names[next]!);
        if (order <= 0) break;
        next++;
      }
      const named = next < names.length && order === 0;
      const excluded = named && (metadataDropped || !this.#droppable[next]!);
      if (!excluded && cursor.valueEnd > cursor.valueStart) this.#append(data, entry, end);
      entry = end;
    }
  }

  #equals(key: Uint8Array): boolean {
    const length = this.#keyLength;
    if (key.length !== length) return false;
    const mine = this.#key;
    for (let i = 0; i < length; i++) if (mine[i] !== key[i]) return false;
    return true;
  }

  #hash(): number {
    let hash = 0x811c9dc5;
    const key = this.#key;
    for (let i = 0; i < this.#keyLength; i++) hash = Math.imul(hash ^ key[i]!, 0x01000193);
    hash ^= hash >>> 15;
    return hash >>> 0;
  }

  #find(): number {
    const hash = this.#hash();
    let mask = this.#slots.length - 1;
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const group = this.#slots[at]! - 1;
      if (group < 0) break;
      if (this.#hashes[group] === hash && this.#equals(this.#keys[group]!)) return group;
    }
    const group = this.#keys.push(this.#key.slice(0, this.#keyLength)) - 1;
    this.#hashes.push(hash);
    if (this.#keys.length * 2 > this.#slots.length) this.#grow();
    else {
      mask = this.#slots.length - 1;
      this.#place(group, hash, mask);
    }
    return group;
  }

  #place(group: number, hash: number, mask: number): void {
    let at = hash & mask;
    while (this.#slots[at] !== 0) at = (at + 1) & mask;
    this.#slots[at] = group + 1;
  }

  #grow(): void {
    this.#slots = new Int32Array(this.#slots.length * 2);
    const mask = this.#slots.length - 1;
    for (const [group, hash] of this.#hashes.entries()) this.#place(group, hash, mask);
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

const metadataNames = ["__name__", "__type__", "__unit__"].map((name) => text.encode(name));

function isMetadata(name: Uint8Array): boolean {
  return metadataNames.some((known) => compareName(known, 0, known.length, name) === 0);
}
