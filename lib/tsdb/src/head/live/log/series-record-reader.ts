// Series of a log's record as label bytes, without making strings of them.
import { ByteReader, messageOf } from "@deucalion/base";
import { TsdbError } from "../../../errors.ts";

/** Bytes in front of a name and a value of one label, at most. */
const overheadBytes = 18;

function uvarintLength(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5;
}

function putUvarint(data: Uint8Array, from: number, value: number): number {
  let at = from;
  let rest = value;
  while (rest >= 128) {
    data[at++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  data[at++] = rest;
  return at;
}

/** Reads records of type 1. Its buffer is used again for each series. */
export class SeriesRecordReader {
  #scratch = new Uint8Array(4096);

  /** Calls `visit` for each series with its label bytes, which are good until it returns. Throws TSDB_WAL_RECORD. */
  read(
    record: Uint8Array,
    visit: (ref: number, labels: Uint8Array, start: number, end: number) => void,
  ): void {
    const from = new ByteReader(record);
    from.skip(1);
    while (from.left > 0) {
      let ref: number;
      let end = 0;
      try {
        ref = from.u64();
        end = this.#labels(from, record);
      } catch (thrown) {
        const text = `record does not decode: ${messageOf(thrown)}`;
        throw new TsdbError("TSDB_WAL_RECORD", text, { type: 1 }, { cause: thrown });
      }
      visit(ref, this.#scratch, 0, end);
    }
  }

  #labels(from: ByteReader, record: Uint8Array): number {
    const count = from.uvarint();
    if (2 * count > from.left) throw new Error("labels are cut off");
    let to = 0;
    for (let i = 0; i < count; i++) {
      const nameLength = from.uvarint();
      const nameAt = from.at;
      from.skip(nameLength);
      const valueLength = from.uvarint();
      const valueAt = from.at;
      from.skip(valueLength);
      const need = to + overheadBytes + nameLength + valueLength;
      if (need > this.#scratch.length) {
        const larger = new Uint8Array(2 * need);
        larger.set(this.#scratch.subarray(0, to));
        this.#scratch = larger;
      }
      const out = this.#scratch;
      const inner =
        2 + uvarintLength(nameLength) + nameLength + uvarintLength(valueLength) + valueLength;
      out[to++] = 0x0a;
      to = putUvarint(out, to, inner);
      out[to++] = 0x0a;
      to = putUvarint(out, to, nameLength);
      for (let j = 0; j < nameLength; j++) out[to++] = record[nameAt + j]!;
      out[to++] = 0x12;
      to = putUvarint(out, to, valueLength);
      for (let j = 0; j < valueLength; j++) out[to++] = record[valueAt + j]!;
    }
    return to;
  }
}
