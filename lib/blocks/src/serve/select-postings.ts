// Matchers to series of one block: plan ranges from the index-header, fetch them in few reads, combine.
import { compareStrings, type Matcher } from "@deucalion/model";
import {
  intersectPostings,
  mergePostings,
  noPostings,
  readPostings,
  subtractPostings,
} from "@deucalion/tsdb";
import type { PostingsLabel } from "../cache/index-cache.ts";
import type { PostingsOffsets } from "../index-header/postings-offsets.ts";
import { PostingsRanges } from "../index-header/postings-ranges.ts";
import type { BlockIo } from "./block-io.ts";
import { type GroupSize, lazyGroups } from "./lazy-groups.ts";
import { planReads } from "./plan-reads.ts";
import type { ServeOptions } from "./serve-options.ts";

/** Lists that are joined; the result keeps only what is in them, or loses it. */
interface PostingsGroup extends GroupSize {
  readonly ranges: PostingsRanges;
  /** The value of each range, where it was asked for. */
  readonly values: readonly string[];
  readonly matchers: readonly Matcher[];
}

/** Series that match, as far as postings told. */
export interface SelectedPostings {
  /** Ascending. */
  readonly postings: Uint32Array;
  /** Matchers that are still to be applied to the series. */
  readonly left: readonly Matcher[];
}

/** Stands for the label of a list that is not cached. */
const unnamed: PostingsLabel = { name: "", value: "" };
const none: SelectedPostings = { postings: noPostings, left: [] };
/** What a list has beside its entries of 4 bytes: its length, their number, a checksum. */
const listBytes = 12;

/** What the values of one label must be, from all matchers on it; null if no series can match. */
function planGroup(
  name: string,
  matchers: readonly Matcher[],
  postings: PostingsOffsets,
  wantValues: boolean,
): PostingsGroup | "nothing" | "everything" {
  // A label that a series lacks has the value "": if "" matches, series with other values are taken away instead.
  const keep = !matchers.every((matcher) => matcher.matchesEmpty);
  if (name === "" || !postings.has(name)) return keep ? "nothing" : "everything";
  const ranges = new PostingsRanges();
  const found: string[] = [];
  const matches = (value: string): boolean => matchers.every((matcher) => matcher.matches(value));
  const candidates = namedValues(matchers, keep);
  if (candidates !== null) {
    const values = candidates.filter((value) => value !== "" && matches(value) === keep);
    const sorted = [...new Set(values)].sort(compareStrings);
    if (wantValues) {
      for (const value of sorted) {
        const before = ranges.count;
        postings.rangesOf(name, [value], ranges);
        if (ranges.count > before) found.push(value);
      }
    } else postings.rangesOf(name, sorted, ranges);
  } else {
    const anything = matchers.every((matcher) => matchesAll(matcher, keep));
    const prefix = keep ? (matchers.find(hasPrefix)?.regex?.prefix ?? "") : "";
    if (anything && !keep) return "everything";
    postings.scan(name, prefix, (value, start, end) => {
      if (!anything && matches(value) !== keep) return true;
      ranges.push(start, end);
      if (wantValues) found.push(value);
      return true;
    });
  }
  if (ranges.count === 0) return keep ? "nothing" : "everything";
  const series = Math.floor((ranges.bytes - ranges.count * listBytes) / 4);
  return { keep, ranges, values: found, name, matchers, keys: ranges.count, series };
}

/** `.+` where values are kept, `.*` where they are taken away: no value needs to be looked at. */
function matchesAll(matcher: Matcher, keep: boolean): boolean {
  if (matcher.type === "=~") return matcher.value === ".*" || (keep && matcher.value === ".+");
  return keep && matcher.type === "!=" && matcher.value === "";
}

function hasPrefix(matcher: Matcher): boolean {
  return matcher.type === "=~" && matcher.regex!.prefix !== "";
}

/** The only values that can be kept (or, if all matchers are negative, taken away), or null where any can. */
function namedValues(matchers: readonly Matcher[], keep: boolean): readonly string[] | null {
  const literals = (matcher: Matcher): readonly string[] | null =>
    matcher.regex === null ? [matcher.value] : matcher.regex.literals;
  if (keep) {
    for (const matcher of matchers) {
      const values = matcher.type === "=" || matcher.type === "=~" ? literals(matcher) : null;
      if (values !== null) return values;
    }
    return null;
  }
  const taken: string[] = [];
  for (const matcher of matchers) {
    const values = matcher.type === "!=" || matcher.type === "!~" ? literals(matcher) : null;
    if (values === null) return null;
    taken.push(...values);
  }
  return taken;
}

/**
 * The postings of the series that match. No matchers, no series. `seriesBytes` is what an entry of a series takes. With
 * `options.lazyPostings` some matchers may be left to the caller.
 */
export async function selectPostings(
  postings: PostingsOffsets,
  matchers: readonly Matcher[],
  io: BlockIo,
  options: ServeOptions,
  seriesBytes: number,
): Promise<SelectedPostings> {
  const byName = new Map<string, Matcher[]>();
  for (const matcher of matchers) {
    const list = byName.get(matcher.name);
    if (list === undefined) byName.set(matcher.name, [matcher]);
    else list.push(matcher);
  }
  if (byName.size === 0) return none;
  const known = await io.cache?.expanded(io.block, matchers, io.signal);
  if (known !== undefined) return { postings: known, left: [] };
  const wantValues = io.cache?.lists(io.block, [], io.signal) !== undefined;
  let groups: PostingsGroup[] = [];
  for (const [name, list] of byName) {
    const group = planGroup(name, list, postings, wantValues);
    if (group === "nothing") return none;
    if (group !== "everything") groups.push(group);
  }
  const left: Matcher[] = [];
  if (!groups.some((group) => group.keep)) {
    const ranges = new PostingsRanges();
    const { start, end } = postings.allPostings();
    ranges.push(start, end);
    const all = { keep: true, name: "", keys: 1, series: 0 };
    groups.push({ ...all, ranges, values: [""], matchers: [] });
  } else if (options.lazyPostings) {
    const lazy = lazyGroups(groups, { keySeriesRatio: options.lazyKeySeriesRatio, seriesBytes });
    for (const [group, reason] of lazy) io.leftLazy(reason, 4 * group.series);
    left.push(...[...lazy.keys()].flatMap((group) => group.matchers));
    groups = groups.filter((group) => !lazy.has(group));
  }
  let bytes = 0;
  for (const { ranges } of groups) bytes += ranges.bytes;
  io.foresee(bytes, "postings");
  const lists = await fetchLists(groups, io, options);
  const found = combine(groups, lists);
  if (left.length === 0) io.cache?.storeExpanded(io.block, matchers, found);
  return { postings: found, left };
}

/** The postings of each group, its lists merged. */
async function fetchLists(
  groups: readonly PostingsGroup[],
  io: BlockIo,
  options: ServeOptions,
): Promise<Uint32Array[]> {
  const all = new PostingsRanges();
  const groupOf: number[] = [];
  const labelOf: PostingsLabel[] = [];
  const lists = groups.map((): Uint32Array[] => []);
  for (const [g, { ranges, name, values }] of groups.entries()) {
    const labels = values.map((value) => ({ name, value }));
    const known = labels.length === 0 ? undefined : io.cache?.lists(io.block, labels, io.signal);
    const cached = known === undefined ? [] : await known;
    for (let i = 0; i < ranges.count; i++) {
      const list = cached[i];
      if (list !== undefined) {
        lists[g]!.push(list);
        continue;
      }
      all.push(ranges.starts[i]!, ranges.ends[i]!);
      groupOf.push(g);
      if (known !== undefined) labelOf.push(labels[i]!);
      else labelOf.push(unnamed);
    }
  }
  const order = Uint32Array.from(groupOf.keys());
  order.sort((a, b) => all.starts[a]! - all.starts[b]!);
  const starts = new Float64Array(all.count);
  const ends = new Float64Array(all.count);
  for (let i = 0; i < all.count; i++) {
    starts[i] = all.starts[order[i]!]!;
    ends[i] = all.ends[order[i]!]!;
  }
  const plan = planReads(starts, ends, all.count, options.gapBytes, options.readBytesMax);
  const reads = await io.all(plan, (from, length) => io.index(from, length, "postings"));
  for (let i = 0; i < all.count; i++) {
    const read = plan.readOf[i]!;
    try {
      const list = readPostings(reads[read]!, starts[i]! - plan.from[read]!);
      lists[groupOf[order[i]!]!]!.push(list);
      const label = labelOf[order[i]!]!;
      if (label !== unnamed) io.cache?.storeList(io.block, label, list);
    } catch (error) {
      io.cache?.forget(io.block, starts[i]!, ends[i]! - starts[i]!);
      throw error;
    }
  }
  return lists.map(mergePostings);
}

function combine(groups: readonly PostingsGroup[], lists: readonly Uint32Array[]): Uint32Array {
  const kept = lists.filter((_, g) => groups[g]!.keep).sort((a, b) => a.length - b.length);
  let result = kept[0]!;
  for (const other of kept.slice(1)) result = intersectPostings(result, other);
  for (const [g, { keep }] of groups.entries())
    if (!keep) result = subtractPostings(result, lists[g]!);
  return result;
}
