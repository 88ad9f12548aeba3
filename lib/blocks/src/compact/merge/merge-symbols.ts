// One symbol table out of many, with the way from each old number to the new one.
import { compareStrings } from "@deucalion/model";
import type { Symbols } from "@deucalion/tsdb";

export interface MergedSymbols {
  /** Ascending by bytes, each once. */
  readonly symbols: readonly string[];
  /** For each table: the new number of each of its symbols. */
  readonly places: readonly Uint32Array[];
}

/** Joins symbol tables. Tables ascend by bytes; where one does not, the slow way is taken. */
export function mergeSymbols(tables: readonly Symbols[]): MergedSymbols {
  return mergeAscending(tables) ?? mergeUnordered(tables);
}

/** Walks all tables at once. Text is made once for each symbol of the result, not for each of the sources. */
function mergeAscending(tables: readonly Symbols[]): MergedSymbols | undefined {
  const places = tables.map((table) => new Uint32Array(table.count));
  const symbols: string[] = [];
  const at = new Uint32Array(tables.length);
  // Tables that hold the least symbol.
  const least: number[] = [];
  for (;;) {
    least.length = 0;
    for (let i = 0; i < tables.length; i++) {
      const table = tables[i]!;
      if (at[i]! >= table.count) continue;
      const first = least[0];
      const order = first === undefined ? 0 : compare(table, at[i]!, tables[first]!, at[first]!);
      if (order > 0) continue;
      if (order < 0) least.length = 0;
      least.push(i);
    }
    const first = least[0];
    if (first === undefined) return { symbols, places };
    const number = symbols.push(tables[first]!.text(at[first]!)) - 1;
    for (const i of least) {
      const index = at[i]!;
      places[i]![index] = number;
      at[i] = index + 1;
      const table = tables[i]!;
      if (index + 1 < table.count && compare(table, index, table, index + 1) >= 0) return undefined;
    }
  }
}

function compare(a: Symbols, i: number, b: Symbols, j: number): number {
  const x = a.data;
  const y = b.data;
  let from = a.start(i);
  let to = b.start(j);
  const end = a.end(i);
  const stop = b.end(j);
  while (from < end && to < stop) {
    const difference = x[from++]! - y[to++]!;
    if (difference !== 0) return difference;
  }
  return end - from - (stop - to);
}

function mergeUnordered(tables: readonly Symbols[]): MergedSymbols {
  const numbers = new Map<string, number>();
  const places = tables.map((table) => {
    const place = new Uint32Array(table.count);
    for (let i = 0; i < table.count; i++) {
      const text = table.text(i);
      let number = numbers.get(text);
      if (number === undefined) {
        number = numbers.size;
        numbers.set(text, number);
      }
      place[i] = number;
    }
    return place;
  });
  const symbols = [...numbers.keys()].sort(compareStrings);
  const final = new Uint32Array(symbols.length);
  for (const [i, text] of symbols.entries()) final[numbers.get(text)!] = i;
  for (const place of places) for (let i = 0; i < place.length; i++) place[i] = final[place[i]!]!;
  return { symbols, places };
}
