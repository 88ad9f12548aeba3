// Writes the chunk segments of a block.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { ByteWriter } from "@deucalion/base";
import { appendChunkFrame, encodeSegmentHeader, segmentHeaderBytes } from "./chunk-frame.ts";
import { AppendFile, syncDirectory } from "./durable-files.ts";

/** Size of a segment at most, as Prometheus has it; a single series with more in one batch may pass it. */
export const segmentBytesMax = 512 * 1024 * 1024;

/** Appends chunks to `chunks/000001` and so on. The chunks of one call lie in one segment. */
export class SegmentWriter {
  readonly #dir: string;
  readonly #bytesMax: number;
  readonly #out = new ByteWriter(1 << 16);
  #file: AppendFile | null = null;
  #index = -1;

  /** `dir` is the block's folder. */
  constructor(dir: string, bytesMax = segmentBytesMax) {
    this.#dir = join(dir, "chunks");
    this.#bytesMax = bytesMax;
  }

  /** Appends chunks and returns their references. */
  async add(
    chunks: readonly { readonly encoding: number; readonly data: Uint8Array }[],
  ): Promise<number[]> {
    const out = this.#out;
    out.reset();
    const offsets: number[] = [];
    for (const chunk of chunks) {
      offsets.push(out.length);
      appendChunkFrame(out, chunk.encoding, chunk.data);
    }
    let file = this.#file;
    const full =
      file !== null && file.size > segmentHeaderBytes && file.size + out.length > this.#bytesMax;
    if (file === null || full) file = await this.#cut();
    const base = this.#index * 4294967296 + file.size;
    await file.append(out.view());
    return offsets.map((offset) => base + offset);
  }

  async #cut(): Promise<AppendFile> {
    if (this.#file === null) await mkdir(this.#dir, { recursive: true });
    else await this.#file.finish();
    this.#file = null;
    this.#index++;
    const name = String(this.#index + 1).padStart(6, "0");
    const file = await AppendFile.create(join(this.#dir, name));
    this.#file = file;
    await file.append(encodeSegmentHeader());
    return file;
  }

  /** Syncs everything. A block without chunks has an empty folder. */
  async finish(): Promise<void> {
    if (this.#file === null) await mkdir(this.#dir, { recursive: true });
    else await this.#file.finish();
    this.#file = null;
    await syncDirectory(this.#dir);
  }

  async abandon(): Promise<void> {
    await this.#file?.abandon();
    this.#file = null;
  }
}
