// An index-header: what the store gateway knows of a block without asking the bucket.
import { headerEndBytes, headerStartBytes, parseHeader } from "./layout.ts";
import { type PageCache, PagedFile } from "./page-cache.ts";
import type { PostingsOffsets } from "./postings-offsets.ts";
import { PostingsTable, samplingDefault } from "./postings-table.ts";
import { PostingsTableV1 } from "./postings-table-v1.ts";
import { Symbols } from "./symbols.ts";

/** An open index-header file. Of its tables only every 32nd entry is in memory; the rest is read when needed. */
export class IndexHeader {
  readonly indexVersion: number;
  readonly symbols: Symbols;
  readonly postings: PostingsOffsets;
  readonly #file: PagedFile;

  private constructor(
    file: PagedFile,
    indexVersion: number,
    symbols: Symbols,
    postings: PostingsOffsets,
  ) {
    this.#file = file;
    this.indexVersion = indexVersion;
    this.symbols = symbols;
    this.postings = postings;
  }

  /** Opens and verifies a file, in steps that leave room for other work. Throws BLOCKS_INDEX if it is damaged, ENOENT if it is not there. Every `sampling`th value is kept in memory. */
  static async open(
    path: string,
    cache: PageCache,
    sampling: number = samplingDefault,
  ): Promise<IndexHeader> {
    const file = new PagedFile(path, cache);
    try {
      const head = file.bytes(0, Math.min(headerStartBytes, file.size));
      const tail = file.bytes(
        Math.max(0, file.size - headerEndBytes),
        Math.min(headerEndBytes, file.size),
      );
      const toc = parseHeader(head, tail, file.size);
      const { indexVersion, indexPostingsTable } = toc;
      const symbols = await Symbols.open(file, toc.symbolsAt, toc.postingsTableAt, indexVersion);
      const at = toc.postingsTableAt;
      const postings =
        indexVersion === 1
          ? await PostingsTableV1.open(file, at, indexPostingsTable)
          : await PostingsTable.open(file, at, indexPostingsTable, sampling);
      return new IndexHeader(file, indexVersion, symbols, postings);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** About what it holds in memory: samples of its tables, or, in version 1, all of them. */
  get memoryBytes(): number {
    return 2048 + (this.indexVersion === 1 ? 8 * this.#file.size : this.#file.size / 10);
  }

  close(): void {
    this.#file.close();
  }
}
