// Matchers to postings, in two steps, so that a caller can fetch the lists in between in few reads.
import type { Matcher } from "@deucalion/model";
import { compareStrings } from "@deucalion/model";
import { intersectPostings, mergePostings, noPostings, subtractPostings } from "./postings.ts";
import type { LabelIndex, ValueRange } from "./postings-table.ts";

/** Entries of the postings table whose lists are joined, and then kept (`keep`) or removed. */
export interface PostingsGroup {
  readonly keep: boolean;
  readonly entries: readonly number[];
}

/** What to do to get the series of a set of matchers. */
export interface PostingsPlan {
  /** No series can match; nothing needs to be read. */
  readonly empty: boolean;
  /** Start from all series, as no group keeps. */
  readonly all: boolean;
  readonly groups: readonly PostingsGroup[];
}

const nothing: PostingsPlan = { empty: true, all: false, groups: [] };

/**
 * Resolves matchers against the values of an index. A label that a series lacks has the value "", so a matcher that
 * matches "" removes the series whose value does not match, and any other keeps those whose value does.
 */
export function planPostings(matchers: readonly Matcher[], index: LabelIndex): PostingsPlan {
  const groups: PostingsGroup[] = [];
  for (const matcher of matchers) {
    const range = matcher.name === "" ? null : index.range(matcher.name);
    const keep = !matcher.matchesEmpty;
    if (range === null) {
      if (keep) return nothing;
      continue;
    }
    const entries = entriesFor(matcher, keep, range, index);
    if (keep) {
      if (entries.length === 0) return nothing;
      groups.push({ keep, entries });
    } else if (entries.length > 0) {
      groups.push({ keep, entries });
    }
  }
  return { empty: false, all: !groups.some((group) => group.keep), groups };
}

/** Runs a plan. `list` gives the postings of an entry, `all` those of every series (used if `plan.all`). */
export function runPostingsPlan(
  plan: PostingsPlan,
  list: (entry: number) => Uint32Array,
  all: () => Uint32Array,
): Uint32Array {
  if (plan.empty) return noPostings;
  const kept = plan.groups
    .filter((group) => group.keep)
    .map((group) => mergePostings(group.entries.map(list)))
    .sort((a, b) => a.length - b.length);
  let result = plan.all ? all() : kept[0]!;
  for (const other of plan.all ? kept : kept.slice(1)) {
    if (result.length === 0) return result;
    result = intersectPostings(result, other);
  }
  for (const group of plan.groups) {
    if (group.keep || result.length === 0) continue;
    result = subtractPostings(result, mergePostings(group.entries.map(list)));
  }
  return result;
}

/** Entries whose value matches (`keep`) or does not match. */
function entriesFor(
  matcher: Matcher,
  keep: boolean,
  range: ValueRange,
  index: LabelIndex,
): number[] {
  const literals = literalsOf(matcher);
  const positive = matcher.type === "=" || matcher.type === "=~";
  // With literals on the side that is asked for, look each up instead of walking all values.
  if (literals !== null && positive === keep) {
    return literals
      .map((value) => findValue(index, range, value))
      .filter((entry) => entry >= 0)
      .sort((a, b) => a - b);
  }
  let { from, to } = range;
  const prefix = matcher.regex?.prefix ?? "";
  if (prefix !== "" && positive === keep) {
    from = lowerBound(index, range, prefix);
    to = from;
    while (to < range.to && index.value(to).startsWith(prefix)) to++;
  }
  const entries: number[] = [];
  const set = literals === null ? null : new Set(literals);
  for (let entry = from; entry < to; entry++) {
    const value = index.value(entry);
    const matches = set === null ? matcher.matches(value) : set.has(value) === positive;
    if (matches === keep) entries.push(entry);
  }
  return entries;
}

/** The only values that a matcher names, or null. */
function literalsOf(matcher: Matcher): readonly string[] | null {
  if (matcher.regex !== null) return matcher.regex.literals;
  return [matcher.value];
}

/** First entry whose value is not below `value`. */
function lowerBound(index: LabelIndex, range: ValueRange, value: string): number {
  let low = range.from;
  let high = range.to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareStrings(index.value(middle), value) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function findValue(index: LabelIndex, range: ValueRange, value: string): number {
  const at = lowerBound(index, range, value);
  return at < range.to && index.value(at) === value ? at : -1;
}
