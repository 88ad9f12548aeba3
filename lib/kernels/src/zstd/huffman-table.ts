// Huffman coding of literals in zstd.
import { highBit, malformedZstd, readFseTable } from "./fse-table.ts";
import { ReverseBits } from "./reverse-bits.ts";

/** A decoding table over the next `log` bits. */
export interface HuffmanTable {
  readonly log: number;
  readonly symbols: Uint8Array;
  readonly bits: Uint8Array;
}

/** Reads the description of a table from `data[from, end)`. */
export function readHuffmanTable(
  data: Uint8Array,
  from: number,
  end: number,
): { table: HuffmanTable; end: number } {
  const header = data[from];
  if (header === undefined || from >= end) malformedZstd("Huffman table is cut off");
  const weights: number[] = [];
  let stop = from + 1;
  if (header >= 128) {
    const count = header - 127;
    stop += (count + 1) >> 1;
    if (stop > end) malformedZstd("Huffman table is cut off");
    for (let i = 0; i < count; i++) {
      const byte = data[from + 1 + (i >> 1)]!;
      weights.push(i % 2 === 0 ? byte >> 4 : byte & 15);
    }
  } else {
    stop += header;
    if (stop > end) malformedZstd("Huffman table is cut off");
    readWeights(data, from + 1, stop, weights);
  }
  return { table: buildTable(weights), end: stop };
}

/** Weights coded by two states that take turns. */
function readWeights(data: Uint8Array, from: number, end: number, weights: number[]): void {
  const { table, end: at } = readFseTable(data, from, end, 6, 255);
  const stream = new ReverseBits(data, at, end);
  let one = stream.read(table.log);
  let other = stream.read(table.log);
  for (;;) {
    if (weights.length > 254) malformedZstd("Huffman table has too many weights");
    weights.push(table.symbols[one]!);
    if (stream.left < table.bits[one]!) {
      weights.push(table.symbols[other]!);
      return;
    }
    const next = table.bases[one]! + stream.read(table.bits[one]!);
    one = other;
    other = next;
  }
}

/** The last weight is what is missing to a power of two. Longer codes come first, then by symbol. */
function buildTable(weights: number[]): HuffmanTable {
  let sum = 0;
  for (const weight of weights) {
    if (weight > 11) malformedZstd("Huffman weight is too large");
    if (weight > 0) sum += 1 << (weight - 1);
  }
  if (sum === 0) malformedZstd("Huffman table is empty");
  const log = highBit(sum) + 1;
  const rest = (1 << log) - sum;
  if (log > 11 || (rest & (rest - 1)) !== 0) malformedZstd("Huffman weights do not add up");
  const all = [...weights, highBit(rest) + 1];
  const symbols = new Uint8Array(1 << log);
  const bits = new Uint8Array(1 << log);
  let at = 0;
  for (let weight = 1; weight <= log; weight++) {
    for (let symbol = 0; symbol < all.length; symbol++) {
      if (all[symbol] !== weight) continue;
      const width = 1 << (weight - 1);
      symbols.fill(symbol, at, at + width);
      bits.fill(log + 1 - weight, at, at + width);
      at += width;
    }
  }
  if (at !== 1 << log) malformedZstd("Huffman weights do not add up");
  return { log, symbols, bits };
}

/** Decodes one stream, all of `data[from, end)`, to `out[to, stop)`. */
export function decodeHuffman(
  table: HuffmanTable,
  data: Uint8Array,
  from: number,
  end: number,
  out: Uint8Array,
  to: number,
  stop: number,
): void {
  const stream = new ReverseBits(data, from, end);
  const { log, symbols, bits } = table;
  for (let at = to; at < stop; at++) {
    const index = stream.peek(log);
    out[at] = symbols[index]!;
    stream.left -= bits[index]!;
    if (stream.left < 0) malformedZstd("Huffman stream is cut off");
  }
  if (stream.left !== 0) malformedZstd("Huffman stream has bits left");
}
