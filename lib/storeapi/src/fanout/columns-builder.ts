// Puts rows of several ChunkColumns into a new one without copying bytes.
import { ChunkColumns, type LabelBytes } from "@deucalion/model";

/** Numbers of buffers are 16 bits; some room is left for the series at hand. */
const buffersMax = 60_000;

/** `take()` hands out what has been built and starts anew. */
export class ColumnsBuilder {
  #columns = new ChunkColumns();
  #numbers = new Map<Uint8Array, number>();
  #lastBuffer: Uint8Array | null = null;
  #lastNumber = 0;

  get seriesCount(): number {
    return this.#columns.seriesCount;
  }

  get full(): boolean {
    return this.#columns.buffers.length >= buffersMax;
  }

  #number(buffer: Uint8Array): number {
    if (buffer === this.#lastBuffer) return this.#lastNumber;
    let number = this.#numbers.get(buffer);
    if (number === undefined) {
      number = this.#columns.addBuffer(buffer);
      this.#numbers.set(buffer, number);
    }
    this.#lastBuffer = buffer;
    this.#lastNumber = number;
    return number;
  }

  addSeries(labels: LabelBytes): void {
    this.#columns.addSeries(this.#number(labels.data), labels.start, labels.end);
  }

  /** Appends row `i` of `from` to the last series. */
  addRow(from: ChunkColumns, i: number): void {
    this.#columns.addChunk(
      from.minTime[i]!,
      from.maxTime[i]!,
      from.encoding[i]!,
      from.aggregate[i]!,
      this.#number(from.buffers[from.buffer[i]!]!),
      from.offset[i]!,
      from.length[i]!,
    );
  }

  /** Appends rows `[start, end)` of `from` to the last series. */
  addRows(from: ChunkColumns, start: number, end: number): void {
    for (let i = start; i < end; i++) this.addRow(from, i);
  }

  take(): ChunkColumns {
    const columns = this.#columns;
    // The next batch will be much like this one.
    this.#columns = new ChunkColumns(columns.seriesCount, columns.chunkCount);
    this.#numbers = new Map();
    this.#lastBuffer = null;
    return columns;
  }
}
