// External labels against matchers: what a store can have, and what is left to ask it for.
import { type Labels, Matcher } from "@deucalion/model";

export interface ExternalMatch {
  readonly matches: boolean;
  /** Matchers that do not concern the external labels. */
  readonly rest: readonly Matcher[];
}

/** Checks matchers against labels that every series has; those that match are taken out. */
export function matchExternalLabels(matchers: readonly Matcher[], external: Labels): ExternalMatch {
  if (external.size === 0) return { matches: true, rest: matchers };
  const rest: Matcher[] = [];
  for (const matcher of matchers) {
    if (!external.has(matcher.name)) rest.push(matcher);
    else if (!matcher.matches(external.get(matcher.name))) return { matches: false, rest: [] };
  }
  return { matches: true, rest };
}

/** True if one of the sets contradicts no matcher; labels that a set does not have are not looked at. */
export function labelSetsMatch(matchers: readonly Matcher[], sets: readonly Labels[]): boolean {
  if (sets.length === 0) return true;
  return sets.some((set) =>
    matchers.every((matcher) => !set.has(matcher.name) || matcher.matches(set.get(matcher.name))),
  );
}

/** Matchers that select what the label sets announce: for each name its values, or empty where a set lacks it. */
export function matchersForLabelSets(sets: readonly Labels[]): Matcher[] {
  const values = new Map<string, Set<string>>();
  for (const set of sets) {
    for (const [name, value] of set) {
      const known = values.get(name);
      if (known === undefined) values.set(name, new Set([value]));
      else known.add(value);
    }
  }
  return [...values].map(([name, known]) => {
    if (sets.some((set) => !set.has(name))) known.add("^$");
    return new Matcher("=~", name, [...known].sort().join("|"));
  });
}

/** `{a="1", b="2"},{…}` as Thanos prints label sets in messages. */
export function labelSetsText(sets: readonly Labels[]): string {
  return sets.map(String).sort().join(",");
}
