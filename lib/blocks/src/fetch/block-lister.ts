// Finds the blocks of a bucket: which have a meta.json, and which are partial.
import type { Bucket } from "@deucalion/objstore";
import { eachLimited } from "../each-limited.ts";

/** How blocks are found (`--block-discovery-strategy`). */
export type DiscoveryStrategy = "concurrent" | "recursive";

export interface BlockListing {
  /** Blocks with a meta.json; the value is when it was written in ms, 0 where the listing did not say. */
  readonly complete: Map<string, number>;
  /** Blocks without one: being uploaded, or left behind. */
  readonly partial: Set<string>;
}

const existsConcurrency = 64;
const ulidPattern = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/i;

/** The block that a top-level name stands for, or undefined. */
export function blockIdOf(name: string): string | undefined {
  const base = name.endsWith("/") ? name.slice(0, -1) : name;
  return ulidPattern.test(base) ? base : undefined;
}

/**
 * `concurrent` lists the root and asks for each meta.json; `recursive` lists everything once, which also tells when a
 * meta.json was replaced.
 */
export async function listBlocks(
  bucket: Bucket,
  strategy: DiscoveryStrategy,
  signal: AbortSignal,
): Promise<BlockListing> {
  const complete = new Map<string, number>();
  const partial = new Set<string>();
  if (strategy === "recursive") {
    for await (const entry of bucket.iter("", { recursive: true }, signal)) {
      const slash = entry.name.indexOf("/");
      const id = slash < 0 ? undefined : blockIdOf(entry.name.slice(0, slash));
      if (id === undefined) continue;
      if (entry.name.slice(slash + 1) === "meta.json") {
        complete.set(id, entry.attributes?.lastModifiedMs ?? 0);
        partial.delete(id);
      } else if (!complete.has(id)) partial.add(id);
    }
    return { complete, partial };
  }
  await eachLimited(bucket.iter("", {}, signal), existsConcurrency, async (entry) => {
    const id = blockIdOf(entry.name);
    if (id === undefined) return;
    if (await bucket.exists(`${id}/meta.json`, signal)) complete.set(id, 0);
    else partial.add(id);
  });
  return { complete, partial };
}
