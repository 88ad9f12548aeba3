// Series of a log's record as label bytes, without making strings of them.
import { ByteReader, messageOf, putUvarint, uvarintLength } from "@deucalion/base";
import { TsdbError } from "../../../errors.ts";
import { copyShort, copyShortSpare } from "../../../wal/copy-short.ts";

/** Bytes in front of a name and a value of one label, at most, and what `copyShort` may write behind it. */
const overheadBytes = 22;

/** Reads records of type 1. Its buffer is used again for each series. */
export class SeriesRecordReader {
  #scratch = new Uint8Array(4096);
  #out = new DataView(this.#scratch.buffer);

  /** Calls `visit` for each series with its label bytes, which are good until it returns. Throws TSDB_WAL_RECORD. */
  read(
    record: Uint8Array,
    visit: (ref: number, labels: Uint8Array, start: number, end: number) => void,
  ): void {
    const from = new ByteReader(record);
    const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
    from.skip(1);
    while (from.left > 0) {
      let ref: number;
      let end = 0;
      try {
        ref = from.u64();
        end = this.#labels(from, record, view);
      } catch (thrown) {
        const text = `record does not decode: ${messageOf(thrown)}`;
        throw new TsdbError("TSDB_WAL_RECORD", text, { type: 1 }, { cause: thrown });
      }
      visit(ref, this.#scratch, 0, end);
    }
  }

  #reserve(used: number, count: number): void {
    if (used + count <= this.#scratch.length) return;
    const larger = new Uint8Array(2 * (used + count));
    larger.set(this.#scratch.subarray(0, used));
    this.#scratch = larger;
    this.#out = new DataView(larger.buffer);
  }

  #labels(from: ByteReader, record: Uint8Array, view: DataView): number {
    const count = from.uvarint();
    if (2 * count > from.left) throw new Error("labels are cut off");
    let to = 0;
    for (let i = 0; i < count; i++) {
      // The usual label: short, and with something behind it.
      const at = from.at;
      const name = at < record.length ? record[at]! : 128;
      const valueAt = at + 1 + name;
      const value = name < 128 && valueAt < record.length ? record[valueAt]! : 128;
      const end = valueAt + 1 + value;
      if (name + value > 120 || end + copyShortSpare > record.length) {
        to = this.#long(from, record, to);
        continue;
      }
      from.at = end;
      this.#reserve(to, overheadBytes + name + value);
      const out = this.#scratch;
      out[to] = 0x0a;
      out[to + 1] = 4 + name + value;
      out[to + 2] = 0x0a;
      // The length and the name, the length and the value.
      copyShort(view, at, this.#out, to + 3, 1 + name);
      to += 4 + name;
      out[to] = 0x12;
      copyShort(view, valueAt, this.#out, to + 1, 1 + value);
      to += 2 + value;
    }
    return to;
  }

  #long(from: ByteReader, record: Uint8Array, at: number): number {
    const nameLength = from.uvarint();
    const nameAt = from.at;
    from.skip(nameLength);
    const valueLength = from.uvarint();
    const valueAt = from.at;
    from.skip(valueLength);
    this.#reserve(at, overheadBytes + nameLength + valueLength);
    const out = this.#scratch;
    const inner =
      2 + uvarintLength(nameLength) + nameLength + uvarintLength(valueLength) + valueLength;
    let to = at;
    out[to++] = 0x0a;
    to = putUvarint(out, to, inner);
    out[to++] = 0x0a;
    to = putUvarint(out, to, nameLength);
    out.set(record.subarray(nameAt, nameAt + nameLength), to);
    to += nameLength;
    out[to++] = 0x12;
    to = putUvarint(out, to, valueLength);
    out.set(record.subarray(valueAt, valueAt + valueLength), to);
    return to + valueLength;
  }
}
