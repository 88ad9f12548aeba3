// Keeps blocks that overlap a window of time.
import type { MetaFilter } from "./meta-filter.ts";

/** Bounds in ms, asked for at each run since they may be relative to now. */
export function timePartitionFilter(minTime: () => number, maxTime: () => number): MetaFilter {
  return {
    filter(metas, excluded) {
      const from = minTime();
      const to = maxTime();
      for (const [id, meta] of metas) {
        if (meta.maxTime >= from && meta.minTime <= to) continue;
        metas.delete(id);
        excluded(id, "time-excluded");
      }
    },
  };
}
