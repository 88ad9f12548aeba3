// The inside of `{{…}}`: a native histogram written out by hand.
import {
  type BucketSpan,
  type CounterResetHint,
  emptyHistogram,
  type FloatHistogram,
} from "@deucalion/model";
import { numberValue } from "@deucalion/promql";
import { ScriptError } from "./errors.ts";

const hints: Readonly<Record<string, CounterResetHint>> = {
  unknown: "unknown",
  reset: "reset",
  not_reset: "not_reset",
  gauge: "gauge",
};
const scalarKeys: ReadonlySet<string> = new Set([
  "schema",
  "count",
  "sum",
  "z_bucket",
  "z_bucket_w",
  "offset",
  "n_offset",
]);
const listKeys: ReadonlySet<string> = new Set(["buckets", "n_buckets", "custom_values"]);

function bad(body: string, why: string): ScriptError {
  return new ScriptError("PROMQLTEST_SERIES", `bad histogram {{${body}}}: ${why}`);
}

function readNumber(text: string, body: string): number {
  const read = numberValue(text.replace(/^[+-]/, ""));
  if ("problem" in read) throw bad(body, read.problem);
  return text.startsWith("-") ? -read.value : read.value;
}

function spansOf(offset: number, buckets: Float64Array): readonly BucketSpan[] {
  return buckets.length === 0 ? [] : [{ offset, length: buckets.length }];
}

/** Reads a literal. Throws PROMQLTEST_SERIES for unknown or repeated keys and for values that are no numbers. */
export function parseHistogramLiteral(body: string): {
  histogram: FloatHistogram;
  hintGiven: boolean;
} {
  const scalars = new Map<string, number>();
  const lists = new Map<string, Float64Array>();
  let hint: CounterResetHint | undefined;
  const field = /\s*([a-z_]+):(\[[^\]]*\]|[^\s[\]]+)\s*/gy;
  let at = /^\s*/.exec(body)![0].length;
  while (at < body.length) {
    field.lastIndex = at;
    const found = field.exec(body);
    if (found === null) throw bad(body, `unexpected "${body.slice(at)}"`);
    at = field.lastIndex;
    const key = found[1]!;
    const text = found[2]!;
    if (scalars.has(key) || lists.has(key) || (key === "counter_reset_hint" && hint !== undefined))
      throw bad(body, `duplicate key "${key}"`);
    if (scalarKeys.has(key)) scalars.set(key, readNumber(text, body));
    else if (listKeys.has(key) && text.startsWith("[")) {
      const numbers = text.slice(1, -1).trim().split(/\s+/).filter(Boolean);
      lists.set(
        key,
        Float64Array.from(numbers, (one) => readNumber(one, body)),
      );
    } else if (key === "counter_reset_hint" && hints[text] !== undefined) hint = hints[text];
    else throw bad(body, `key or value of "${key}:${text}"`);
  }
  const scalar = (key: string) => scalars.get(key) ?? 0;
  const list = (key: string) => lists.get(key) ?? new Float64Array(0);
  const histogram: FloatHistogram = {
    ...emptyHistogram(),
    schema: scalar("schema"),
    zeroThreshold: scalar("z_bucket_w"),
    zeroCount: scalar("z_bucket"),
    count: scalar("count"),
    sum: scalar("sum"),
    positiveBuckets: list("buckets"),
    negativeBuckets: list("n_buckets"),
    positiveSpans: spansOf(scalar("offset"), list("buckets")),
    negativeSpans: spansOf(scalar("n_offset"), list("n_buckets")),
    customValues: list("custom_values"),
    counterResetHint: hint ?? "unknown",
  };
  return { histogram, hintGiven: hint !== undefined };
}
