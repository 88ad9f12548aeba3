// Which series belong to a shard.
import type { Xxhash64 } from "@deucalion/kernels";
import { LabelCursor, type ShardSelector } from "@deucalion/model";
import { ByteArena } from "./byte-arena.ts";

const separator = Uint8Array.of(0xff);
const encoder = new TextEncoder();

/**
 * Tells by its label bytes whether a series is in the shard: XXH64 over name, 0xFF, value, 0xFF of the labels that take
 * part, modulo the number of shards. Undefined where there is only one.
 */
export function shardAccept(
  shard: ShardSelector | undefined,
  xxhash: Xxhash64,
): ((data: Uint8Array, start: number, end: number) => boolean) | undefined {
  if (shard === undefined || shard.total < 1) return undefined;
  const names = shard.labels.map((name) => encoder.encode(name));
  const cursor = new LabelCursor();
  const { by, index, total } = shard;
  return (data, start, end) => {
    const hashed = new ByteArena(256);
    cursor.reset({ data, start, end });
    while (cursor.next()) {
      if (isListed(names, data, cursor.nameStart, cursor.nameEnd) !== by) continue;
      hashed.copy(data, cursor.nameStart, cursor.nameEnd);
      hashed.append(separator);
      hashed.copy(data, cursor.valueStart, cursor.valueEnd);
      hashed.append(separator);
    }
    xxhash.hash(hashed.data, 0, hashed.length);
    // (high · 2^32 + low) mod total without exceeding 2^53, for totals below 2^21.
    const high = xxhash.high % total;
    return (high * (4_294_967_296 % total) + (xxhash.low % total)) % total === index;
  };
}

function isListed(
  names: readonly Uint8Array[],
  data: Uint8Array,
  start: number,
  end: number,
): boolean {
  return names.some((name) => {
    if (name.length !== end - start) return false;
    for (let i = 0; i < name.length; i++) if (name[i] !== data[start + i]) return false;
    return true;
  });
}
