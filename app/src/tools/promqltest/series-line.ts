// Lines of a script that name a series and its values: `http_requests{job="api"} 0+10x10 _ stale {{count:3}}`.
import { addHistograms, type FloatHistogram, Labels, subtractHistograms } from "@deucalion/model";
import { numberValue, unquoteGo } from "@deucalion/promql";
import { ScriptError } from "./errors.ts";
import { parseHistogramLiteral } from "./histogram-literal.ts";

/** A point of a sequence. */
export type SequenceValue =
  | { readonly kind: "omitted" }
  | { readonly kind: "stale" }
  | { readonly kind: "float"; readonly value: number }
  | {
      readonly kind: "histogram";
      readonly histogram: FloatHistogram;
      /** The literal named a counter reset hint, so it is compared. */
      readonly hintGiven: boolean;
    };

export interface SeriesLine {
  readonly labels: Labels;
  readonly values: readonly SequenceValue[];
}

const name = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const namePattern = new RegExp(name, "y");
const pairPattern =
  /\s*(?:([a-zA-Z_][a-zA-Z0-9_]*)|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`))\s*(?:=\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`))?\s*(,|(?=\}))/y;

function unquote(literal: string): string {
  const value = unquoteGo(literal);
  if (value === null) throw new ScriptError("PROMQLTEST_SERIES", `bad string ${literal}`);
  return value;
}

/** Reads the labels at the beginning of a line; returns them and what is left. */
export function parseLabels(line: string): { labels: Labels; rest: string } {
  const entries: [string, string][] = [];
  namePattern.lastIndex = 0;
  const metric = namePattern.exec(line)?.[0] ?? "";
  if (metric !== "") entries.push(["__name__", metric]);
  let at = metric.length;
  if (line[at] === "{") {
    at++;
    for (;;) {
      const closing = /\s*\}/y;
      closing.lastIndex = at;
      if (closing.test(line)) {
        at = closing.lastIndex;
        break;
      }
      pairPattern.lastIndex = at;
      const found = pairPattern.exec(line);
      if (found === null) throw new ScriptError("PROMQLTEST_SERIES", `bad labels: ${line}`);
      const [, plain, quoted, value] = found;
      if (value !== undefined) entries.push([plain ?? unquote(quoted!), unquote(value)]);
      else if (quoted !== undefined) entries.push(["__name__", unquote(quoted)]);
      else throw new ScriptError("PROMQLTEST_SERIES", `label without value: ${line}`);
      at = pairPattern.lastIndex;
    }
  }
  return { labels: Labels.from(entries), rest: line.slice(at) };
}

/** Reads a whole line. Throws PROMQLTEST_SERIES. */
export function parseSeriesLine(line: string): SeriesLine {
  const { labels, rest } = parseLabels(line);
  if (rest !== "" && !/^\s/.test(rest))
    throw new ScriptError("PROMQLTEST_SERIES", `unexpected text behind labels: ${line}`);
  const values: SequenceValue[] = [];
  for (const item of rest.match(/(?:\{\{[^}]*\}\}|[^\s{])+/g) ?? [])
    for (const value of parseItem(item)) values.push(value);
  return { labels, values };
}

function parseItem(item: string): SequenceValue[] {
  if (item === "stale") return [{ kind: "stale" }];
  if (item.startsWith("_")) {
    const found = /^_(?:x(\d+))?$/.exec(item);
    if (found === null) throw badItem(item);
    return Array.from({ length: Number(found[1] ?? 1) }, () => ({ kind: "omitted" }));
  }
  return item.startsWith("{{") ? histogramItem(item) : floatItem(item);
}

function badItem(item: string): ScriptError {
  return new ScriptError("PROMQLTEST_SERIES", `bad item of a sequence: ${item}`);
}

const number = "(?:inf|nan|[0-9][0-9_]*\\.?[0-9_]*(?:e[+-]?[0-9]+)?|\\.[0-9]+(?:e[+-]?[0-9]+)?)";
const floatPattern = new RegExp(`^([+-]?)(${number})(?:([+-])(${number}))?(?:x(\\d+))?$`, "i");

function floatItem(item: string): SequenceValue[] {
  const found = floatPattern.exec(item);
  if (found === null) throw badItem(item);
  const [, sign, first, operator, second, times] = found;
  let value = signedNumber(sign!, first!);
  if (times === undefined && operator !== undefined) throw badItem(item);
  const step = operator === undefined ? 0 : signedNumber(operator, second!);
  const values: SequenceValue[] = [];
  for (let i = 0; i <= Number(times ?? 0); i++) {
    values.push({ kind: "float", value });
    if (operator !== undefined) value += step;
  }
  return values;
}

/** A number as the language writes it, with a sign in front. */
export function signedNumber(sign: string, text: string): number {
  const read = numberValue(text);
  if ("problem" in read) throw new ScriptError("PROMQLTEST_SERIES", read.problem);
  return sign === "-" ? -read.value : read.value;
}

const histogramPattern = /^\{\{([^}]*)\}\}(?:([+-])\{\{([^}]*)\}\})?(?:x(\d+))?$/;

function histogramItem(item: string): SequenceValue[] {
  const found = histogramPattern.exec(item);
  if (found === null) throw badItem(item);
  const [, base, operator, increment, times] = found;
  const first = parseHistogramLiteral(base!);
  if (operator === undefined) {
    const value: SequenceValue = { kind: "histogram", ...first };
    return Array.from({ length: Number(times ?? 0) + 1 }, () => value);
  }
  if (times === undefined) throw badItem(item);
  const step = parseHistogramLiteral(increment!);
  const combine = operator === "+" ? addHistograms : subtractHistograms;
  const values: SequenceValue[] = [];
  let { histogram } = first;
  for (let i = 0; i <= Number(times); i++) {
    values.push({ kind: "histogram", histogram, hintGiven: step.hintGiven });
    if (i === Number(times)) break;
    if (histogram.schema > step.histogram.schema)
      throw new ScriptError("PROMQLTEST_SERIES", `increment has a lower schema: ${item}`);
    const outcome = combine(histogram, step.histogram);
    if (outcome === null)
      throw new ScriptError("PROMQLTEST_SERIES", `histograms cannot be combined: ${item}`);
    histogram = outcome.histogram;
  }
  return values;
}
