// Writes the points of series as JSON, in WebAssembly: what most of a big answer consists of.

import { moduleText } from "./points.wasm.ts";
import { instantiate } from "./webassembly.ts";

interface PointsModule {
  init(): void;
  writeOpenings(times: number, count: number, out: number): void;
  writePoints(values: number, count: number, times: number, openings: number, out: number): number;
}

/** Points of one call, and steps that can be expected. */
const pointsMax = 1024;
const stepsMax = 16_384;
/** A point takes a comma, brackets, quotes, a time of up to 24 bytes, and a float of up to 25. */
const pointBytes = 64;
const openingBytes = 24;

const valuesAt = 32_768;
const timesAt = valuesAt + 8 * pointsMax;
const outAt = timesAt + 8 * pointsMax;
const openingsAt = outAt + pointBytes * pointsMax;
const memoryBytes = openingsAt + openingBytes * (stepsMax + 1);
const pageBytes = 65_536;

/** Times, in ms, whose texts have a fixed width of bytes. */
const timeMax = 1e15;

/**
 * Turns columns into `,[1700000000.5,"0.25"],…`, with floats as `formatGoFloat` prints them and times in seconds with three
 * decimals or none. Not to be shared between threads. Throws what WebAssembly throws where there is no address space for it.
 */
export class PointKernel {
  /** The most points of one `write`. */
  readonly pointsMax: number = pointsMax;
  /** What was written last begins at `start`. */
  readonly bytes: Uint8Array;
  readonly start: number = outAt;
  readonly #module: PointsModule;
  readonly #times: Float64Array;
  readonly #values: Float64Array;
  #expected: Float64Array | null = null;

  constructor() {
    const { memory, exports } = instantiate(moduleText, Math.ceil(memoryBytes / pageBytes));
    this.#module = exports as unknown as PointsModule;
    this.#module.init();
    this.bytes = new Uint8Array(memory);
    this.#times = new Float64Array(memory, timesAt, pointsMax);
    this.#values = new Float64Array(memory, valuesAt, pointsMax);
  }

  /**
   * Tells that many series will have a run of these times, and not others of the same memory; which is remembered until
   * others are told. They are not to be written to.
   */
  expect(times: Float64Array): void {
    if (times === this.#expected) return;
    this.#expected = null;
    const { length } = times;
    if (length === 0 || length > stepsMax || !isPrintable(times)) return;
    for (let from = 0; from < length; from += pointsMax) {
      const some = times.subarray(from, from + pointsMax);
      this.#times.set(some);
      this.#module.writeOpenings(timesAt, some.length, openingsAt + openingBytes * from);
    }
    this.#expected = times;
  }

  /**
   * Writes the points `[from, to)`; returns where they end in `bytes`. Times are whole numbers, ms, below 10^15; undefined for
   * others, and for more than `pointsMax` points.
   */
  write(times: Float64Array, values: Float64Array, from: number, to: number): number | undefined {
    const count = to - from;
    if (count > pointsMax) return undefined;
    const openings = this.#openings(times, from);
    if (openings === 0) {
      const some = count === times.length ? times : times.subarray(from, to);
      if (!isPrintable(some)) return undefined;
      this.#times.set(some);
    }
    this.#values.set(count === values.length ? values : values.subarray(from, to));
    return this.#module.writePoints(valuesAt, count, timesAt, openings, outAt);
  }

  /** Where the texts of the times from `from` on lie; 0 if they are not part of what is expected. */
  #openings(times: Float64Array, from: number): number {
    const expected = this.#expected;
    if (expected === null || times.buffer !== expected.buffer) return 0;
    const step = (times.byteOffset - expected.byteOffset) / 8;
    if (step < 0 || step + times.length > expected.length) return 0;
    return openingsAt + openingBytes * (step + from);
  }
}

/** Of times that ascend. */
function isPrintable(times: Float64Array): boolean {
  const { length } = times;
  return length === 0 || (times[0]! > -timeMax && times[length - 1]! < timeMax);
}
