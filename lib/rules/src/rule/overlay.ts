// Labels of rules laid over those of series.
import { compareStrings, Labels } from "@deucalion/model";

/** Labels to lay over others, name, value, name, value, …, sorted by name; an empty value takes a label away. */
export type OverlayPairs = readonly string[];

/** Sorts labels for `overlay()`; of two with the same name the later counts. */
export function overlayPairs(labels: Iterable<readonly [string, string]>): OverlayPairs {
  const map = new Map(labels);
  return [...map.keys()].sort(compareStrings).flatMap((name) => [name, map.get(name)!]);
}

/** A label set with others laid over it. Values of `base` may be empty; the result has none. */
export function overlay(base: Labels, over: OverlayPairs): Labels {
  const { pairs } = base;
  const out: string[] = [];
  let i = 0;
  let j = 0;
  while (i < pairs.length || j < over.length) {
    const order =
      i >= pairs.length ? 1 : j >= over.length ? -1 : compareStrings(pairs[i]!, over[j]!);
    const from = order < 0 ? pairs : over;
    const at = order < 0 ? i : j;
    if (from[at + 1] !== "") out.push(from[at]!, from[at + 1]!);
    if (order <= 0) i += 2;
    if (order >= 0) j += 2;
  }
  return new Labels(out);
}
