// The sequences of a zstd block: how many literals to copy, then how far back and how long to copy.
import {
  buildFseTable,
  type FseTable,
  malformedZstd,
  readFseTable,
  singleSymbolTable,
} from "./fse-table.ts";
import { ReverseBits } from "./reverse-bits.ts";

/** Tables of one block, kept for the next: literal lengths, offsets, match lengths. */
export interface SequenceTables {
  readonly literals: FseTable;
  readonly offsets: FseTable;
  readonly matches: FseTable;
}

const literalBits = [
  ...Array<number>(16).fill(0),
  1,
  1,
  1,
  1,
  2,
  2,
  3,
  3,
  4,
  6,
  7,
  8,
  9,
  10,
  11,
  12,
  13,
  14,
  15,
  16,
];
const matchBits = [
  ...Array<number>(32).fill(0),
  1,
  1,
  1,
  1,
  2,
  2,
  3,
  3,
  4,
  4,
  5,
  7,
  8,
  9,
  10,
  11,
  12,
  13,
  14,
  15,
  16,
];

function basesOf(bits: readonly number[], from: number): number[] {
  let base = from;
  return bits.map((count) => {
    const own = base;
    base += 2 ** count;
    return own;
  });
}

const literalBases = basesOf(literalBits, 0);
const matchBases = basesOf(matchBits, 3);

const defaults: SequenceTables = {
  literals: buildFseTable(
    [
      4,
      3,
      ...Array<number>(11).fill(2),
      1,
      1,
      1,
      ...Array<number>(9).fill(2),
      3,
      2,
      1,
      1,
      1,
      1,
      1,
      -1,
      -1,
      -1,
      -1,
    ],
    6,
  ),
  offsets: buildFseTable(
    [1, 1, 1, 1, 1, 1, 2, 2, 2, ...Array<number>(15).fill(1), -1, -1, -1, -1, -1],
    5,
  ),
  matches: buildFseTable(
    [1, 4, 3, 2, 2, 2, 2, 2, 2, ...Array<number>(37).fill(1), -1, -1, -1, -1, -1, -1, -1],
    6,
  ),
};

/** Where a sequence goes. Both throw if it does not fit. */
export interface SequenceSink {
  literals(count: number): void;
  match(offset: number, length: number): void;
}

/**
 * Runs the sequences of `data[from, end)`. `repeats` are the three offsets used last, changed in place; `before` the
 * tables of an earlier block. Returns the tables for the next one.
 */
export function runSequences(
  data: Uint8Array,
  from: number,
  end: number,
  before: SequenceTables | null,
  repeats: number[],
  sink: SequenceSink,
): SequenceTables | null {
  let at = from;
  const byte = (): number => (at < end ? data[at++]! : malformedZstd("sequences are cut off"));
  let count = byte();
  if (count === 0) return before;
  if (count === 255) count = byte() + byte() * 256 + 0x7f00;
  else if (count > 127) count = (count - 128) * 256 + byte();
  const modes = byte();
  if ((modes & 3) !== 0) malformedZstd("reserved bits of sequences are set");
  const table = (
    mode: number,
    name: keyof SequenceTables,
    logMax: number,
    symbolMax: number,
  ): FseTable => {
    if (mode === 0) return defaults[name];
    if (mode === 3) return before === null ? malformedZstd("no tables to use again") : before[name];
    if (mode === 1) {
      const symbol = byte();
      return symbol > symbolMax ? malformedZstd("symbol out of range") : singleSymbolTable(symbol);
    }
    const read = readFseTable(data, at, end, logMax, symbolMax);
    at = read.end;
    return read.table;
  };
  const literals = table(modes >> 6, "literals", 9, 35);
  const offsets = table((modes >> 4) & 3, "offsets", 8, 31);
  const matches = table((modes >> 2) & 3, "matches", 9, 52);
  const stream = new ReverseBits(data, at, end);
  let literalState = stream.read(literals.log);
  let offsetState = stream.read(offsets.log);
  let matchState = stream.read(matches.log);
  for (let left = count; left > 0; left--) {
    const offsetCode = offsets.symbols[offsetState]!;
    const matchCode = matches.symbols[matchState]!;
    const literalCode = literals.symbols[literalState]!;
    const offset = 2 ** offsetCode + stream.read(offsetCode);
    const matchLength = matchBases[matchCode]! + stream.read(matchBits[matchCode]!);
    const literalLength = literalBases[literalCode]! + stream.read(literalBits[literalCode]!);
    if (left > 1) {
      literalState = literals.bases[literalState]! + stream.read(literals.bits[literalState]!);
      matchState = matches.bases[matchState]! + stream.read(matches.bits[matchState]!);
      offsetState = offsets.bases[offsetState]! + stream.read(offsets.bits[offsetState]!);
    }
    if (stream.left < 0) malformedZstd("sequences are cut off");
    sink.literals(literalLength);
    sink.match(resolveOffset(offset, literalLength, repeats), matchLength);
  }
  if (stream.left !== 0) malformedZstd("sequences have bits left");
  return { literals, offsets, matches };
}

/** Values up to 3 mean one of the offsets used last; which one depends on whether literals came before. */
function resolveOffset(value: number, literalLength: number, repeats: number[]): number {
  if (value > 3) {
    repeats.unshift(value - 3);
    repeats.length = 3;
    return value - 3;
  }
  const index = value - 1 + (literalLength === 0 ? 1 : 0);
  if (index === 0) return repeats[0]!;
  const offset = index === 3 ? repeats[0]! - 1 : repeats[index]!;
  if (index > 1) repeats[2] = repeats[1]!;
  repeats[1] = repeats[0]!;
  repeats[0] = offset;
  return offset;
}
