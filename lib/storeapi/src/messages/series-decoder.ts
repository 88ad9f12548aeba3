// Reads Series responses in place: frames become columns over their own bytes, labels stay raw.
//
// SeriesResponse   1: Series   2: warning (string)   3: hints (Any)   4: SeriesBatch { 1: Series }
// Series           1: Label { 1: name  2: value }     2: AggrChunk
// AggrChunk        1: min time   2: max time   3…8: Chunk for raw, count, sum, min, max, counter
// Chunk            1: type (varint, TSDB encoding − 1)   2: data   3: hash
import { ChunkColumns, ChunkEncoding } from "@deucalion/model";
import { RpcError } from "@deucalion/rpc";

function fail(message: string, at: number): never {
  throw new RpcError("RPC_PROTO", `series response: ${message}`, { at });
}

/** Buffers in one batch are numbered with 16 bits. */
const buffersMax = 65_535;

/**
 * Collects the series of any number of messages. `take()` hands the columns out; messages must not be written to
 * afterwards. Malformed messages throw RPC_PROTO and leave what was read before them.
 */
export class SeriesDecoder {
  #columns = new ChunkColumns();
  /** Warnings since the last `take`. */
  warnings: string[] = [];
  /** Encoded google.protobuf.Any messages since the last `take`. */
  hints: Uint8Array[] = [];
  #data: Uint8Array = new Uint8Array(0);
  #buffer = -1;
  #at = 0;

  get seriesCount(): number {
    return this.#columns.seriesCount;
  }

  get full(): boolean {
    return this.#columns.buffers.length >= buffersMax;
  }

  /** The columns so far; starts new ones. */
  take(): ChunkColumns {
    const columns = this.#columns;
    // The next columns will be much like these.
    const { seriesCount, chunkCount } = columns;
    this.#columns = new ChunkColumns(
      seriesCount + (seriesCount >> 2),
      chunkCount + (chunkCount >> 2),
    );
    this.#buffer = -1;
    return columns;
  }

  decode(message: Uint8Array): void {
    this.#data = message;
    this.#buffer = -1;
    this.#at = 0;
    while (this.#at < message.length) {
      const tag = this.#uvarint(message.length);
      if (tag === 0x0a) this.#series(this.#range(message.length));
      else if (tag === 0x22) this.#batch(this.#range(message.length));
      else if (tag === 0x12) {
        const end = this.#range(message.length);
        this.warnings.push(new TextDecoder().decode(message.subarray(this.#at, end)));
        this.#at = end;
      } else if (tag === 0x1a) {
        const end = this.#range(message.length);
        this.hints.push(message.subarray(this.#at, end));
        this.#at = end;
      } else this.#skip(tag, message.length);
    }
  }

  #uvarint(end: number): number {
    const data = this.#data;
    let at = this.#at;
    if (at >= end) fail("varint is cut off", at);
    let byte = data[at++]!;
    if (byte < 0x80) {
      this.#at = at;
      return byte;
    }
    let value = byte & 0x7f;
    let scale = 128;
    for (let i = 1; i < 10; i++) {
      if (at >= end) fail("varint is cut off", at);
      byte = data[at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        this.#at = at;
        return value;
      }
      scale *= 128;
    }
    return fail("varint is longer than 64 bits", at);
  }

  /** int64: a varint of ten bytes is negative. */
  #int(end: number): number {
    const start = this.#at;
    const value = this.#uvarint(end);
    if (value < 2 ** 63) return value;
    // Two's complement in 28-bit pieces, so that small negative numbers stay exact.
    const data = this.#data;
    let low = 0;
    let middle = 0;
    for (let i = 0; i < 4; i++) low |= (data[start + i]! & 0x7f) << (7 * i);
    for (let i = 0; i < 4; i++) middle |= (data[start + 4 + i]! & 0x7f) << (7 * i);
    const high = (data[start + 8]! & 0x7f) | ((data[start + 9]! & 1) << 7);
    const rest = (~low & 0xfffffff) + (~middle & 0xfffffff) * 2 ** 28 + (~high & 0xff) * 2 ** 56;
    return -rest - 1;
  }

  /** Reads a length; returns where the field ends. */
  #range(end: number): number {
    const length = this.#uvarint(end);
    if (length > end - this.#at) fail("field is cut off", this.#at);
    return this.#at + length;
  }

  #skip(tag: number, end: number): void {
    switch (tag & 7) {
      case 0:
        this.#uvarint(end);
        return;
      case 1:
        this.#at += 8;
        break;
      case 2:
        this.#at = this.#range(end);
        break;
      case 5:
        this.#at += 4;
        break;
      default:
        fail("wire type is not one we read", this.#at);
    }
    if (this.#at > end || tag < 8) fail("field is malformed", this.#at);
  }

  #batch(end: number): void {
    while (this.#at < end) {
      const tag = this.#uvarint(end);
      if (tag === 0x0a) this.#series(this.#range(end));
      else this.#skip(tag, end);
    }
  }

  #series(end: number): void {
    const columns = this.#columns;
    if (this.#buffer < 0) {
      if (this.full) fail("too many messages in one batch", this.#at);
      this.#buffer = columns.addBuffer(this.#data);
    }
    const start = this.#at;
    this.#labels(end);
    const labelsEnd = this.#at;
    columns.addSeries(this.#buffer, start, labelsEnd);
    let stray = false;
    while (this.#at < end) {
      const tag = this.#uvarint(end);
      if (tag === 0x12) this.#chunk(this.#range(end));
      else {
        stray ||= tag === 0x0a;
        this.#skip(tag, end);
      }
    }
    if (stray) this.#gatherLabels(start, end);
  }

  /** Steps over the labels at the front and checks that they can be read in place. */
  #labels(end: number): void {
    const data = this.#data;
    while (this.#at < end && data[this.#at] === 0x0a) {
      this.#at++;
      const stop = this.#range(end);
      while (this.#at < stop) {
        const tag = data[this.#at++];
        if (tag !== 0x0a && tag !== 0x12) fail("label is malformed", this.#at);
        this.#at = this.#range(stop);
      }
    }
  }

  /** Labels after chunks are legal, if unheard of: put together elsewhere. */
  #gatherLabels(start: number, end: number): void {
    const parts: number[] = [];
    let total = 0;
    this.#at = start;
    while (this.#at < end) {
      const from = this.#at;
      const tag = this.#uvarint(end);
      if (tag !== 0x0a) {
        this.#skip(tag, end);
        continue;
      }
      this.#at = from;
      this.#labels(end);
      parts.push(from, this.#at);
      total += this.#at - from;
    }
    const labels = new Uint8Array(total);
    let to = 0;
    for (let i = 0; i < parts.length; i += 2) {
      labels.set(this.#data.subarray(parts[i]!, parts[i + 1]!), to);
      to += parts[i + 1]! - parts[i]!;
    }
    const columns = this.#columns;
    const series = columns.seriesCount - 1;
    columns.labelBuffer[series] = columns.addBuffer(labels);
    columns.labelStart[series] = 0;
    columns.labelEnd[series] = total;
  }

  #chunk(end: number): void {
    const columns = this.#columns;
    const first = columns.chunkCount;
    let minTime = 0;
    let maxTime = 0;
    while (this.#at < end) {
      const tag = this.#uvarint(end);
      if (tag === 0x08) minTime = this.#int(end);
      else if (tag === 0x10) maxTime = this.#int(end);
      else if ((tag & 7) === 2 && tag >= 0x1a && tag <= 0x42) this.#chunkData(tag / 8 - 3.25, end);
      else this.#skip(tag, end);
    }
    if (columns.chunkCount === first)
      columns.addChunk(0, 0, ChunkEncoding.none, 0, this.#buffer, 0, 0);
    for (let i = first; i < columns.chunkCount; i++) {
      columns.minTime[i] = minTime;
      columns.maxTime[i] = maxTime;
    }
  }

  /** A Chunk message; `aggregate` counts from raw = 0. */
  #chunkData(aggregate: number, end: number): void {
    const stop = this.#range(end);
    let type = 0;
    let offset = this.#at;
    let length = 0;
    while (this.#at < stop) {
      const tag = this.#uvarint(stop);
      if (tag === 0x08) type = this.#uvarint(stop);
      else if (tag === 0x12) {
        const dataEnd = this.#range(stop);
        offset = this.#at;
        length = dataEnd - offset;
        this.#at = dataEnd;
      } else this.#skip(tag, stop);
    }
    if (type > 254) fail("chunk type is not one we know", this.#at);
    this.#columns.addChunk(0, 0, type + 1, aggregate, this.#buffer, offset, length);
  }
}
