// Writes an index, version 2, byte for byte as Prometheus 3 does (no label indices).
import { ByteWriter } from "@deucalion/base";
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

const fileBytesMax = 64 * 2 ** 30;
const tableBytesMax = 2 ** 32 - 1;
const flushBytes = 1 << 16;
const encoder = new TextEncoder();

/** Writes one index file: symbols first, then series in order, then `finish`. */
export class IndexWriter {
  readonly #file: AppendFile;
  readonly #out = new ByteWriter(flushBytes);
  readonly #symbols: readonly string[];
  readonly #postings: PostingsCollector;
  #toc: { symbols: number; series: number };
  #lastLabels: number[] = [];
  #lastRef = -1;
  #seriesCount = 0;

  private constructor(file: AppendFile, symbols: readonly string[]) {
    this.#file = file;
    this.#symbols = symbols;
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
    const body = new ByteWriter(32 * this.#symbols.length + 16);
    body.u32(this.#symbols.length);
    for (const symbol of this.#symbols) body.uvarintBytes(encoder.encode(symbol));
    await this.#writeFrame(body.view());
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
    if (this.#seriesCount > 0 && compareNumbers(this.#lastLabels, labels) >= 0) {
      throw new TsdbError("TSDB_INDEX_ORDER", "out-of-order series added", {
        labels: labels.map((symbol) => this.#symbols[symbol]),
      });
    }
    this.#pad(16);
    const ref = this.#position / 16;
    if (ref > 0xffffffff) {
      throw new TsdbError("TSDB_INDEX_LIMIT", "series references no longer fit", { ref });
    }
    const out = this.#out;
    const start = out.length;
    out.uvarint(labels.length / 2);
    for (const symbol of labels) out.uvarint(symbol);
    this.#writeChunks(chunks);
    insertLength(out, start);
    if (out.length >= flushBytes) await this.#flush();
    this.#postings.add(ref, labels);
    this.#lastLabels = [...labels];
    this.#seriesCount++;
  }

  #writeChunks(chunks: readonly ChunkMeta[]): void {
    const out = this.#out;
    out.uvarint(chunks.length);
    let previous: ChunkMeta | undefined;
    for (const chunk of chunks) {
      if (chunk.ref <= this.#lastRef || chunk.maxTime < chunk.minTime) {
        throw new TsdbError("TSDB_INDEX_ORDER", "chunk references fall or its times do", {
          ...chunk,
        });
      }
      this.#lastRef = chunk.ref;
      if (previous === undefined) {
        out.varint(chunk.minTime);
        out.uvarint(chunk.maxTime - chunk.minTime);
        out.uvarint(chunk.ref);
      } else {
        if (chunk.minTime <= previous.maxTime) {
          throw new TsdbError("TSDB_INDEX_ORDER", "chunks of a series overlap", { ...chunk });
        }
        out.uvarint(chunk.minTime - previous.maxTime);
        out.uvarint(chunk.maxTime - chunk.minTime);
        out.varint(chunk.ref - previous.ref);
      }
      previous = chunk;
    }
  }

  /** Writes postings and the tables and syncs the file. Returns its size. */
  async finish(): Promise<number> {
    try {
      // The table of contents names the place before the padding.
      const postings = this.#position;
      const table = new ByteWriter(1 << 16);
      let count = 0;
      for (const list of this.#postings.lists()) {
        this.#pad(4);
        table.u8(2);
        table.uvarintBytes(encoder.encode(list.name < 0 ? "" : this.#symbols[list.name]!));
        table.uvarintBytes(encoder.encode(list.name < 0 ? "" : this.#symbols[list.value]!));
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
    await this.#file.finish();
    return size;
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

/** Puts uvarint(length) in front of what was written since `start`, and its checksum behind it. */
function insertLength(out: ByteWriter, start: number): void {
  const length = out.length - start;
  const crc = crc32c(out.data, start, out.length);
  let bytes = 1;
  for (let rest = length; rest >= 128; rest >>>= 7) bytes++;
  out.reserve(bytes);
  out.data.copyWithin(start + bytes, start, start + length);
  let rest = length;
  for (let at = start; ; at++, rest >>>= 7) {
    out.data[at] = rest < 128 ? rest : (rest & 127) | 128;
    if (rest < 128) break;
  }
  out.u32(crc);
}

function compareNumbers(a: readonly number[], b: readonly number[]): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}
