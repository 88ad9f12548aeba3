// Memory for open chunks: slots of a few sizes in large pages, off the JavaScript heap.

const pageBits = 20;
const pageBytes = 1 << pageBits;
/** Sizes of slots. The last one holds the largest float chunk and one more sample. */
const sizes = [64, 128, 192, 256, 384, 512, 768, 1088] as const;

/** The slot of nothing. */
export const noSlot = 0xffffffff;

/** Hands out slots. A slot is `page << 20 | offset`; its size class goes with it in the caller's columns. */
export class SlotArena {
  readonly #pages: Uint8Array[] = [];
  readonly #views: DataView[] = [];
  readonly #free: number[][] = sizes.map(() => []);
  /** Where the unused part of the newest page of each size begins, and its end. */
  readonly #next = new Float64Array(sizes.length);
  readonly #end = new Float64Array(sizes.length);

  get bytes(): number {
    return this.#pages.length * pageBytes;
  }

  static size(sizeClass: number): number {
    return sizes[sizeClass]!;
  }

  static get classes(): number {
    return sizes.length;
  }

  /** A slot of a size class, zero-filled. */
  take(sizeClass: number): number {
    const size = sizes[sizeClass]!;
    const free = this.#free[sizeClass]!.pop();
    if (free !== undefined) {
      const at = free & (pageBytes - 1);
      this.page(free).fill(0, at, at + size);
      return free;
    }
    if (this.#next[sizeClass]! + size > this.#end[sizeClass]!) {
      const start = this.#pages.length * pageBytes;
      const page = new Uint8Array(pageBytes);
      this.#pages.push(page);
      this.#views.push(new DataView(page.buffer));
      this.#next[sizeClass] = start;
      this.#end[sizeClass] = start + pageBytes;
    }
    const slot = this.#next[sizeClass]!;
    this.#next[sizeClass] = slot + size;
    return slot;
  }

  give(slot: number, sizeClass: number): void {
    this.#free[sizeClass]!.push(slot);
  }

  /** The page of a slot. */
  page(slot: number): Uint8Array {
    return this.#pages[slot >>> pageBits]!;
  }

  /** A view of that page. */
  view(slot: number): DataView {
    return this.#views[slot >>> pageBits]!;
  }

  /** Offset of a slot in its page. */
  offset(slot: number): number {
    return slot & (pageBytes - 1);
  }
}
