// Looks up whether a head has an in-order sample of some time.
import { SampleColumns } from "@deucalion/model";
import { decodeChunkInto } from "../../../chunk/decode-chunk.ts";
import { TsdbError } from "../../../errors.ts";
import type { LiveHead } from "../live-head.ts";
import { ChunkKind } from "../series/series-table.ts";

/** Remembers the chunk that was decoded last: what is sent again comes in runs. */
export class StoredSamples {
  readonly #head: LiveHead;
  /** Of the chunk where the last search ended. */
  readonly samples = new SampleColumns(256);
  #ref = -1;
  /** Reference of the closed chunk, or −1 less the last time of the open one. */
  #chunk = Number.NaN;

  constructor(head: LiveHead) {
    this.#head = head;
  }

  /** Index in `samples` of the sample of that time, −1 if the series has none in order. */
  find(series: number, time: number): number {
    const { table, chunks } = this.#head;
    if (table.kind[series] !== ChunkKind.none && time >= table.openTime[series]!) {
      this.#load(series, -1 - table.lastTime[series]!, () =>
        this.#head.openInto(series, this.samples),
      );
      return this.#search(time);
    }
    for (let row = table.firstChunk[series]!; row >= 0; row = chunks.next[row]!) {
      if (chunks.maxTime[row]! >= time) return this.findIn(series, row, time);
    }
    return -1;
  }

  /** The same in one row of the chunk list. */
  findIn(series: number, row: number, time: number): number {
    const { chunks, files } = this.#head;
    if (chunks.minTime[row]! > time || chunks.maxTime[row]! < time) return -1;
    const ref = chunks.ref[row]!;
    const encoding = chunks.encoding[row]!;
    try {
      this.#load(series, ref, () => {
        const { data, offset, length } = files.readNow(ref);
        decodeChunkInto(encoding, data, offset, length, this.samples);
      });
    } catch (thrown) {
      // What cannot be read is not known to be stored.
      if (thrown instanceof TsdbError) return -1;
      throw thrown;
    }
    return this.#search(time);
  }

  #load(series: number, chunk: number, decode: () => void): void {
    const ref = this.#head.table.ref[series]!;
    if (this.#ref === ref && this.#chunk === chunk) return;
    this.#ref = -1;
    this.samples.reset();
    decode();
    this.#ref = ref;
    this.#chunk = chunk;
  }

  #search(time: number): number {
    const { times, count } = this.samples;
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (times[middle]! < time) low = middle + 1;
      else high = middle;
    }
    return low < count && times[low] === time ? low : -1;
  }
}
