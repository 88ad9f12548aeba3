// Leaves out blocks whose data is wholly inside another block of the same stream and resolution.
import { type BlockMeta, groupKey } from "../meta/block-meta.ts";
import type { MetaFilter } from "./meta-filter.ts";

/** Of blocks with the same sources the oldest ULID stays. */
export function duplicateFilter(): MetaFilter {
  return {
    filter(metas, excluded) {
      const groups = new Map<string, [string, BlockMeta][]>();
      for (const entry of metas) {
        const key = groupKey(entry[1]);
        const group = groups.get(key);
        if (group === undefined) groups.set(key, [entry]);
        else group.push(entry);
      }
      for (const group of groups.values()) {
        for (const id of duplicatesOf(group)) {
          metas.delete(id);
          excluded(id, "duplicate");
        }
      }
    },
  };
}

function duplicatesOf(group: [string, BlockMeta][]): string[] {
  group.sort(
    ([a, x], [b, y]) =>
      y.compaction.sources.length - x.compaction.sources.length || (a < b ? -1 : 1),
  );
  // Covering blocks by each of their sources, so that a month of small blocks is not compared pair by pair.
  const covering: Set<string>[] = [];
  const bySource = new Map<string, number[]>();
  const duplicates: string[] = [];
  for (const [id, { compaction }] of group) {
    const [first, ...rest] = compaction.sources;
    const candidates = first === undefined ? covering.keys() : (bySource.get(first) ?? []);
    let covered = false;
    for (const at of candidates) {
      covered = rest.every((source) => covering[at]!.has(source));
      if (covered) break;
    }
    if (covered) {
      duplicates.push(id);
      continue;
    }
    for (const source of compaction.sources) {
      const list = bySource.get(source);
      if (list === undefined) bySource.set(source, [covering.length]);
      else list.push(covering.length);
    }
    covering.push(new Set(compaction.sources));
  }
  return duplicates;
}
