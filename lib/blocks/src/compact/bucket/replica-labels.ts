// Takes replica labels off blocks, so that blocks of different replicas fall into one group.
import type { MetaFilter } from "../../fetch/meta-filter.ts";
import type { BlockMeta } from "../../meta/block-meta.ts";

/** A filter that also remembers which replica a block came from. */
export interface ReplicaLabelRemover extends MetaFilter {
  /** Values of the replica labels of a block before they were removed; "" where it had none. */
  replicaOf(id: string): string;
}

/** Where nothing is left, the first replica label stays with the value "deduped", as Thanos does it. */
export function replicaLabelRemover(names: readonly string[]): ReplicaLabelRemover {
  const replicas = new Map<string, string>();
  return {
    replicaOf: (id) => replicas.get(id) ?? "",
    filter(metas) {
      if (names.length === 0) return;
      replicas.clear();
      for (const [id, meta] of metas) {
        const { labels } = meta.thanos;
        const values = names.map((name) => labels[name] ?? "");
        if (values.every((value) => value === "")) continue;
        replicas.set(id, values.join("\u0000"));
        metas.set(id, withoutLabels(meta, names));
      }
    },
  };
}

function withoutLabels(meta: BlockMeta, names: readonly string[]): BlockMeta {
  const kept = Object.entries(meta.thanos.labels).filter(([name]) => !names.includes(name));
  const labels = kept.length === 0 ? { [names[0]!]: "deduped" } : Object.fromEntries(kept);
  return { ...meta, thanos: { ...meta.thanos, labels } };
}
