// Sample columns that are used again: merging takes a dozen for every few chunks.
import type { ChunkMemory } from "@deucalion/kernels";
import { SampleColumns } from "@deucalion/model";

/** Samples of a column at first. */
const columnSamples = 2048;

/** Hands out empty columns; all are taken back at once. Not for what must outlive a merge. */
export class ColumnPool {
  readonly #columns: SampleColumns[] = [];
  #used = 0;
  /** Where chunks are decoded and encoded, and where columns lie as long as there is room. */
  readonly memory: ChunkMemory | null;

  constructor(memory: ChunkMemory | null = null) {
    this.memory = memory;
  }

  take(): SampleColumns {
    const columns = this.#columns[this.#used];
    if (columns !== undefined) {
      this.#used++;
      columns.reset();
      return columns;
    }
    const made = new SampleColumns(this.memory === null ? columnSamples : 0);
    this.memory?.columns(columnSamples, made);
    this.#columns.push(made);
    this.#used++;
    return made;
  }

  /** Everything that was handed out may be handed out again. */
  takeBack(): void {
    this.#used = 0;
  }
}
