// The vector selectors of an expression: name and matchers as text. A light reading, for hints only.
import { parser } from "@prometheus-io/lezer-promql";
import { quote } from "../format/labels.ts";

/** One selector as it stands in the text. */
export interface Selector {
  /** The whole text, as `match[]` takes it. */
  readonly text: string;
  /** Null if the selector has none. */
  readonly metric: string | null;
  /** Each matcher as text, without the name. */
  readonly matchers: readonly string[];
  /** The same selector without one of its matchers, in the order of `matchers`. */
  readonly without: readonly string[];
}

/** Reads the selectors in order, each text once; what does not parse is skipped. */
export function readSelectors(expr: string): Selector[] {
  const found = new Map<string, Selector>();
  parser.parse(expr).iterate({
    enter: (ref) => {
      if (ref.name !== "VectorSelector") return;
      const node = ref.node;
      const text = expr.slice(node.from, node.to);
      let metric: string | null = null;
      const matchers: string[] = [];
      node.cursor().iterate((child) => {
        const part = expr.slice(child.from, child.to);
        if (child.name === "Identifier") metric = part;
        else if (child.name === "QuotedLabelName" && child.node.parent?.name === "LabelMatchers") {
          metric = part.slice(1, -1);
        } else if (child.name === "UnquotedLabelMatcher" || child.name === "QuotedLabelMatcher") {
          matchers.push(part);
        }
      });
      const name: string | null = metric;
      const build = (list: readonly string[]): string =>
        `{${[...(name === null ? [] : [`__name__=${quote(name)}`]), ...list].join(",")}}`;
      const without = matchers.map((_m, i) => build(matchers.filter((_other, j) => j !== i)));
      found.set(text, { text, metric, matchers, without });
    },
  });
  return [...found.values()];
}

/** Number of edits between two short words, at most `max` (then `max`). */
export function editDistance(a: string, b: string, max: number): number {
  if (Math.abs(a.length - b.length) >= max) return max;
  let before = Array.from({ length: b.length + 1 }, (_x, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let best = i;
    for (let j = 1; j <= b.length; j++) {
      const change = (before[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const value = Math.min(change, (before[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1);
      row.push(value);
      best = Math.min(best, value);
    }
    if (best >= max) return max;
    before = row;
  }
  return Math.min(max, before[b.length] ?? max);
}

/** Up to three names that are nearly `wanted`, the nearest first. */
export function nearNames(wanted: string, names: readonly string[]): string[] {
  const max = Math.max(2, Math.ceil(wanted.length / 3)) + 1;
  return names
    .map((name) => ({
      name,
      // A name that contains the wanted one, or the other way round, is near however long it is.
      far: name.includes(wanted) || wanted.includes(name) ? 1 : editDistance(wanted, name, max),
    }))
    .filter(({ far }) => far < max)
    .sort((a, b) => a.far - b.far || a.name.length - b.name.length)
    .slice(0, 3)
    .map(({ name }) => name);
}
