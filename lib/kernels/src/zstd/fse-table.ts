// Tables of finite state entropy coding, as zstd uses it.
import { KernelError } from "../errors.ts";

/** A decoding table: each state has a symbol, and a number of bits to read and add to a base for the next state. */
export interface FseTable {
  /** Bits of a state. */
  readonly log: number;
  readonly symbols: Uint8Array;
  readonly bits: Uint8Array;
  readonly bases: Uint16Array;
}

export function malformedZstd(what: string): never {
  throw new KernelError("KERNEL_BITS", `zstd frame is malformed: ${what}`);
}

/** Number of the highest bit that is set. */
export function highBit(value: number): number {
  return 31 - Math.clz32(value);
}

/** A table with one symbol that takes no bits. */
export function singleSymbolTable(symbol: number): FseTable {
  return {
    log: 0,
    symbols: Uint8Array.of(symbol),
    bits: Uint8Array.of(0),
    bases: Uint16Array.of(0),
  };
}

/** Spreads symbols over 2^log states by their counts; −1 is a symbol that is less likely than one state. */
export function buildFseTable(counts: readonly number[], log: number): FseTable {
  const size = 1 << log;
  const symbols = new Uint8Array(size);
  const next = new Uint16Array(counts.length);
  let high = size;
  for (const [symbol, count] of counts.entries()) {
    if (count === -1) symbols[--high] = symbol;
    next[symbol] = count === -1 ? 1 : count;
  }
  const step = (size >> 1) + (size >> 3) + 3;
  let at = 0;
  for (const [symbol, count] of counts.entries()) {
    for (let i = 0; i < count; i++) {
      symbols[at] = symbol;
      do at = (at + step) & (size - 1);
      while (at >= high);
    }
  }
  if (at !== 0) malformedZstd("counts do not fill their table");
  const bits = new Uint8Array(size);
  const bases = new Uint16Array(size);
  for (let state = 0; state < size; state++) {
    const symbol = symbols[state]!;
    const x = next[symbol]!;
    next[symbol] = x + 1;
    bits[state] = log - highBit(x);
    bases[state] = (x << bits[state]!) - size;
  }
  return { log, symbols, bits, bases };
}

/** Reads the description of a table from `data[from, end)`. */
export function readFseTable(
  data: Uint8Array,
  from: number,
  end: number,
  logMax: number,
  symbolMax: number,
): { table: FseTable; end: number } {
  let pos = from * 8;
  const peek = (count: number): number => {
    const at = pos >>> 3;
    const word = (data[at] ?? 0) | ((data[at + 1] ?? 0) << 8) | ((data[at + 2] ?? 0) << 16);
    return (word >>> (pos & 7)) & ((1 << count) - 1);
  };
  const log = peek(4) + 5;
  pos += 4;
  if (log > logMax) malformedZstd("table is too large");
  let left = 1 << log;
  const counts: number[] = [];
  while (left > 0) {
    if (counts.length > symbolMax || pos > end * 8) malformedZstd("table has too many symbols");
    const bits = highBit(left + 1) + 1;
    const lower = (1 << (bits - 1)) - 1;
    const threshold = (1 << bits) - 1 - (left + 1);
    let value = peek(bits);
    if ((value & lower) < threshold) {
      value &= lower;
      pos += bits - 1;
    } else {
      if (value > lower) value -= threshold;
      pos += bits;
    }
    const count = value - 1;
    left -= Math.abs(count);
    counts.push(count);
    if (count !== 0) continue;
    for (let repeat = 3; repeat === 3; ) {
      repeat = peek(2);
      pos += 2;
      for (let i = 0; i < repeat; i++) counts.push(0);
      if (counts.length > symbolMax + 1) malformedZstd("table has too many symbols");
    }
  }
  const stop = (pos + 7) >>> 3;
  if (left < 0 || counts.length > symbolMax + 1 || stop > end) malformedZstd("table is cut off");
  return { table: buildFseTable(counts, log), end: stop };
}
