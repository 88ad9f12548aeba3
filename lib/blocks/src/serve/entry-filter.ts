// Matchers that were not answered by postings, applied to series entries. Each name and value is looked at once.
import { decodeText, type Matcher } from "@deucalion/model";
import type { SeriesEntry } from "@deucalion/tsdb";
import type { Symbols } from "../index-header/symbols.ts";

interface Condition {
  readonly matcher: Matcher;
  readonly matchesEmpty: boolean;
  /** By symbol of the value. */
  readonly verdicts: Map<number, boolean>;
  /** Entry that had the label last. */
  seenIn: number;
}

/** For the series of one block and one call. */
export class EntryFilter {
  readonly #symbols: Symbols;
  readonly #conditions: readonly Condition[];
  /** By symbol of the name: the conditions on it. */
  readonly #byName = new Map<number, readonly Condition[]>();
  #entries = 0;

  constructor(symbols: Symbols, matchers: readonly Matcher[]) {
    this.#symbols = symbols;
    this.#conditions = matchers.map((matcher) => ({
      matcher,
      matchesEmpty: matcher.matchesEmpty,
      verdicts: new Map(),
      seenIn: 0,
    }));
  }

  #text(symbol: number): string {
    const bytes = this.#symbols.bytes(symbol);
    return decodeText(bytes, 0, bytes.length);
  }

  /** Whether the labels of the entry match. */
  accepts({ labels, labelCount }: SeriesEntry): boolean {
    const entry = ++this.#entries;
    for (let i = 0; i < 2 * labelCount; i += 2) {
      const name = labels[i]!;
      let conditions = this.#byName.get(name);
      if (conditions === undefined) {
        const text = this.#text(name);
        conditions = this.#conditions.filter(({ matcher }) => matcher.name === text);
        this.#byName.set(name, conditions);
      }
      for (const condition of conditions) {
        const value = labels[i + 1]!;
        let verdict = condition.verdicts.get(value);
        if (verdict === undefined) {
          verdict = condition.matcher.matches(this.#text(value));
          condition.verdicts.set(value, verdict);
        }
        if (!verdict) return false;
        condition.seenIn = entry;
      }
    }
    for (const { seenIn, matchesEmpty } of this.#conditions)
      if (seenIn !== entry && !matchesEmpty) return false;
    return true;
  }
}
