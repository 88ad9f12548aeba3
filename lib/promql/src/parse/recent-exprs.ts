// Trees of texts that were parsed lately: dashboards and rulers send the same texts again and again, and a tree never changes.
import type { Expr, ParseOptions } from "./ast.ts";

/** Characters of all texts together, and of one. */
const unitsMax = 262_144;
const textUnitsMax = 32_768;

/** Those used longest ago go first. */
export class RecentExprs {
  readonly #trees = new Map<string, Expr>();
  #units = 0;

  /** The tree of a text, made by `parse` if it is not known. What `parse` throws is not remembered. */
  get(text: string, options: ParseOptions, parse: () => Expr): Expr {
    if (text.length > textUnitsMax) return parse();
    const key = `${flagsOf(options)} ${text}`;
    const known = this.#trees.get(key);
    if (known !== undefined) {
      this.#trees.delete(key);
      this.#trees.set(key, known);
      return known;
    }
    const tree = parse();
    this.#trees.set(key, tree);
    this.#units += key.length;
    for (const oldest of this.#trees.keys()) {
      if (this.#units <= unitsMax) break;
      this.#trees.delete(oldest);
      this.#units -= oldest.length;
    }
    return tree;
  }
}

function flagsOf(options: ParseOptions): number {
  return (
    (options.experimentalFunctions ? 1 : 0) +
    (options.durationExpressions ? 2 : 0) +
    (options.extendedRangeSelectors ? 4 : 0) +
    (options.binopFillModifiers ? 8 : 0) +
    (options.xFunctions ? 16 : 0)
  );
}
