// Warnings and infos of one evaluation, each kept once, with the place in the query they speak of.
import type { Range } from "../parse/ast.ts";

export type AnnotationLevel = "warning" | "info";

interface Annotation {
  level: AnnotationLevel;
  range: Range | null;
  /** Text to show, made at the end where it depends on what was merged. */
  render: (() => string) | null;
}

/** Spread of the values that histogram_quantile had to force to be monotonic. */
export interface ForcedMonotonicity {
  minMs: number;
  maxMs: number;
  minBucket: number;
  maxBucket: number;
  maxDiff: number;
  count: number;
}

/** Collects annotations. Equal texts are kept once; the place of the last one is shown. */
export class Annotations {
  readonly #items = new Map<string, Annotation>();
  readonly #monotonicity = new Map<string, ForcedMonotonicity>();
  readonly #counts = new Map<string, number>();

  /** `text` comes without "PromQL warning: "; `range` is that of the node it is about. */
  warn(text: string, range: Range): void {
    this.#items.set(`PromQL warning: ${text}`, { level: "warning", range, render: null });
  }

  /** `text` comes without "PromQL info: ". */
  info(text: string, range: Range): void {
    this.#items.set(`PromQL info: ${text}`, { level: "info", range, render: null });
  }

  /** A warning of a source, shown as it is. */
  plain(text: string): void {
    this.#items.set(text, { level: "warning", range: null, render: null });
  }

  /** Histogram_quantile had to repair buckets; reports of equal `text` are summed up. */
  forcedMonotonicity(text: string, range: Range, seen: ForcedMonotonicity): void {
    const key = `PromQL info: ${text}`;
    const known = this.#monotonicity.get(key);
    if (known === undefined) this.#monotonicity.set(key, { ...seen });
    else mergeMonotonicity(known, seen);
    const all = this.#monotonicity.get(key)!;
    this.#items.set(key, { level: "info", range, render: () => key + monotonicityText(all) });
  }

  /** A sample starts before the one before it ended; occurrences are counted. */
  startTimeOverlap(metricName: string, range: Range, count = 1): void {
    const key = `PromQL warning: sample has start time that overlaps with previous sample timestamp for metric ${JSON.stringify(metricName)}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + count);
    const render = (): string => {
      const times = this.#counts.get(key) ?? 1;
      return times > 1 ? `${key} (${times} occurrences)` : key;
    };
    this.#items.set(key, { level: "warning", range, render });
  }

  get isEmpty(): boolean {
    return this.#items.size === 0;
  }

  get hasWarnings(): boolean {
    for (const item of this.#items.values()) if (item.level === "warning") return true;
    return false;
  }

  /** Takes over what `other` holds; its places win. */
  merge(other: Annotations): void {
    for (const [key, item] of other.#items) {
      const spread = other.#monotonicity.get(key);
      const count = other.#counts.get(key);
      if (spread !== undefined) {
        this.forcedMonotonicity(key.slice("PromQL info: ".length), item.range!, spread);
      } else if (count !== undefined) {
        const name = key.slice(key.indexOf('"'));
        this.startTimeOverlap(JSON.parse(name) as string, item.range!, count);
      } else this.#items.set(key, item);
    }
  }

  /** Texts with their places as "(line:column)" in `query`. */
  texts(level: AnnotationLevel, query: string): string[] {
    const out: string[] = [];
    for (const [key, item] of this.#items) {
      if (item.level !== level) continue;
      const text = item.render === null ? key : item.render();
      out.push(item.range === null ? text : `${text} (${linePosition(query, item.range.start)})`);
    }
    return out;
  }
}

function mergeMonotonicity(into: ForcedMonotonicity, from: ForcedMonotonicity): void {
  into.minMs = Math.min(into.minMs, from.minMs);
  into.maxMs = Math.max(into.maxMs, from.maxMs);
  into.minBucket = Math.min(into.minBucket, from.minBucket);
  into.maxBucket = Math.max(into.maxBucket, from.maxBucket);
  into.maxDiff = Math.max(into.maxDiff, from.maxDiff);
  into.count += from.count;
}

function monotonicityText(seen: ForcedMonotonicity): string {
  const time = (ms: number): string =>
    new Date(Math.floor(ms / 1000) * 1000).toISOString().replace(".000Z", "Z");
  return (
    `, from buckets ${formatG(seen.minBucket)} to ${formatG(seen.maxBucket)}, with a max diff of ` +
    `${formatG(seen.maxDiff, 2)}, over ${seen.count} samples from ${time(seen.minMs)} to ${time(seen.maxMs)}`
  );
}

/** Line and column, both from 1, of a UTF-16 offset; columns count UTF-8 bytes as Prometheus' do. */
export function linePosition(query: string, offset: number): string {
  if (query === "") return "unknown position";
  if (offset < 0 || offset > query.length) return "invalid position";
  const before = query.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  const line = before.split("\n").length;
  return `${line}:${new TextEncoder().encode(before.slice(lineStart)).length + 1}`;
}

/** A number as Go's `%g` prints it: shortest by default, or with so many significant digits. */
export function formatG(value: number, digits?: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (value === Infinity) return "+Inf";
  if (value === -Infinity) return "-Inf";
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const text = digits === undefined ? value.toExponential() : value.toExponential(digits - 1);
  const [mantissa, exponentText] = text.split("e") as [string, string];
  const exponent = Number(exponentText);
  const limit = digits ?? 6;
  if (exponent < -4 || exponent >= limit) {
    const clean = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
    const size = Math.abs(exponent);
    return `${clean}e${exponent < 0 ? "-" : "+"}${size < 10 ? "0" : ""}${size}`;
  }
  if (digits === undefined) return plainDecimal(mantissa, exponent);
  const trimmed = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
  return plainDecimal(trimmed, exponent);
}

function plainDecimal(mantissa: string, exponent: number): string {
  const sign = mantissa.startsWith("-") ? "-" : "";
  const digits = mantissa.replace("-", "").replace(".", "");
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  if (digits.length <= exponent + 1) return sign + digits.padEnd(exponent + 1, "0");
  return `${sign}${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
}
