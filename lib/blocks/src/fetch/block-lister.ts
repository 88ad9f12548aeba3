// Finds the blocks of a bucket: which have a meta.json, and which are partial.
import type { Bucket } from "@deucalion/objstore";
import { eachLimited } from "../each-limited.ts";

/**
 * How blocks are found: the two of `--block-discovery-strategy`, and `frugal`, which asks for everything at once unless
 * the bucket holds much that is no block.
 */
export type DiscoveryStrategy = "concurrent" | "recursive" | "frugal";

/** Marker files of a block by name, and when they were written in ms (0: not known). */
export type BlockMarkTimes = ReadonlyMap<string, number>;

export interface BlockListing {
  /** Blocks with a meta.json; the value is when it was written in ms, 0 where the listing did not say. */
  readonly complete: Map<string, number>;
  /** Blocks without one: being uploaded, or left behind. */
  readonly partial: Set<string>;
  /** Marks of the blocks that have some; undefined where the listing did not show them. */
  readonly marks: ReadonlyMap<string, BlockMarkTimes> | undefined;
}

const existsConcurrency = 64;
/** Objects outside of blocks that a frugal listing bears with. */
const foreignMax = 20_000;
const ulidPattern = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/i;

/** The block that a top-level name stands for, or undefined. */
export function blockIdOf(name: string): string | undefined {
  const base = name.endsWith("/") ? name.slice(0, -1) : name;
  return ulidPattern.test(base) ? base : undefined;
}

/** Told of blocks with a meta.json while others are still looked for; of some twice. */
export type BlockFound = (id: string, modifiedMs: number) => void;

/**
 * `concurrent` lists the root and asks for each meta.json; `recursive` lists everything once, which also tells when a
 * meta.json was replaced and which marks there are.
 */
export async function listBlocks(
  bucket: Bucket,
  strategy: DiscoveryStrategy,
  signal: AbortSignal,
  found: BlockFound = () => undefined,
): Promise<BlockListing> {
  if (strategy !== "concurrent") {
    const bearable = strategy === "frugal" ? foreignMax : Number.POSITIVE_INFINITY;
    const listing = await listAll(bucket, bearable, signal, found);
    if (listing !== undefined) return listing;
  }
  const complete = new Map<string, number>();
  const partial = new Set<string>();
  await eachLimited(bucket.iter("", {}, signal), existsConcurrency, async (entry) => {
    const id = blockIdOf(entry.name);
    if (id === undefined) return;
    if (await bucket.exists(`${id}/meta.json`, signal)) {
      complete.set(id, 0);
      found(id, 0);
    } else partial.add(id);
  });
  return { complete, partial, marks: undefined };
}

/** One listing of all objects; undefined if more than `foreignBearable` of them are not of blocks. */
async function listAll(
  bucket: Bucket,
  foreignBearable: number,
  signal: AbortSignal,
  found: BlockFound,
): Promise<BlockListing | undefined> {
  const complete = new Map<string, number>();
  const partial = new Set<string>();
  const marks = new Map<string, Map<string, number>>();
  let foreign = 0;
  for await (const { name, attributes } of bucket.iter("", { recursive: true }, signal)) {
    const slash = name.indexOf("/");
    const id = slash < 0 ? undefined : blockIdOf(name.slice(0, slash));
    if (id === undefined) {
      if (++foreign > foreignBearable) return undefined;
      continue;
    }
    const file = name.slice(slash + 1);
    if (file === "meta.json") {
      const modifiedMs = attributes?.lastModifiedMs ?? 0;
      complete.set(id, modifiedMs);
      partial.delete(id);
      found(id, modifiedMs);
    } else if (!complete.has(id)) partial.add(id);
    if (!file.endsWith("-mark.json")) continue;
    const own = marks.get(id) ?? new Map<string, number>();
    marks.set(id, own.set(file, attributes?.lastModifiedMs ?? 0));
  }
  return { complete, partial, marks };
}
