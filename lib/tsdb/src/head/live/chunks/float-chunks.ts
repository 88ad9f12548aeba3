// Open XOR chunks of a head: samples are appended in place, to slots, with the state of each in columns.

import { ChunkKind, type SeriesTable } from "../series/series-table.ts";
import { noSlot, SlotArena } from "./slot-arena.ts";

/** The most that one sample adds, in bytes, and what is written beside its last bits. */
const sampleBytesMax = 24;

/** Appends to the open float chunks of `table`. The layout is that of the kernel's XOR chunks. */
export class FloatChunks {
  readonly #table: SeriesTable;
  readonly arena = new SlotArena();
  #view: DataView = new DataView(new ArrayBuffer(0));
  #base = 0;
  #bit = 0;

  constructor(table: SeriesTable) {
    this.#table = table;
  }

  /** Bytes of the open chunk. */
  byteLength(series: number): number {
    return (this.#table.bits[series]! + 7) >>> 3;
  }

  /** Begins a chunk with its first sample. */
  begin(series: number, time: number, high: number, low: number): void {
    const t = this.#table;
    const slot = this.arena.take(0);
    t.kind[series] = ChunkKind.float;
    t.slot[series] = slot;
    t.slotClass[series] = 0;
    t.openTime[series] = time;
    t.leading[series] = 255;
    t.trailing[series] = 0;
    this.#view = this.arena.view(slot);
    this.#base = this.arena.offset(slot);
    this.#bit = 16;
    this.#uvarint(time < 0 ? -time * 2 - 1 : time * 2);
    this.#put(high, 32);
    this.#put(low, 32);
    t.bits[series] = this.#bit;
    t.samples[series] = 1;
    t.high[series] = high;
    t.low[series] = low;
    t.lastTime[series] = time;
    t.delta[series] = 0;
  }

  /** Appends a sample later than the last. */
  append(series: number, time: number, high: number, low: number): void {
    const t = this.#table;
    let slot = t.slot[series]!;
    const sizeClass = t.slotClass[series]!;
    const used = (t.bits[series]! + 7) >>> 3;
    if (used + sampleBytesMax > SlotArena.size(sizeClass)) {
      slot = this.#enlarge(series, slot, sizeClass, used);
    }
    this.#view = this.arena.view(slot);
    this.#base = this.arena.offset(slot);
    this.#bit = t.bits[series]!;
    const delta = time - t.lastTime[series]!;
    if (t.samples[series] === 1) {
      this.#uvarint(delta);
    } else {
      const dod = delta - t.delta[series]!;
      if (dod === 0) this.#put(0, 1);
      else if (dod >= -8191 && dod <= 8192) this.#put(0x8000 | (dod & 0x3fff), 16);
      else if (dod >= -65535 && dod <= 65536) this.#put(0xc0000 | (dod & 0x1ffff), 20);
      else if (dod >= -524287 && dod <= 524288) this.#put(0xe00000 | (dod & 0xfffff), 24);
      else {
        const upper = Math.floor(dod / 4294967296);
        this.#put(15, 4);
        this.#put(upper | 0, 32);
        this.#put((dod - upper * 4294967296) | 0, 32);
      }
    }
    const h = high ^ t.high[series]!;
    const l = low ^ t.low[series]!;
    if (h === 0 && l === 0) {
      this.#put(0, 1);
    } else {
      this.#putDifference(series, h, l);
      t.high[series] = high;
      t.low[series] = low;
    }
    t.bits[series] = this.#bit;
    t.samples[series]!++;
    t.lastTime[series] = time;
    t.delta[series] = delta;
  }

  #putDifference(series: number, h: number, l: number): void {
    const t = this.#table;
    let leading = h === 0 ? 32 + Math.clz32(l) : Math.clz32(h);
    const trailing = l === 0 ? 63 - Math.clz32(h & -h) : 31 - Math.clz32(l & -l);
    if (leading > 31) leading = 31;
    let from = t.trailing[series]!;
    if (t.leading[series] !== 255 && leading >= t.leading[series]! && trailing >= from) {
      this.#put(0b10, 2);
    } else {
      t.leading[series] = leading;
      t.trailing[series] = trailing;
      from = trailing;
      this.#put(0x1800 | (leading << 6) | ((64 - leading - trailing) & 63), 13);
    }
    const significant = 64 - t.leading[series]! - from;
    const lower =
      from === 0 ? l : from < 32 ? (l >>> from) | (h << (32 - from)) : h >>> (from - 32);
    if (significant <= 32) {
      this.#put(significant === 32 ? lower : lower & ((1 << significant) - 1), significant);
      return;
    }
    const upper = from === 0 ? h : h >>> from;
    const bits = significant - 32;
    this.#put(bits === 32 ? upper : upper & ((1 << bits) - 1), bits);
    this.#put(lower, 32);
  }

  #enlarge(series: number, slot: number, sizeClass: number, used: number): number {
    const t = this.#table;
    const larger = this.arena.take(sizeClass + 1);
    const from = this.arena.offset(slot);
    this.arena
      .page(larger)
      .set(this.arena.page(slot).subarray(from, from + used), this.arena.offset(larger));
    this.arena.give(slot, sizeClass);
    t.slot[series] = larger;
    t.slotClass[series] = sizeClass + 1;
    return larger;
  }

  /** Writes the low `count` bits of `value`; the memory behind is zero, four bytes of it belong to the slot. */
  #put(value: number, count: number): void {
    if (count > 24) {
      this.#put(value >>> 16, count - 16);
      this.#put(value & 0xffff, 16);
      return;
    }
    const view = this.#view;
    const at = this.#base + (this.#bit >>> 3);
    const shift = 32 - (this.#bit & 7) - count;
    view.setInt32(at, view.getInt32(at) | ((value & ((1 << count) - 1)) << shift));
    this.#bit += count;
  }

  #uvarint(value: number): void {
    let rest = value;
    while (rest >= 0x80000000) {
      this.#put((rest % 128) | 128, 8);
      rest = Math.floor(rest / 128);
    }
    while (rest >= 128) {
      this.#put((rest & 127) | 128, 8);
      rest >>>= 7;
    }
    this.#put(rest, 8);
  }

  /** Copies the open chunk, complete, to `out`; returns its length. `out` has room for `byteLength`. */
  copyInto(series: number, out: Uint8Array, at: number): number {
    const t = this.#table;
    const slot = t.slot[series]!;
    const length = this.byteLength(series);
    const from = this.arena.offset(slot);
    const page = this.arena.page(slot);
    for (let i = 2; i < length; i++) out[at + i] = page[from + i]!;
    out[at] = t.samples[series]! >>> 8;
    out[at + 1] = t.samples[series]!;
    return length;
  }

  /** Forgets the open chunk; the last value stays known. */
  drop(series: number): void {
    const t = this.#table;
    if (t.slot[series] !== noSlot) this.arena.give(t.slot[series]!, t.slotClass[series]!);
    t.slot[series] = noSlot;
    t.kind[series] = ChunkKind.none;
    t.samples[series] = 0;
  }
}
