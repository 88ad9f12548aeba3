// The series of a head as columns, and the table that finds them by their label bytes.
import type { LabelBytes } from "@deucalion/model";
import { noSlot } from "../chunks/slot-arena.ts";
import { equalRange, hashLabels, LastView } from "./hash-labels.ts";
import { LabelArena } from "./label-arena.ts";

/** What the open chunk of a series holds: the number of its encoding. */
export const ChunkKind = {
  none: 0,
  float: 1,
  integer: 2,
  floatHistogram: 3,
  /** With start timestamps. */
  startFloat: 4,
  startInteger: 5,
  startFloatHistogram: 6,
} as const;

/** True for kinds of histograms. */
export function holdsHistograms(kind: number): boolean {
  return kind !== ChunkKind.none && kind !== ChunkKind.float && kind !== ChunkKind.startFloat;
}

/** True for kinds of integer histograms. */
export function holdsIntegers(kind: number): boolean {
  return kind === ChunkKind.integer || kind === ChunkKind.startInteger;
}

type Column = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float64Array;

function grown<T extends Column>(column: T, make: new (length: number) => T, length: number): T {
  const larger = new make(length);
  larger.set(column);
  return larger;
}

/**
 * Columns by series index. Indexes of removed series are used again once nobody reads them (`recycle`). All memory is
 * in typed arrays: some 100 bytes a series beside labels, postings and chunks.
 */
export class SeriesTable {
  /** Indexes handed out so far; some may be free. */
  size = 0;
  /** Series that exist. */
  count = 0;
  /** 0 for none: the number of the series in logs and files. */
  ref = new Float64Array(1024);
  hash = new Uint32Array(1024);
  labelPlace = new Float64Array(1024);
  labelLength = new Uint32Array(1024);
  /** Time of the newest in-order sample, −Infinity before the first. */
  lastTime = new Float64Array(1024);
  /** Of the open chunk: first time, time at which to end it, last difference of times. */
  openTime = new Float64Array(1024);
  nextAt = new Float64Array(1024);
  delta = new Float64Array(1024);
  /** Last float value. */
  high = new Int32Array(1024);
  low = new Int32Array(1024);
  leading = new Uint8Array(1024);
  trailing = new Uint8Array(1024);
  kind = new Uint8Array(1024);
  /** Samples of an open float chunk. */
  samples = new Uint16Array(1024);
  /** Bits of an open float chunk. */
  bits = new Uint16Array(1024);
  slot = new Uint32Array(1024);
  slotClass = new Uint8Array(1024);
  /** First and last closed chunk in the chunk list, −1 for none. */
  firstChunk = new Int32Array(1024);
  lastChunk = new Int32Array(1024);
  /** The series that came next in a request, −1 if that is not known. */
  following = new Int32Array(1024);
  /** Entry of the metadata, −1 for none. */
  metadata = new Int32Array(1024);

  readonly view = new LastView();
  #labels = new LabelArena();
  #slots = new Int32Array(4096).fill(-1);
  #used = 0;
  #freed: number[] = [];
  #free: number[] = [];

  get labelBytes(): number {
    return this.#labels.bytes;
  }

  /** Bytes of all columns. */
  get columnBytes(): number {
    return this.ref.length * 109 + this.#slots.length * 4;
  }

  labels(series: number): LabelBytes {
    const place = this.labelPlace[series]!;
    const start = this.#labels.offset(place);
    return { data: this.#labels.page(place), start, end: start + this.labelLength[series]! };
  }

  /** The series with exactly these label bytes, or −1. */
  find(data: Uint8Array, start: number, end: number, hash: number): number {
    const mask = this.#slots.length - 1;
    const length = end - start;
    const view = this.view.of(data);
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const series = this.#slots[slot]!;
      if (series === -1) return -1;
      if (series < 0 || this.hash[series] !== hash || this.labelLength[series] !== length) continue;
      const place = this.labelPlace[series]!;
      const page = this.#labels.view(place);
      if (equalRange(view, start, end, page, this.#labels.offset(place))) return series;
    }
  }

  /**
   * The series that followed `before` in an earlier request, if its label bytes are what `data[start, end)` begins
   * with and no other label comes after them; else −1. Senders repeat their series in one order.
   */
  guess(before: number, data: Uint8Array, start: number, end: number): number {
    const series = this.following[before]!;
    if (series < 0 || this.ref[series] === 0) return -1;
    const stop = start + this.labelLength[series]!;
    if (stop > end || (stop < end && data[stop] === 0x0a)) return -1;
    const place = this.labelPlace[series]!;
    const { view } = this;
    const page = this.#labels.view(place);
    return equalRange(view.of(data), start, stop, page, this.#labels.offset(place)) ? series : -1;
  }

  /** Adds a series that is not there yet; the label bytes are copied. */
  add(data: Uint8Array, start: number, end: number, hash: number, ref: number): number {
    const series = this.#free.pop() ?? this.size++;
    if (series >= this.ref.length) this.#grow();
    this.ref[series] = ref;
    this.hash[series] = hash;
    this.labelPlace[series] = this.#labels.add(data, start, end);
    this.labelLength[series] = end - start;
    this.lastTime[series] = Number.NEGATIVE_INFINITY;
    this.kind[series] = ChunkKind.none;
    this.samples[series] = 0;
    this.slot[series] = noSlot;
    this.firstChunk[series] = -1;
    this.lastChunk[series] = -1;
    this.following[series] = -1;
    this.metadata[series] = -1;
    this.#insert(series, hash);
    this.count++;
    return series;
  }

  #insert(series: number, hash: number): void {
    if (2 * (this.#used + 1) > this.#slots.length) this.#rehash();
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    while (this.#slots[slot]! >= 0) slot = (slot + 1) & mask;
    if (this.#slots[slot] === -1) this.#used++;
    this.#slots[slot] = series;
  }

  #rehash(): void {
    let length = this.#slots.length;
    while (length < 4 * (this.count + 1)) length *= 2;
    this.#slots = new Int32Array(length).fill(-1);
    this.#used = 0;
    const mask = length - 1;
    for (let series = 0; series < this.size; series++) {
      if (this.ref[series] === 0) continue;
      let slot = this.hash[series]! & mask;
      while (this.#slots[slot] !== -1) slot = (slot + 1) & mask;
      this.#slots[slot] = series;
      this.#used++;
    }
  }

  /** Takes a series out. Its index and labels stay readable until `recycle`. */
  remove(series: number): void {
    const mask = this.#slots.length - 1;
    let slot = this.hash[series]! & mask;
    while (this.#slots[slot] !== series) slot = (slot + 1) & mask;
    this.#slots[slot] = -2;
    this.ref[series] = 0;
    this.count--;
    this.#freed.push(series);
  }

  /** Lets removed indexes be used again, and packs the labels if many are gone. Nobody may be reading. */
  recycle(): void {
    for (const series of this.#freed) {
      this.#labels.free(this.labelLength[series]!);
      this.#free.push(series);
    }
    this.#freed = [];
    if (!this.#labels.wasteful) return;
    const packed = new LabelArena();
    for (let series = 0; series < this.size; series++) {
      if (this.ref[series] === 0) continue;
      const { data, start, end } = this.labels(series);
      this.labelPlace[series] = packed.add(data, start, end);
    }
    this.#labels = packed;
  }

  #grow(): void {
    const length = this.ref.length * 2;
    this.ref = grown(this.ref, Float64Array, length);
    this.hash = grown(this.hash, Uint32Array, length);
    this.labelPlace = grown(this.labelPlace, Float64Array, length);
    this.labelLength = grown(this.labelLength, Uint32Array, length);
    this.lastTime = grown(this.lastTime, Float64Array, length);
    this.openTime = grown(this.openTime, Float64Array, length);
    this.nextAt = grown(this.nextAt, Float64Array, length);
    this.delta = grown(this.delta, Float64Array, length);
    this.high = grown(this.high, Int32Array, length);
    this.low = grown(this.low, Int32Array, length);
    this.leading = grown(this.leading, Uint8Array, length);
    this.trailing = grown(this.trailing, Uint8Array, length);
    this.kind = grown(this.kind, Uint8Array, length);
    this.samples = grown(this.samples, Uint16Array, length);
    this.bits = grown(this.bits, Uint16Array, length);
    this.slot = grown(this.slot, Uint32Array, length);
    this.slotClass = grown(this.slotClass, Uint8Array, length);
    this.firstChunk = grown(this.firstChunk, Int32Array, length);
    this.lastChunk = grown(this.lastChunk, Int32Array, length);
    this.following = grown(this.following, Int32Array, length);
    this.metadata = grown(this.metadata, Int32Array, length);
  }

  /** Visits every series that exists. */
  *all(): IterableIterator<number> {
    for (let series = 0; series < this.size; series++) if (this.ref[series] !== 0) yield series;
  }

  hashOf(data: Uint8Array, start: number, end: number): number {
    return hashLabels(this.view.of(data), start, end);
  }
}
