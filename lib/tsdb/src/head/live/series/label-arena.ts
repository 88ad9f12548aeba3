// Label bytes of all series of a head, in large pages off the JavaScript heap.

import { copyShort, copyShortSpare } from "../../../wal/copy-short.ts";
import { LastView } from "./hash-labels.ts";

const pageBits = 20;
const pageBytes = 1 << pageBits;

/** Appends label bytes; ranges never cross pages. Freed ranges are counted, and `compact` by the owner gets them back. */
export class LabelArena {
  #pages: Uint8Array[] = [];
  #views: DataView[] = [];
  readonly #source = new LastView();
  #at = pageBytes;
  #freed = 0;
  #used = 0;

  get bytes(): number {
    return this.#pages.reduce((sum, page) => sum + page.length, 0);
  }

  /** True if more than half of what is held has been freed. */
  get wasteful(): boolean {
    return this.#freed > pageBytes && this.#freed > this.#used / 2;
  }

  /** Copies a range in; the result is `page × 2^20 + offset`. A set longer than a page gets one of its own. */
  add(data: Uint8Array, start: number, end: number): number {
    const length = end - start;
    this.#used += length;
    if (length > pageBytes) {
      this.#addPage(data.slice(start, end));
      this.#at = pageBytes;
      return (this.#pages.length - 1) * pageBytes;
    }
    if (this.#at + length > pageBytes) {
      this.#addPage(new Uint8Array(pageBytes));
      this.#at = 0;
    }
    const page = this.#pages.length - 1;
    const at = this.#at;
    if (end + copyShortSpare > data.length || at + length + copyShortSpare > pageBytes) {
      this.#pages[page]!.set(data.subarray(start, end), at);
    } else {
      copyShort(this.#source.of(data), start, this.#views[page]!, at, length);
    }
    this.#at += length;
    return page * pageBytes + at;
  }

  #addPage(page: Uint8Array): void {
    this.#pages.push(page);
    this.#views.push(new DataView(page.buffer, page.byteOffset, page.byteLength));
  }

  /** A view of the page where a range is. */
  view(place: number): DataView {
    return this.#views[Math.floor(place / pageBytes)]!;
  }

  free(length: number): void {
    this.#freed += length;
  }

  page(place: number): Uint8Array {
    return this.#pages[Math.floor(place / pageBytes)]!;
  }

  offset(place: number): number {
    return place % pageBytes;
  }
}
