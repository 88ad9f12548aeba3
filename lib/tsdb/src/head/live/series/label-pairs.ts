// Label pairs of a head by their bytes: a number for each pair that some series has.
import { equalRange, hashLabels, LastView } from "./hash-labels.ts";
import { LabelArena } from "./label-arena.ts";

/** A table of encoded labels. Numbers of removed pairs are used again. */
export class LabelPairs {
  #size = 0;
  count = 0;
  #hash = new Uint32Array(256);
  #place = new Float64Array(256);
  #length = new Uint32Array(256);
  readonly #view = new LastView();
  #bytes = new LabelArena();
  #slots = new Int32Array(1024).fill(-1);
  #used = 0;
  readonly #free: number[] = [];

  /** The pair with these bytes, or −1. */
  find(data: Uint8Array, start: number, end: number, hash: number): number {
    const mask = this.#slots.length - 1;
    const length = end - start;
    const view = this.#view.of(data);
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const pair = this.#slots[slot]!;
      if (pair === -1) return -1;
      if (pair < 0 || this.#hash[pair] !== hash || this.#length[pair] !== length) continue;
      const place = this.#place[pair]!;
      if (equalRange(view, start, end, this.#bytes.view(place), this.#bytes.offset(place))) {
        return pair;
      }
    }
  }

  /** Adds a pair that is not there; the bytes are copied. */
  add(data: Uint8Array, start: number, end: number, hash: number): number {
    const pair = this.#free.pop() ?? this.#size++;
    if (pair >= this.#hash.length) this.#grow();
    this.#hash[pair] = hash;
    this.#place[pair] = this.#bytes.add(data, start, end);
    this.#length[pair] = end - start;
    this.count++;
    if (2 * (this.#used + 1) > this.#slots.length) this.#rehash();
    else this.#insert(pair);
    return pair;
  }

  remove(pair: number): void {
    const mask = this.#slots.length - 1;
    let slot = this.#hash[pair]! & mask;
    while (this.#slots[slot] !== pair) slot = (slot + 1) & mask;
    this.#slots[slot] = -2;
    this.#bytes.free(this.#length[pair]!);
    this.#length[pair] = 0;
    this.count--;
    this.#free.push(pair);
    if (this.#bytes.wasteful) this.#pack();
  }

  #pack(): void {
    const packed = new LabelArena();
    for (let pair = 0; pair < this.#size; pair++) {
      const length = this.#length[pair]!;
      if (length === 0) continue;
      const place = this.#place[pair]!;
      const start = this.#bytes.offset(place);
      this.#place[pair] = packed.add(this.#bytes.page(place), start, start + length);
    }
    this.#bytes = packed;
  }

  #insert(pair: number): void {
    const mask = this.#slots.length - 1;
    let slot = this.#hash[pair]! & mask;
    while (this.#slots[slot]! >= 0) slot = (slot + 1) & mask;
    if (this.#slots[slot] === -1) this.#used++;
    this.#slots[slot] = pair;
  }

  #rehash(): void {
    let length = this.#slots.length;
    while (length < 4 * (this.count + 1)) length *= 2;
    this.#slots = new Int32Array(length).fill(-1);
    this.#used = 0;
    for (let pair = 0; pair < this.#size; pair++) if (this.#length[pair]! > 0) this.#insert(pair);
  }

  #grow(): void {
    const length = 2 * this.#hash.length;
    const hash = new Uint32Array(length);
    hash.set(this.#hash);
    this.#hash = hash;
    const place = new Float64Array(length);
    place.set(this.#place);
    this.#place = place;
    const lengths = new Uint32Array(length);
    lengths.set(this.#length);
    this.#length = lengths;
  }

  hashOf(data: Uint8Array, start: number, end: number): number {
    return hashLabels(this.#view.of(data), start, end);
  }
}
