// Which memcached server keeps a key: as Thanos chooses, so that both find what the other stored.
import type { Xxhash64 } from "@deucalion/kernels";

/** Orders addresses so that numbers in them count as numbers. */
export function compareNaturally(a: string, b: string): number {
  const left = a.match(/\d+|\D+/g) ?? [];
  const right = b.match(/\d+|\D+/g) ?? [];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const [x, y] = [left[i]!, right[i]!];
    if (x === y) continue;
    if (/^\d/.test(x) && /^\d/.test(y) && Number(x) !== Number(y)) return Number(x) - Number(y);
    return x < y ? -1 : 1;
  }
  return left.length - right.length;
}

/** Jump consistent hash of a 64-bit key. */
export function jumpHash(key: bigint, buckets: number): number {
  let state = key;
  let bucket = -1;
  let next = 0;
  while (next < buckets) {
    bucket = next;
    state = BigInt.asUintN(64, state * 2862933555777941757n + 1n);
    next = Math.trunc((bucket + 1) * (2 ** 31 / Number((state >> 33n) + 1n)));
  }
  return bucket;
}

const encoder = new TextEncoder();

/** Index of the server, of `count` in natural order. */
export function pickServer(hash: Xxhash64, key: string, count: number): number {
  if (count === 1) return 0;
  hash.hash(encoder.encode(key));
  return jumpHash((BigInt(hash.high >>> 0) << 32n) | BigInt(hash.low >>> 0), count);
}
