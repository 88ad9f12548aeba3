// How the data of several queriers lies to each other: apart, the same, or neither.
import type { Labels } from "@deucalion/model";
import type { Expr, VectorSelector } from "../../parse/ast.ts";
import { postOrder } from "../tree.ts";
import type { RemoteEngine } from "./remote-engine.ts";

export interface Partitions {
  /** Labels that tell partitions apart. */
  readonly labels: ReadonlySet<string>;
  /** Sets that more than one querier has. */
  readonly shared: ReadonlySet<string>;
}

/** True if no series can be in both: a label that both have differs. */
function apart(a: Labels, b: Labels): boolean {
  for (const [name, value] of a) if (b.has(name) && b.get(name) !== value) return true;
  return false;
}

/** Null where the sets of two queriers may overlap without being the same. */
export function partitionsOf(engines: readonly RemoteEngine[]): Partitions | null {
  const labels = new Set<string>();
  const seen = new Map<string, { readonly set: Labels; readonly engine: RemoteEngine }>();
  const shared = new Set<string>();
  const byNames = new Map<string, { readonly set: Labels; readonly engine: RemoteEngine }[]>();
  for (const engine of engines) {
    for (const set of engine.partitionSets) {
      const names = [...set].map(([name]) => name);
      for (const name of names) labels.add(name);
      const known = seen.get(set.key);
      if (known !== undefined) {
        if (known.engine !== engine) shared.add(set.key);
        continue;
      }
      const entry = { set, engine };
      seen.set(set.key, entry);
      const key = JSON.stringify(names);
      const alike = byNames.get(key);
      if (alike === undefined) byNames.set(key, [entry]);
      else alike.push(entry);
    }
  }
  // Sets with the same names are the same or apart.
  const kinds = [...byNames.values()];
  for (let i = 0; i < kinds.length; i++) {
    for (let j = i + 1; j < kinds.length; j++) {
      for (const a of kinds[i]!) {
        for (const b of kinds[j]!) {
          const alone = a.engine === b.engine && !shared.has(a.set.key) && !shared.has(b.set.key);
          if (!alone && !apart(a.set, b.set)) return null;
        }
      }
    }
  }
  return { labels, shared };
}

/** The selectors of a tree. */
export function selectorsOf(root: Expr): VectorSelector[] {
  return postOrder(root).flatMap((node) =>
    node.kind === "vector" ? [node] : node.kind === "matrix" ? [node.selector] : [],
  );
}

/** True if data with one of these label sets (none: nothing is known) may be what a selector asks for. */
export function mayMatch(selector: VectorSelector, sets: readonly Labels[]): boolean {
  if (sets.length === 0) return true;
  return sets.some((set) =>
    selector.matchers.every(
      (matcher) => !set.has(matcher.name) || matcher.matches(set.get(matcher.name)),
    ),
  );
}
