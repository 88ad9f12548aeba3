// Leaves out blocks that were converted to Parquet and are served from there by others.
//
// Each conversion wrote a file `meta.pb` into a bucket of its own: a protobuf message whose field 6 has the ULIDs of its sources.
import { type Bucket, isNotFound } from "@deucalion/objstore";
import { ProtoReader, Wire } from "@deucalion/rpc";
import { eachLimited } from "../each-limited.ts";
import { BlocksError } from "../errors.ts";
import { type BlockMeta, groupKey } from "../meta/block-meta.ts";
import { blockIdOf } from "./block-lister.ts";
import type { BlockState, MetaFilter } from "./meta-filter.ts";

const dayMs = 86_400_000;
const sourcesField = 6;

/** ULIDs of the blocks that a conversion was made of. Throws BLOCKS_META, or RpcError, if the file is damaged. */
export function convertedBlocks(data: Uint8Array): string[] {
  const reader = new ProtoReader(data);
  const ids: string[] = [];
  while (reader.next()) {
    if (reader.field !== sourcesField || reader.wire !== Wire.bytes) {
      reader.skip();
      continue;
    }
    const id = reader.string();
    if (blockIdOf(id) === undefined)
      throw new BlocksError("BLOCKS_META", `meta.pb: no ULID: ${id}`);
    ids.push(id);
  }
  return ids;
}

/**
 * Those of `converted` whose days are covered to the last ms by converted blocks of the same stream. A conversion is cut
 * at the borders of days: a block that reaches into a day of which a part is missing is still needed.
 */
export function coveredBlocks(
  converted: ReadonlySet<string>,
  metas: ReadonlyMap<string, BlockMeta>,
): string[] {
  const streams = new Map<string, BlockMeta[]>();
  for (const id of converted) {
    const meta = metas.get(id);
    if (meta === undefined) continue;
    const stream = streams.get(groupKey(meta)) ?? [];
    stream.push(meta);
    streams.set(groupKey(meta), stream);
  }
  const covered: string[] = [];
  for (const stream of streams.values()) {
    stream.sort((a, b) => a.minTime - b.minTime);
    const whole = new Map<number, boolean>();
    for (const { ulid, minTime, maxTime } of stream) {
      let all = true;
      for (let day = Math.floor(minTime / dayMs) * dayMs; day < maxTime && all; day += dayMs) {
        let known = whole.get(day);
        if (known === undefined) {
          known = coversDay(stream, day);
          whole.set(day, known);
        }
        all = known;
      }
      if (all) covered.push(ulid);
    }
  }
  return covered;
}

/** Whether the blocks, by their begin, cover `[day, day + 24 h)` without a hole. */
function coversDay(blocks: readonly BlockMeta[], day: number): boolean {
  let until = day;
  for (const { minTime, maxTime } of blocks) {
    if (minTime > until) return false;
    if (maxTime > until) until = maxTime;
    if (until >= day + dayMs) return true;
  }
  return false;
}

export interface ParquetConvertedFilterDeps {
  /** The bucket with the Parquet files. */
  readonly bucket: Bucket;
  /** Files read at once. */
  readonly readsMax: number;
}

/** Reads each `meta.pb` once, as long as the listing shows it unchanged. Throws if the bucket cannot be read. */
export class ParquetConvertedFilter implements MetaFilter {
  readonly #deps: ParquetConvertedFilterDeps;
  #read = new Map<string, { readonly atMs: number; readonly ids: readonly string[] }>();

  constructor(deps: ParquetConvertedFilterDeps) {
    this.#deps = deps;
  }

  async filter(
    metas: Map<string, BlockMeta>,
    excluded: (id: string, state: BlockState) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { bucket, readsMax } = this.#deps;
    const read = new Map<string, { readonly atMs: number; readonly ids: readonly string[] }>();
    await eachLimited(bucket.iter("", { recursive: true }, signal), readsMax, async (entry) => {
      const { name } = entry;
      if (name !== "meta.pb" && !name.endsWith("/meta.pb")) return;
      const atMs = entry.attributes?.lastModifiedMs ?? 0;
      const before = this.#read.get(name);
      if (atMs !== 0 && before?.atMs === atMs) {
        read.set(name, before);
        return;
      }
      try {
        read.set(name, { atMs, ids: convertedBlocks(await bucket.get(name, signal)) });
      } catch (error) {
        // Taken away since it was listed.
        if (!isNotFound(error)) throw error;
      }
    });
    this.#read = read;
    const converted = new Set([...read.values()].flatMap(({ ids }) => ids));
    for (const id of coveredBlocks(converted, metas)) {
      metas.delete(id);
      excluded(id, "parquet-converted");
    }
  }
}
