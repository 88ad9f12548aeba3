// Memory that WebAssembly can see: checksums, decoding and encoding of chunks that were read into it, uncopied and at two
// to three times the speed of JavaScript.

import { crc32c } from "../hash/crc32c.ts";
import { decodeXorInto, type FloatColumns } from "../xor/decode-xor.ts";
import { encodeXor, XorScratch } from "../xor/encode-xor.ts";
import { moduleText as bytesModule } from "./bytes.wasm.ts";
import { instantiateAll } from "./webassembly.ts";
import { moduleText as xorModule } from "./xor.wasm.ts";

const pageBytes = 65_536;
/** The modules' own memory lies below. */
const ownBytes = 32_768;
/** Reads of the module may look that far beyond what they are told of. */
const slackBytes = 64;
/** Bytes of an encoded chunk at most: beside its samples, and for each. */
const chunkBytes = 32;
const sampleBytes = 20;

interface BytesModule {
  init(): void;
  crc32c(at: number, length: number): number;
}

interface XorModule {
  decodeXor(at: number, length: number, times: number, values: number, room: number): number;
  encodeXor(times: number, values: number, count: number, out: number): number;
}

/** Columns that a decoder fills; `values` and `valueBits` are the same memory. */
export interface ValueColumns extends FloatColumns {
  values: Float64Array;
}

export interface ChunkMemoryOptions {
  /** Size and number of the buffers that `take` gives. */
  readonly bufferBytes: number;
  readonly bufferCount: number;
  /** Samples that all columns made by `columns` hold together; two numbers of `floats` each. */
  readonly samples?: number;
  /** Bytes that `alloc` gives until it is reset. */
  readonly arenaBytes?: number;
}

/**
 * A fixed amount of memory of WebAssembly, used as it is written to. What does not fit, and what lies elsewhere, is
 * treated by JavaScript with the same results. Not to be shared between threads.
 */
export class ChunkMemory {
  readonly #bufferBytes: number;
  readonly #memory: ArrayBuffer;
  /** All of it, by its addresses. */
  readonly bytes: Uint8Array;
  /** Another module over this memory, which keeps to what it is told to use. */
  readonly instantiate: (text: string) => Record<string, unknown>;
  readonly #sums: BytesModule;
  readonly #xor: XorModule;
  readonly #free: number[] = [];
  readonly #scratch = new XorScratch();
  readonly #samplesEnd: number;
  #samplesAt: number;
  readonly #arenaStart: number;
  readonly #arenaEnd: number;
  #arenaAt: number;

  constructor(options: ChunkMemoryOptions) {
    const { bufferBytes, bufferCount, samples = 0, arenaBytes = 0 } = options;
    this.#bufferBytes = bufferBytes;
    this.#samplesAt = Math.ceil((ownBytes + bufferBytes * bufferCount + slackBytes) / 8) * 8;
    this.#samplesEnd = this.#samplesAt + 16 * samples;
    this.#arenaStart = this.#samplesEnd;
    this.#arenaAt = this.#arenaStart;
    this.#arenaEnd = this.#arenaStart + arenaBytes;
    const pages = Math.ceil((this.#arenaEnd + slackBytes) / pageBytes);
    const { memory, exports, add } = instantiateAll([bytesModule, xorModule], pages);
    this.#memory = memory;
    this.bytes = new Uint8Array(memory);
    this.instantiate = add;
    this.#sums = exports[0] as unknown as BytesModule;
    this.#xor = exports[1] as unknown as XorModule;
    this.#sums.init();
    for (let i = bufferCount - 1; i >= 0; i--) this.#free.push(ownBytes + i * bufferBytes);
  }

  /** `length` bytes of a buffer, with anything in it; memory of its own where none is free or none is large enough. */
  readonly take = (length: number): Uint8Array => {
    const at = length <= this.#bufferBytes ? this.#free.pop() : undefined;
    if (at === undefined) return new Uint8Array(length);
    return new Uint8Array(this.#memory, at, length);
  };

  /** Takes memory back that nobody looks at any more, each once; what is not from `take` is left alone. */
  give(data: Uint8Array): void {
    if (data.buffer === this.#memory) this.#free.push(data.byteOffset);
  }

  /** True if the bytes of `view` lie in this memory. */
  holds(view: ArrayBufferView): boolean {
    return view.buffer === this.#memory;
  }

  /** CRC-32C of `data[start, end)`, wherever that lies. */
  readonly crc32c = (data: Uint8Array, start: number, end: number): number => {
    if (data.buffer !== this.#memory) return crc32c(data, start, end);
    return this.#sums.crc32c(data.byteOffset + start, end - start) >>> 0;
  };

  /** `length` numbers for good; memory of their own where that much is not left. */
  floats(length: number): Float64Array<ArrayBuffer> {
    const at = this.#samplesAt;
    if (at + 8 * length > this.#samplesEnd) return new Float64Array(length);
    this.#samplesAt = at + 8 * length;
    return new Float64Array(this.#memory, at, length);
  }

  /** Gives `out` columns of `capacity` samples, for good. */
  columns(capacity: number, out: ValueColumns): void {
    out.times = this.floats(capacity);
    const values = this.floats(capacity);
    out.values = values;
    out.valueBits = new Uint32Array(values.buffer, values.byteOffset, 2 * capacity);
  }

  /** As `decodeXorInto`. */
  decodeXorInto(data: Uint8Array, offset: number, length: number, out: FloatColumns): number {
    const { count, times, valueBits } = out;
    if (data.buffer === this.#memory && times.buffer === this.#memory) {
      const at = data.byteOffset + offset;
      const toTimes = times.byteOffset + 8 * count;
      const toValues = valueBits.byteOffset + 8 * count;
      const got = this.#xor.decodeXor(at, length, toTimes, toValues, times.length - count);
      if (got >= 0) {
        out.count += got;
        return got;
      }
    }
    return decodeXorInto(data, offset, length, out);
  }

  /** As `encodeXor`, but the bytes may lie in memory of `alloc`, valid until `reset`. */
  encodeXor(times: Float64Array, valueBits: Uint32Array, from: number, to: number): Uint8Array {
    const inside = times.buffer === this.#memory && valueBits.buffer === this.#memory;
    const room = inside ? this.#arenaEnd - this.#arenaAt : -1;
    if (room >= chunkBytes + sampleBytes * (to - from)) {
      const at = this.#arenaAt;
      const fromTimes = times.byteOffset + 8 * from;
      const fromValues = valueBits.byteOffset + 8 * from;
      const length = this.#xor.encodeXor(fromTimes, fromValues, to - from, at);
      if (length >= 0) {
        this.#arenaAt = at + length;
        return this.bytes.subarray(at, at + length);
      }
    }
    return encodeXor(times, valueBits, from, to, this.#scratch);
  }

  /** `length` bytes with anything in them, valid until `reset`; memory of its own where none is left. */
  alloc(length: number): Uint8Array {
    const at = this.#arenaAt;
    if (at + length > this.#arenaEnd) return new Uint8Array(length);
    this.#arenaAt = at + length;
    return new Uint8Array(this.#memory, at, length);
  }

  /** Where `alloc` gives the next bytes, and how many more there are. */
  get arenaAt(): number {
    return this.#arenaAt;
  }

  get arenaLeft(): number {
    return this.#arenaEnd - this.#arenaAt;
  }

  /** Everything that `alloc` and `encodeXor` gave may be written to again. */
  reset(): void {
    this.#arenaAt = this.#arenaStart;
  }
}
