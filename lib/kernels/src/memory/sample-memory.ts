// Memory for the columns of samples that queries read: chunks are decoded into them, and looked up in them, by WebAssembly.

import { decodeXorInto, type FloatColumns } from "../xor/decode-xor.ts";
import type { ValueColumns } from "./chunk-memory.ts";
import { moduleText as stepsModule } from "./steps.wasm.ts";
import { instantiateAll } from "./webassembly.ts";
import { moduleText as xorModule } from "./xor.wasm.ts";

interface XorModule {
  decodeXor(at: number, length: number, times: number, values: number, room: number): number;
}

interface StepsModule {
  lookUp(
    times: number,
    values: number,
    count: number,
    firstMs: number,
    stepMs: number,
    lookbackMs: number,
    steps: number,
    out: number,
    present: number,
  ): number;
}

/** Longest chunk that is copied to be decoded, and what a decoder may read beyond it. */
const chunkMax = 65_536;
const slackBytes = 64;
const stepsMax = 16_384;

const chunkAt = 32_768;
const valuesAt = chunkAt + chunkMax + slackBytes;
const presentAt = valuesAt + 8 * stepsMax;
const columnsAt = presentAt + stepsMax;
const pageBytes = 65_536;
/** Copying so few bytes one by one is quicker than making a view of them. */
const fewBytes = 160;

/** The steps of a query, and how old a sample may be; ms. */
export interface StepLookup {
  readonly firstMs: number;
  readonly stepMs: number;
  readonly lookbackMs: number;
  readonly count: number;
}

/** What is found at each step: a value, and 1, or 0 and any value. */
export interface StepColumns {
  readonly values: Float64Array;
  readonly present: Uint8Array;
}

/**
 * A fixed amount of memory of WebAssembly, used as it is written to. Columns that lie elsewhere are treated by JavaScript,
 * or not at all. Not to be shared between threads. Throws what WebAssembly throws where there is no address space for it.
 */
export class SampleMemory {
  readonly #memory: ArrayBuffer;
  readonly #bytes: Uint8Array;
  readonly #xor: XorModule;
  readonly #steps: StepsModule;
  readonly #samples: number;
  readonly #end: number;
  #at = columnsAt;
  /** Views of what `lookUp` finds, for as many steps as last time. */
  #values = new Float64Array(0);
  #present = new Uint8Array(0);

  /** Room for `columns` columns of `samples` samples each. */
  constructor(columns: number, samples: number) {
    this.#samples = samples;
    this.#end = columnsAt + 16 * samples * columns;
    const pages = Math.ceil(this.#end / pageBytes);
    const { memory, exports } = instantiateAll([xorModule, stepsModule], pages);
    this.#memory = memory;
    this.#bytes = new Uint8Array(memory);
    this.#xor = exports[0] as unknown as XorModule;
    this.#steps = exports[1] as unknown as StepsModule;
  }

  /** Gives `out` columns in this memory, for good; false if there are no more. */
  columns(out: ValueColumns): boolean {
    const at = this.#at;
    const bytes = 8 * this.#samples;
    if (at + 2 * bytes > this.#end) return false;
    this.#at = at + 2 * bytes;
    out.times = new Float64Array(this.#memory, at, this.#samples);
    out.values = new Float64Array(this.#memory, at + bytes, this.#samples);
    out.valueBits = new Uint32Array(this.#memory, at + bytes, 2 * this.#samples);
    return true;
  }

  /** As `decodeXorInto`, with the same results and errors. */
  decodeXorInto(data: Uint8Array, offset: number, length: number, out: FloatColumns): number {
    if (length > 2 && length <= chunkMax && offset + length <= data.length) {
      const samples = (data[offset]! << 8) | data[offset + 1]!;
      // As in the other decoder: a header cannot make us allocate more than the bytes promise.
      if (samples * 2 <= length * 8) out.reserve(samples);
      const { times, valueBits, count } = out;
      if (times.buffer === this.#memory) {
        this.#copy(data, offset, length);
        const toTimes = times.byteOffset + 8 * count;
        const toValues = valueBits.byteOffset + 8 * count;
        const room = times.length - count;
        const got = this.#xor.decodeXor(chunkAt, length, toTimes, toValues, room);
        if (got >= 0) {
          out.count = count + got;
          return got;
        }
      }
    }
    return decodeXorInto(data, offset, length, out);
  }

  #copy(data: Uint8Array, offset: number, length: number): void {
    const bytes = this.#bytes;
    if (length > fewBytes) bytes.set(data.subarray(offset, offset + length), chunkAt);
    else for (let i = 0; i < length; i++) bytes[chunkAt + i] = data[offset + i]!;
  }

  /**
   * Looks up the last float at or before each step that is not too old and no stale marker. Returns at how many there is one;
   * undefined, and nothing is done, for too many steps or columns that lie elsewhere.
   */
  lookUp(
    { times, valueBits, count }: FloatColumns,
    { firstMs, stepMs, lookbackMs, count: steps }: StepLookup,
    out: StepColumns,
  ): number | undefined {
    if (times.buffer !== this.#memory || steps > stepsMax) return undefined;
    const found = this.#steps.lookUp(
      times.byteOffset,
      valueBits.byteOffset,
      count,
      firstMs,
      stepMs,
      lookbackMs,
      steps,
      valuesAt,
      presentAt,
    );
    if (found === 0) {
      out.present.fill(0);
      return 0;
    }
    if (this.#values.length !== steps) {
      this.#values = new Float64Array(this.#memory, valuesAt, steps);
      this.#present = new Uint8Array(this.#memory, presentAt, steps);
    }
    out.values.set(this.#values);
    if (found === steps) out.present.fill(1);
    else out.present.set(this.#present);
    return found;
  }
}
