// The chunk segments of a block that is compacted, read front to back.
import { ChunkEncoding } from "@deucalion/model";
import { checkSegmentHeader, type SeriesEntry, segmentHeaderBytes } from "@deucalion/tsdb";
import { type Checksum, FrameReader } from "./frame-reader.ts";
import type { OutputBlock } from "./output-block.ts";
import { countChunkSamples, type SourceChunk } from "./source-chunk.ts";
import { SourceBlockError, sourceError } from "./source-error.ts";
import type { WindowReader } from "./window-reader.ts";

const segmentSize = 4_294_967_296;
/** Bytes that are asked for at a chunk whose length is not known. */
const guessBytes = 4096;
const knownEncodings: ReadonlySet<number> = new Set([
  ...Object.values(ChunkEncoding).filter((encoding) => encoding !== ChunkEncoding.none),
]);

/** Chunks of the series that `entry` holds at present. Errors that are the block's own fault are SourceBlockError. */
export class SourceSegments {
  readonly #id: string;
  readonly #entry: SeriesEntry;
  /** Chunks that begin here or later are left out. */
  readonly #endTime: number;
  readonly #readers: readonly WindowReader[];
  readonly #frame: FrameReader;

  constructor(
    id: string,
    entry: SeriesEntry,
    endTime: number,
    readers: readonly WindowReader[],
    checksum: Checksum,
  ) {
    this.#id = id;
    this.#entry = entry;
    this.#endTime = endTime;
    this.#readers = readers;
    this.#frame = new FrameReader(checksum);
  }

  /** Reads the beginning of a segment and checks its header. */
  static async begin(id: string, reader: WindowReader): Promise<void> {
    await reader.move(0, Math.min(reader.size, segmentHeaderBytes));
    try {
      checkSegmentHeader(reader.data);
    } catch (thrown) {
      throw sourceError(id, "chunks", thrown);
    }
  }

  /** Gives back the memory of windows that were left; bytes of chunks taken before are not looked at any more. */
  recycle(): void {
    for (let i = 0; i < this.#readers.length; i++) this.#readers[i]!.recycle();
  }

  /**
   * Reads the chunks of the series that begin before the end time, each checked by its checksum. A promise only
   * where bytes must be fetched.
   */
  chunksInto(out: SourceChunk[]): undefined | Promise<void> {
    for (let i = 0; i < this.#entry.chunkCount; i++) {
      try {
        if (!this.#chunkInto(i, out)) return this.#chunksSlowly(i, out);
      } catch (thrown) {
        throw sourceError(this.#id, "chunks", thrown);
      }
    }
    return undefined;
  }

  async #chunksSlowly(from: number, out: SourceChunk[]): Promise<void> {
    for (let i = from; i < this.#entry.chunkCount; i++) {
      try {
        if (this.#chunkInto(i, out)) continue;
        const ref = this.#entry.refs[i]!;
        const offset = ref % segmentSize;
        const reader = this.#readers[Math.floor(ref / segmentSize)]!;
        const used = await this.#readFrameSlowly(reader, offset);
        out.push(this.#chunk(reader, offset - reader.start, used, i));
      } catch (thrown) {
        throw sourceError(this.#id, "chunks", thrown);
      }
    }
  }

  /** Takes a chunk that is in its segment's window; false where bytes must be fetched. */
  #chunkInto(index: number, out: SourceChunk[]): boolean {
    const entry = this.#entry;
    // A chunk that begins where the block ends is in the next block as well.
    if (entry.minTimes[index]! >= this.#endTime) return true;
    const ref = entry.refs[index]!;
    const segment = Math.floor(ref / segmentSize);
    const reader = this.#readers[segment];
    if (reader === undefined) throw this.#chunkError(`segment index ${segment} out of range`);
    const offset = ref - segment * segmentSize;
    if (!reader.has(offset, 1)) return false;
    const used = this.#frame.read(reader.data, offset - reader.start);
    if (used <= 0) return false;
    out.push(this.#chunk(reader, offset - reader.start, used, index));
    return true;
  }

  #chunk(reader: WindowReader, at: number, used: number, index: number): SourceChunk {
    const { encoding, offset, length } = this.#frame;
    if (!knownEncodings.has(encoding)) throw this.#chunkError(`chunk encoding ${encoding}`);
    const data = reader.data;
    return {
      minTime: this.#entry.minTimes[index]!,
      maxTime: this.#entry.maxTimes[index]!,
      encoding,
      data,
      offset,
      length,
      frameStart: at,
      frameEnd: at + used,
      sampleCount: countChunkSamples(encoding, data, offset, length),
    };
  }

  async #readFrameSlowly(reader: WindowReader, offset: number): Promise<number> {
    if (offset < segmentHeaderBytes || offset >= reader.size) {
      throw this.#chunkError("segment doesn't include the chunk");
    }
    let need = guessBytes;
    for (let tries = 0; tries < 4; tries++) {
      await reader.move(offset, Math.min(need, reader.size - offset));
      const used = this.#frame.read(reader.data, offset - reader.start);
      if (used > 0) return used;
      if (offset - used > reader.size) break;
      need = Math.max(need, -used);
    }
    throw this.#chunkError("segment doesn't include enough bytes to read the chunk");
  }

  /**
   * Copies the chunks of the series, which ascend and lie in the block's time, to the end of `out`, frames as they are, each checked by
   * its checksum. A promise only where bytes must be fetched or written.
   */
  copyChunks(out: OutputBlock): undefined | Promise<void> {
    return this.#copyFrom(0, out);
  }

  #copyFrom(first: number, out: OutputBlock): undefined | Promise<void> {
    const { refs, minTimes, maxTimes, chunkCount } = this.#entry;
    const frame = this.#frame;
    for (let i = first; i < chunkCount; ) {
      const segment = Math.floor(refs[i]! / segmentSize);
      const reader = this.#readers[segment];
      if (reader === undefined) throw this.#chunkError(`segment index ${segment} out of range`);
      const base = segment * segmentSize + reader.start;
      const data = reader.data;
      // Frames that lie one behind the other are copied at once.
      const from = refs[i]! - base;
      let to = from;
      if (from < 0) return this.#fetchAndCopy(i, out);
      while (i < chunkCount && refs[i]! - base === to && to < data.length) {
        const used = this.#readFrame(data, to);
        if (used <= 0 || !out.hasRoom(to - from + used)) break;
        const { encoding, offset, length } = frame;
        const samples = countChunkSamples(encoding, data, offset, length);
        out.note(minTimes[i]!, maxTimes[i]!, encoding, samples, to - from);
        to += used;
        i++;
      }
      if (to === from) return this.#fetchAndCopy(i, out);
      const waiting = out.appendFrames(data, from, to);
      if (waiting !== undefined) return this.#copyLater(waiting, i, out);
    }
    return undefined;
  }

  #readFrame(data: Uint8Array, at: number): number {
    try {
      const used = this.#frame.read(data, at);
      if (used > 0 && !knownEncodings.has(this.#frame.encoding)) {
        throw this.#chunkError(`chunk encoding ${this.#frame.encoding}`);
      }
      return used;
    } catch (thrown) {
      throw sourceError(this.#id, "chunks", thrown);
    }
  }

  async #copyLater(waiting: Promise<void>, first: number, out: OutputBlock): Promise<void> {
    await waiting;
    const more = this.#copyFrom(first, out);
    if (more !== undefined) await more;
  }

  /** Makes room for the frame of chunk `index`, gets its bytes, and goes on. */
  async #fetchAndCopy(index: number, out: OutputBlock): Promise<void> {
    const ref = this.#entry.refs[index]!;
    const segment = Math.floor(ref / segmentSize);
    const used = await this.#fetchFrame(this.#readers[segment]!, ref - segment * segmentSize);
    if (!out.hasRoom(used)) await out.cut();
    const more = this.#copyFrom(index, out);
    if (more !== undefined) await more;
  }

  async #fetchFrame(reader: WindowReader, offset: number): Promise<number> {
    try {
      if (reader.has(offset, 1)) {
        const used = this.#frame.read(reader.data, offset - reader.start);
        if (used > 0) return used;
      }
      return await this.#readFrameSlowly(reader, offset);
    } catch (thrown) {
      throw sourceError(this.#id, "chunks", thrown);
    }
  }

  #chunkError(text: string): SourceBlockError {
    return new SourceBlockError(this.#id, "block-chunk-damaged", text);
  }
}
