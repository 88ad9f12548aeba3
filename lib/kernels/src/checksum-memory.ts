// Memory that WebAssembly can see: CRC-32C of what was read into it, at twice the speed of JavaScript and uncopied.

import { moduleText } from "./bytes.wasm.ts";
import { crc32c } from "./crc32c.ts";
import { instantiate } from "./webassembly.ts";

const pageBytes = 65_536;
/** The tables of the module lie below. */
const tableBytes = 16_384;

interface Crc32cModule {
  init(): void;
  crc32c(at: number, length: number): number;
}

/**
 * A fixed number of buffers of one size in the memory of a WebAssembly module. Not to be shared between threads.
 */
export class ChecksumMemory {
  readonly bufferBytes: number;
  readonly #buffer: ArrayBuffer;
  readonly #module: Crc32cModule;
  readonly #free: number[] = [];

  /** Takes `count` times `bufferBytes` of address space; memory is used as buffers are written to. */
  constructor(bufferBytes: number, count: number) {
    this.bufferBytes = bufferBytes;
    const pages = Math.ceil((tableBytes + bufferBytes * count) / pageBytes);
    const { memory, exports } = instantiate(moduleText, pages);
    this.#buffer = memory;
    this.#module = exports as unknown as Crc32cModule;
    this.#module.init();
    for (let i = count - 1; i >= 0; i--) this.#free.push(tableBytes + i * bufferBytes);
  }

  /** `length` bytes of a buffer, with anything in it; memory of its own where none is free or none is large enough. */
  readonly take = (length: number): Uint8Array => {
    const at = length <= this.bufferBytes ? this.#free.pop() : undefined;
    if (at === undefined) return new Uint8Array(length);
    return new Uint8Array(this.#buffer, at, length);
  };

  /** Takes memory back that nobody looks at any more, each once; what is not from here is left alone. */
  give(data: Uint8Array): void {
    if (data.buffer === this.#buffer) this.#free.push(data.byteOffset);
  }

  /** CRC-32C of `data[start, end)`, wherever that lies. */
  readonly crc32c = (data: Uint8Array, start: number, end: number): number => {
    if (data.buffer !== this.#buffer) return crc32c(data, start, end);
    return this.#module.crc32c(data.byteOffset + start, end - start) >>> 0;
  };
}
