// Writes an index, version 2, byte for byte as Prometheus 3 does (no label indices).
import { ByteWriter, putUvarint } from "@deucalion/base";
import { crc32c } from "@deucalion/kernels";
import { AppendFile } from "../block/durable-files.ts";
import { TsdbError } from "../errors.ts";
import { PostingsCollector } from "./postings-collector.ts";
import { encodeIndexToc, type IndexToc, indexMagic } from "./toc.ts";

/** A chunk of a series in an index. Times in milliseconds, inclusive; `ref` is segment × 2^32 + offset. */
export interface ChunkMeta {
  readonly minTime: number;
  readonly maxTime: number;
  readonly ref: number;
}

/** The chunks of one series, in columns that are used again. */
export class ChunkPlaces {
  /** Milliseconds, inclusive. */
  minTimes = new Float64Array(64);
  maxTimes = new Float64Array(64);
  /** segment × 2^32 + offset. */
  refs = new Float64Array(64);
  count = 0;

  reset(): void {
    this.count = 0;
  }

  push(minTime: number, maxTime: number, ref: number): void {
    if (this.count === this.refs.length) this.#grow();
    this.minTimes[this.count] = minTime;
    this.maxTimes[this.count] = maxTime;
    this.refs[this.count++] = ref;
  }

  /** Makes place for `count` chunks; what the columns held may be gone. */
  resize(count: number): void {
    while (this.refs.length < count) this.#grow();
    this.count = count;
  }

  #grow(): void {
    const larger = (column: Float64Array): Float64Array<ArrayBuffer> => {
      const made = new Float64Array(2 * column.length);
      made.set(column);
      return made;
    };
    this.minTimes = larger(this.minTimes);
    this.maxTimes = larger(this.maxTimes);
    this.refs = larger(this.refs);
  }
}

const fileBytesMax = 64 * 2 ** 30;
const tableBytesMax = 2 ** 32 - 1;
const flushBytes = 1 << 16;
/** Bytes of an entry at most without labels and chunks, and of a chunk. */
const entryBytesMax = 32;
const chunkBytesMax = 30;
const encoder = new TextEncoder();

/** Writes one index file: symbols first, then series in order, then `finish`. */
export class IndexWriter {
  readonly #file: AppendFile;
  readonly #out = new ByteWriter(flushBytes);
  readonly #symbols: readonly string[];
  /** The table of symbols as it was written, and where each symbol's length lies in it. */
  #symbolTable: Uint8Array = new Uint8Array(0);
  readonly #symbolStarts: Uint32Array;
  readonly #postings: PostingsCollector;
  #toc: { symbols: number; series: number };
  readonly #columns = new ChunkPlaces();
  #lastLabels = new Uint32Array(64);
  /** Numbers in `#lastLabels`; -1 before the first series. */
  #lastCount = -1;
  #lastRef = -1;
  /** Bytes that the length of the last entry took: most entries have the same. */
  #prefixBytes = 1;

  private constructor(file: AppendFile, symbols: readonly string[]) {
    this.#file = file;
    this.#symbols = symbols;
    this.#symbolStarts = new Uint32Array(symbols.length + 1);
    this.#postings = new PostingsCollector(symbols.length);
    this.#toc = { symbols: 0, series: 0 };
  }

  /** Creates the file and writes `symbols`, which must ascend by their bytes. Throws TSDB_INDEX_LIMIT. */
  static async create(path: string, symbols: readonly string[]): Promise<IndexWriter> {
    const writer = new IndexWriter(await AppendFile.create(path), symbols);
    try {
      writer.#out.u32(indexMagic);
      writer.#out.u8(2);
      writer.#toc.symbols = writer.#position;
      await writer.#writeSymbols();
      writer.#toc.series = writer.#position;
    } catch (thrown) {
      await writer.abandon();
      throw thrown;
    }
    return writer;
  }

  get #position(): number {
    return this.#file.size + this.#out.length;
  }

  async #flush(): Promise<void> {
    if (this.#position > fileBytesMax) {
      throw new TsdbError("TSDB_INDEX_LIMIT", "index grew past 64 GiB", { bytes: this.#position });
    }
    await this.#file.append(this.#out.view());
    this.#out.reset();
  }

  async #writeSymbols(): Promise<void> {
    const symbols = this.#symbols;
    const starts = this.#symbolStarts;
    const body = new ByteWriter(32 * symbols.length + 16);
    body.u32(symbols.length);
    for (let i = 0; i < symbols.length; i++) {
      starts[i] = body.length;
      putText(body, symbols[i]!);
    }
    starts[symbols.length] = body.length;
    await this.#writeFrame(body.view());
    this.#symbolTable = body.view();
  }

  async #writeFrame(body: Uint8Array): Promise<void> {
    if (body.length > tableBytesMax) {
      throw new TsdbError("TSDB_INDEX_LIMIT", "a table of the index grew past 4 GiB", {});
    }
    this.#out.u32(body.length);
    await this.#flush();
    await this.#file.append(body);
    this.#out.u32(crc32c(body));
  }

  #pad(alignment: number): void {
    const rest = this.#position % alignment;
    if (rest === 0) return;
    const at = this.#out.reserve(alignment - rest);
    this.#out.data.fill(0, at, at + alignment - rest);
  }

  /**
   * Appends a series. `labels` are numbers of symbols: name, value, name, value, …, by ascending name. Series ascend by
   * labels, chunk references never fall. Throws TSDB_INDEX_ORDER.
   */
  async addSeries(labels: readonly number[], chunks: readonly ChunkMeta[]): Promise<void> {
    const columns = this.#columns;
    columns.reset();
    for (const { minTime, maxTime, ref } of chunks) columns.push(minTime, maxTime, ref);
    await this.add(Uint32Array.from(labels), labels.length / 2, columns);
  }

  /** As `addSeries`, from columns: the first `count` pairs of `labels`. A promise only where it must wait for room. */
  add(labels: Uint32Array, count: number, chunks: ChunkPlaces): undefined | Promise<void> {
    const last = this.#lastCount;
    if (last >= 0 && compareNumbers(this.#lastLabels, last, labels, 2 * count) >= 0) {
      throw new TsdbError("TSDB_INDEX_ORDER", "out-of-order series added", {
        labels: Array.from(labels.subarray(0, 2 * count), (symbol) => this.#symbols[symbol]),
      });
    }
    this.#pad(16);
    const ref = this.#position / 16;
    if (ref > 0xffffffff) {
      throw new TsdbError("TSDB_INDEX_LIMIT", "series references no longer fit", { ref });
    }
    const out = this.#out;
    const start = out.length;
    out.reserve(entryBytesMax + 10 * count + chunkBytesMax * chunks.count);
    const data = out.data;
    const from = start + this.#prefixBytes;
    let at = putUvarint(data, from, count);
    for (let i = 0; i < 2 * count; i++) at = putUvarint(data, at, labels[i]!);
    at = this.#putChunks(data, at, chunks);
    at = this.#frame(data, start, from, at);
    out.length = at;
    this.#postings.add(ref, labels, count);
    if (this.#lastLabels.length < 2 * count) this.#lastLabels = new Uint32Array(4 * count);
    for (let i = 0; i < 2 * count; i++) this.#lastLabels[i] = labels[i]!;
    this.#lastCount = 2 * count;
    return out.length >= flushBytes ? this.#flush() : undefined;
  }

  #putChunks(data: Uint8Array, from: number, chunks: ChunkPlaces): number {
    const { minTimes, maxTimes, refs, count } = chunks;
    let at = putUvarint(data, from, count);
    for (let i = 0; i < count; i++) {
      const minTime = minTimes[i]!;
      const maxTime = maxTimes[i]!;
      const ref = refs[i]!;
      if (ref <= this.#lastRef || maxTime < minTime) {
        const text = "chunk references fall or its times do";
        throw new TsdbError("TSDB_INDEX_ORDER", text, { minTime, maxTime, ref });
      }
      if (i > 0 && minTime <= maxTimes[i - 1]!) {
        const text = "chunks of a series overlap";
        throw new TsdbError("TSDB_INDEX_ORDER", text, { minTime, maxTime, ref });
      }
      this.#lastRef = ref;
      if (i === 0) {
        at = putVarint(data, at, minTime);
        at = putUvarint(data, at, maxTime - minTime);
        at = putUvarint(data, at, ref);
      } else {
        at = putUvarint(data, at, minTime - maxTimes[i - 1]!);
        at = putUvarint(data, at, maxTime - minTime);
        at = putVarint(data, at, ref - refs[i - 1]!);
      }
    }
    return at;
  }

  /** Puts uvarint(length) in front of `[from, to)`, at `start`, and the checksum behind. Returns the end. */
  #frame(data: Uint8Array, start: number, from: number, to: number): number {
    const length = to - from;
    let bytes = 1;
    for (let rest = length; rest >= 128; rest >>>= 7) bytes++;
    const begin = start + bytes;
    if (begin !== from) {
      data.copyWithin(begin, from, to);
      this.#prefixBytes = bytes;
    }
    putUvarint(data, start, length);
    const end = begin + length;
    const crc = crc32c(data, begin, end);
    data[end] = crc >>> 24;
    data[end + 1] = crc >>> 16;
    data[end + 2] = crc >>> 8;
    data[end + 3] = crc;
    return end + 4;
  }

  /** Writes postings and the tables; `durable` syncs the file. Returns its size. */
  async finish(durable = true): Promise<number> {
    try {
      // The table of contents names the place before the padding.
      const postings = this.#position;
      const table = new ByteWriter(1 << 16);
      let count = 0;
      for (const list of this.#postings.lists()) {
        this.#pad(4);
        table.u8(2);
        this.#putSymbol(table, list.name);
        this.#putSymbol(table, list.value);
        table.uvarint(this.#position);
        count++;
        this.#writeList(list.refs);
        if (this.#out.length >= flushBytes) await this.#flush();
      }
      const postingsTable = this.#position;
      const body = new ByteWriter(table.length + 4);
      body.u32(count);
      body.bytes(table.view());
      await this.#writeFrame(body.view());
      const toc: IndexToc = {
        ...this.#toc,
        labelIndices: postings,
        labelIndicesTable: postingsTable,
        postings,
        postingsTable,
      };
      this.#out.bytes(encodeIndexToc(toc));
      await this.#flush();
    } catch (thrown) {
      await this.abandon();
      throw thrown;
    }
    const size = this.#file.size;
    await this.#file.finish(durable);
    return size;
  }

  /** A symbol with its length in front, as in the table; the empty one for -1. */
  #putSymbol(out: ByteWriter, symbol: number): void {
    if (symbol < 0) {
      out.u8(0);
      return;
    }
    const starts = this.#symbolStarts;
    out.bytes(this.#symbolTable.subarray(starts[symbol]!, starts[symbol + 1]!));
  }

  #writeList(refs: Uint32Array): void {
    const out = this.#out;
    out.u32(4 + 4 * refs.length);
    const start = out.reserve(4 + 4 * refs.length);
    const view = new DataView(out.data.buffer, out.data.byteOffset);
    view.setUint32(start, refs.length);
    for (let i = 0, at = start + 4; i < refs.length; i++, at += 4) view.setUint32(at, refs[i]!);
    out.u32(crc32c(out.data, start, out.length));
  }

  /** Closes the file without finishing it. */
  abandon(): Promise<void> {
    return this.#file.abandon();
  }
}

/** Text with its length in bytes in front. Short plain text is copied letter by letter: that is quickest. */
function putText(out: ByteWriter, text: string): void {
  const { length } = text;
  if (length < 64) {
    const start = out.reserve(length + 1);
    const data = out.data;
    let i = 0;
    for (; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 128) break;
      data[start + 1 + i] = code;
    }
    if (i === length) {
      data[start] = length;
      return;
    }
    out.length = start;
  }
  out.uvarintBytes(encoder.encode(text));
}

function putVarint(data: Uint8Array, from: number, value: number): number {
  return putUvarint(data, from, value < 0 ? -value * 2 - 1 : value * 2);
}

function compareNumbers(a: Uint32Array, aLength: number, b: Uint32Array, bLength: number): number {
  const length = Math.min(aLength, bLength);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return aLength - bLength;
}
