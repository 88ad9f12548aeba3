// Writes the points of series, `[time,"value"]`, in one go for each series: what most of a matrix consists of.
import { PointKernel } from "@deucalion/kernels";
import type { JsonWriter } from "../../http/answers/json-writer.ts";

const open = 0x5b;
/** Times that the kernel writes are below, ms. */
const timeMax = 1e15;

// One for the process: it is made when a matrix is written first, which takes a millisecond. `null` where it cannot be.
let shared: PointKernel | null | undefined;

function sharedKernel(): PointKernel | null {
  if (shared === undefined) {
    try {
      shared = new PointKernel();
    } catch {
      // No address space: points are written one by one.
      shared = null;
    }
  }
  return shared;
}

/** Writes points; remembers the times of the steps, since series share them. */
export class PointWriter {
  readonly #out: JsonWriter;
  readonly #kernel = sharedKernel();
  #times: Float64Array | null = null;

  constructor(out: JsonWriter) {
    this.#out = out;
  }

  /** Tells which times will come: each series has all or some of these, in this order. */
  expect(times: Float64Array): void {
    this.#times = times;
  }

  /** Writes the bracket that opens a list, and all points; there is at least one. False if nothing was written. */
  write(times: Float64Array, values: Float64Array): boolean {
    const kernel = this.#kernel;
    const count = times.length;
    if (kernel === null || !(times[0]! > -timeMax && times[count - 1]! < timeMax)) return false;
    // Another answer may have been written meanwhile.
    if (this.#times !== null) kernel.expect(this.#times);
    const { start, pointsMax } = kernel;
    for (let from = 0; from < count; from += pointsMax) {
      const end = kernel.write(times, values, from, Math.min(count, from + pointsMax));
      if (end === undefined) throw new RangeError("points that the kernel does not take");
      // The comma before the first point is where the bracket goes.
      if (from === 0) kernel.bytes[start] = open;
      this.#out.bytes(kernel.bytes.subarray(start, end));
    }
    return true;
  }
}
