// Start timestamps within a chunk: a header byte, and after each sample from some index on a change of the distance.
//
// Header: bit 7 = sample 0 has one (varint t − st); bits 0–6 = index c of the first sample where it changes, 0 = none.
// From sample c on a varbit_int follows each sample: at c it is (previous t − st), later the change of that.
import type { BitReader, BitWriter } from "@deucalion/kernels";

/** Largest index that the header can name; from there on start timestamps are always written. */
const changeMax = 127;

/** Reads start timestamps. `start` is that of the sample read last. */
export class StartTimeReader {
  start = 0;
  readonly #firstKnown: boolean;
  readonly #changeAt: number;
  #distance = 0;

  constructor(header: number) {
    this.#firstKnown = (header & 0x80) !== 0;
    this.#changeAt = header & 0x7f;
  }

  /** True if no sample of the chunk has one. */
  get none(): boolean {
    return !this.#firstKnown && this.#changeAt === 0;
  }

  /** Reads what follows sample `index`. */
  read(from: BitReader, index: number, time: number, previousTime: number): void {
    if (index === 0) {
      if (this.#firstKnown) this.start = time - from.varint();
    } else if (this.#changeAt > 0 && index >= this.#changeAt) {
      const value = from.varbitInt();
      this.#distance = index === this.#changeAt ? value : this.#distance + value;
      this.start = previousTime - this.#distance;
    }
  }
}

/** Writes start timestamps; `header` is to be stored when the chunk is finished. */
export class StartTimeWriter {
  header = 0;
  #start = 0;
  #distance = 0;

  /** Writes what follows sample `index`. */
  write(out: BitWriter, index: number, time: number, previousTime: number, start: number): void {
    const changeAt = this.header & 0x7f;
    if (index === 0) {
      if (start !== 0) {
        out.varint(time - start);
        this.header |= 0x80;
      }
    } else if (changeAt > 0) {
      const distance = previousTime - start;
      out.varbitInt(distance - this.#distance);
      this.#distance = distance;
    } else if (start !== this.#start || index === changeMax) {
      this.#distance = previousTime - start;
      this.header |= index;
      out.varbitInt(this.#distance);
    }
    this.#start = start;
  }
}
