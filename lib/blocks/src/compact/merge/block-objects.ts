// The objects of one block in a bucket, and ranges of them.
import type { Bucket } from "@deucalion/objstore";
import type { RangeReader } from "@deucalion/tsdb";
import { BlocksError } from "../../errors.ts";

/** What belongs to a block, by its own names (`index`, `chunks/000001`, …), with sizes in bytes. */
export type BlockObjects = ReadonlyMap<string, number>;

/** Lists a block's objects; asks for sizes where the listing does not have them. */
export async function listBlockObjects(
  bucket: Bucket,
  id: string,
  signal: AbortSignal,
): Promise<BlockObjects> {
  const objects = new Map<string, number>();
  for await (const entry of bucket.iter(`${id}/`, { recursive: true }, signal)) {
    const { size } = entry.attributes ?? (await bucket.attributes(entry.name, signal));
    objects.set(entry.name.slice(id.length + 1), size);
  }
  return objects;
}

/** Names of the chunk segments, in order. */
export function segmentNames(objects: BlockObjects): string[] {
  return [...objects.keys()].filter((name) => /^chunks\/\d{6,}$/.test(name)).sort();
}

/** An object as a range reader, into memory of `allocate` where that is given. A short answer is an error. */
export function objectRanges(
  bucket: Bucket,
  name: string,
  size: number,
  signal: AbortSignal,
  allocate?: (length: number) => Uint8Array,
): RangeReader {
  return {
    size,
    read: async (offset, length) => {
      if (offset < 0 || length < 0 || offset + length > size) {
        const text = `range ${offset}+${length} of ${name} (${size} bytes)`;
        throw new BlocksError("BLOCKS_INDEX", text, { name, offset, length, size });
      }
      if (length === 0) return new Uint8Array(0);
      const data = await bucket.getRange(name, offset, length, signal, allocate);
      if (data.length === length) return data;
      const text = `${name} became shorter while it was read`;
      throw new BlocksError("BLOCKS_INDEX", text, { name, offset, want: length, got: data.length });
    },
  };
}
