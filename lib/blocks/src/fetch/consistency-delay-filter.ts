// Leaves out blocks that are so fresh that a listing may not show all their parts yet.
import { decodeTime } from "ulid";
import { uploadTimeMs } from "../meta/block-meta.ts";
import type { MetaFilter } from "./meta-filter.ts";

const exempt = new Set(["bucket.repair", "compactor", "compactor.repair"]);

/** Age counts from the upload, or from the ULID where meta.json does not say. */
export function consistencyDelayFilter(delayMs: number, now: () => number): MetaFilter {
  return {
    filter(metas, excluded) {
      for (const [id, meta] of metas) {
        const since = uploadTimeMs(meta) || decodeTime(id);
        if (now() - since >= delayMs || exempt.has(meta.thanos.source)) continue;
        metas.delete(id);
        excluded(id, "too-fresh");
      }
    },
  };
}
