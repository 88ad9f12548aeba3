// XXH64 of byte ranges. The hash is WebAssembly, so it is loaded once and used synchronously from then on.
import xxhash from "xxhash-wasm";

/** Hashes byte ranges; the result of the last call is in `high` and `low`. Not to be shared between threads. */
export interface Xxhash64 {
  /** Upper and lower 32 bits of the last hash, unsigned. */
  readonly high: number;
  readonly low: number;
  /** Hashes `data[start, end)` into `high` and `low`. */
  hash(data: Uint8Array, start?: number, end?: number): void;
  /** The hash as sixteen hexadecimal digits. */
  hex(data: Uint8Array, start?: number, end?: number): string;
}

class WasmXxhash64 implements Xxhash64 {
  readonly #raw: (data: Uint8Array) => bigint;
  readonly #wide = new BigUint64Array(1);
  readonly #words = new Uint32Array(this.#wide.buffer);

  constructor(raw: (data: Uint8Array) => bigint) {
    this.#raw = raw;
  }

  get high(): number {
    return this.#words[1]!;
  }

  get low(): number {
    return this.#words[0]!;
  }

  hash(data: Uint8Array, start = 0, end = data.length): void {
    const whole = start === 0 && end === data.length;
    this.#wide[0] = this.#raw(whole ? data : data.subarray(start, end));
  }

  hex(data: Uint8Array, start = 0, end = data.length): string {
    this.hash(data, start, end);
    return this.high.toString(16).padStart(8, "0") + this.low.toString(16).padStart(8, "0");
  }
}

/** Loads the hash. Call it once at start-up and hand the result on. */
export async function loadXxhash64(): Promise<Xxhash64> {
  const { h64Raw } = await xxhash();
  return new WasmXxhash64((data) => h64Raw(data));
}
