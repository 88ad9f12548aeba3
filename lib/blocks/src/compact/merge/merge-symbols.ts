// One symbol table out of many, with the way from each old number to the new one.
import { compareStrings } from "@deucalion/model";
import type { Symbols } from "@deucalion/tsdb";

export interface MergedSymbols {
  /** Ascending by bytes, each once. */
  readonly symbols: readonly string[];
  /** For each table: the new number of each of its symbols. */
  readonly places: readonly Uint32Array[];
}

/** Joins symbol tables. */
export function mergeSymbols(tables: readonly Symbols[]): MergedSymbols {
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
