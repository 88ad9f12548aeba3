// Sample columns that are used again: merging takes a dozen for every few chunks.
import { XorScratch } from "@deucalion/kernels";
import { SampleColumns } from "@deucalion/model";

/** Hands out empty columns; all are taken back at once. Not for what must outlive a merge. */
export class ColumnPool {
  readonly #columns: SampleColumns[] = [];
  #used = 0;
  /** Memory of the encoder. */
  readonly scratch = new XorScratch();

  take(): SampleColumns {
    const columns = this.#columns[this.#used];
    if (columns !== undefined) {
      this.#used++;
      columns.reset();
      return columns;
    }
    const made = new SampleColumns();
    this.#columns.push(made);
    this.#used++;
    return made;
  }

  /** Everything that was handed out may be handed out again. */
  takeBack(): void {
    this.#used = 0;
  }
}
