// Compacted blocks may only go where nothing of their time is yet.
import type { Labels } from "@deucalion/model";
import { type Bucket, isNotFound } from "@deucalion/objstore";
import { BlocksError } from "../errors.ts";
import { blockIdOf } from "../fetch/block-lister.ts";
import { type BlockMeta, externalLabels, parseBlockMeta } from "../meta/block-meta.ts";

/** Reads the bucket's blocks of the same labels when it is first asked. */
export class OverlapChecker {
  readonly #bucket: Bucket;
  readonly #labels: Labels;
  #known: BlockMeta[] | undefined;

  constructor(bucket: Bucket, labels: Labels) {
    this.#bucket = bucket;
    this.#labels = labels;
  }

  /** Throws BLOCKS_SHIP, naming the block that `meta` overlaps. */
  async check(meta: BlockMeta, signal: AbortSignal): Promise<void> {
    this.#known ??= await this.#read(signal);
    const other = this.#known.find(
      (known) =>
        known.ulid !== meta.ulid && known.minTime < meta.maxTime && meta.minTime < known.maxTime,
    );
    if (other === undefined) return;
    throw new BlocksError(
      "BLOCKS_SHIP",
      `shipping compacted block ${meta.ulid} is blocked; overlap spotted: [${meta.minTime}, ${meta.maxTime}) with block ${other.ulid} [${other.minTime}, ${other.maxTime})`,
      { id: meta.ulid, other: other.ulid },
    );
  }

  async #read(signal: AbortSignal): Promise<BlockMeta[]> {
    const metas: BlockMeta[] = [];
    for await (const { name } of this.#bucket.iter("", {}, signal)) {
      const id = blockIdOf(name);
      if (id === undefined) continue;
      let data: Uint8Array;
      try {
        data = await this.#bucket.get(`${id}/meta.json`, signal);
      } catch (error) {
        // Uploads in flight have none yet.
        if (isNotFound(error)) continue;
        throw error;
      }
      const meta = parseBlockMeta(new TextDecoder().decode(data));
      if (externalLabels(meta).key === this.#labels.key) metas.push(meta);
    }
    return metas;
  }

  /** A block that was uploaded meanwhile. */
  add(meta: BlockMeta): void {
    this.#known?.push(meta);
  }
}
