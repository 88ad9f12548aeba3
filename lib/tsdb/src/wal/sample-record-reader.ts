// Float samples of a log's record (type 2), visited one by one without columns or objects.
import { TsdbError } from "../errors.ts";

const scale32 = 4294967296;

/** Reads records of type 2. */
export class SampleRecordReader {
  #data: Uint8Array = new Uint8Array(0);
  #at = 0;

  /** Calls `visit` for each sample; the value is given as two words. Throws TSDB_WAL_RECORD where a record is cut off. */
  read(
    record: Uint8Array,
    visit: (ref: number, time: number, high: number, low: number) => void,
  ): void {
    const end = record.length;
    if (end === 1) return;
    if (end < 17) this.#fail(end);
    const view = new DataView(record.buffer, record.byteOffset, end);
    const firstRef = view.getUint32(1) * scale32 + view.getUint32(5);
    const firstTime = view.getInt32(9) * scale32 + view.getUint32(13);
    this.#data = record;
    this.#at = 17;
    while (this.#at < end) {
      const ref = firstRef + this.#varint();
      const time = firstTime + this.#varint();
      const at = this.#at;
      if (at + 8 > end) this.#fail(end);
      this.#at = at + 8;
      visit(ref, time, view.getInt32(at), view.getInt32(at + 4));
    }
  }

  #fail(at: number): never {
    throw new TsdbError("TSDB_WAL_RECORD", "samples are cut off", { at });
  }

  #varint(): number {
    const data = this.#data;
    let at = this.#at;
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      if (at >= data.length) this.#fail(at);
      const byte = data[at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) {
        this.#at = at;
        return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      }
      scale *= 128;
    }
    return this.#fail(at);
  }
}
