// A series in an index: its labels as symbol references, its chunks as columns.
//
// uvarint length, body, CRC-32C of the body. Body: uvarint labels, per label uvarint name, uvarint value;
// uvarint chunks; first: varint mint, uvarint maxt − mint, uvarint ref; next: uvarint mint − previous maxt,
// uvarint maxt − mint, varint ref − previous ref.
import { crc32c } from "@deucalion/kernels";
import { TsdbError } from "../errors.ts";

/** One series entry, decoded into memory that is reused by the next. */
export class SeriesEntry {
  /** Symbol references: name, value, name, value, … */
  labels = new Uint32Array(64);
  labelCount = 0;
  chunkCount = 0;
  /** Milliseconds, inclusive. */
  minTimes = new Float64Array(64);
  maxTimes = new Float64Array(64);
  /** Chunk references: segment × 2^32 + offset. */
  refs = new Float64Array(64);

  #data: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;

  /**
   * Decodes the entry at `offset` of `data`. Returns the bytes it takes, or, if `data` ends too early, minus the
   * bytes it needs at least. Throws TSDB_INDEX_DATA or TSDB_INDEX_CHECKSUM.
   */
  read(data: Uint8Array, offset: number): number {
    this.#data = data;
    this.#at = offset;
    this.#end = Math.min(data.length, offset + 10);
    const last = this.#end - 1;
    let at = offset;
    while (at < last && data[at]! >= 0x80) at++;
    if (at >= data.length || data[at]! >= 0x80) {
      if (this.#end < offset + 10) return -16;
      throw this.#malformed();
    }
    const length = this.#uvarint();
    const start = this.#at;
    const end = start + length;
    if (length > 0x7fffffff) throw this.#malformed();
    if (end + 4 > data.length) return -(end + 4 - offset);
    const stored =
      ((data[end]! << 24) | (data[end + 1]! << 16) | (data[end + 2]! << 8) | data[end + 3]!) >>> 0;
    if (crc32c(data, start, end) !== stored) {
      throw new TsdbError("TSDB_INDEX_CHECKSUM", "read series: invalid checksum", { offset });
    }
    this.#end = end;
    this.#readLabels();
    this.#readChunks();
    return end + 4 - offset;
  }

  #readLabels(): void {
    const count = this.#uvarint();
    if (count * 2 > this.#end - this.#at) throw this.#malformed();
    if (2 * count > this.labels.length) this.labels = new Uint32Array(4 * count);
    const labels = this.labels;
    for (let i = 0; i < 2 * count; i++) labels[i] = this.#uvarint();
    this.labelCount = count;
  }

  #readChunks(): void {
    const count = this.#uvarint();
    if (count * 3 > this.#end - this.#at) throw this.#malformed();
    if (count > this.refs.length) {
      this.minTimes = new Float64Array(2 * count);
      this.maxTimes = new Float64Array(2 * count);
      this.refs = new Float64Array(2 * count);
    }
    this.chunkCount = count;
    if (count === 0) return;
    let time = this.#varint();
    let ref = 0;
    for (let i = 0; i < count; i++) {
      if (i > 0) time += this.#uvarint();
      this.minTimes[i] = time;
      time += this.#uvarint();
      this.maxTimes[i] = time;
      ref += i === 0 ? this.#uvarint() : this.#varint();
      this.refs[i] = ref;
    }
  }

  #malformed(): TsdbError {
    return new TsdbError("TSDB_INDEX_DATA", "read series: malformed entry", { at: this.#at });
  }

  #uvarint(): number {
    const data = this.#data;
    let at = this.#at;
    if (at >= this.#end) throw this.#malformed();
    let byte = data[at++]!;
    let value = byte;
    if (byte >= 0x80) {
      value = byte & 0x7f;
      let scale = 128;
      for (let i = 1; ; i++) {
        if (at >= this.#end || i === 10) throw this.#malformed();
        byte = data[at++]!;
        value += (byte & 0x7f) * scale;
        if (byte < 0x80) break;
        scale *= 128;
      }
    }
    this.#at = at;
    return value;
  }

  #varint(): number {
    const value = this.#uvarint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
