// When a group is evaluated: each has its own place within the interval, so that groups spread.
import type { Xxhash64 } from "@deucalion/kernels";

/** What names a group among all: group names repeat in other files. */
export function groupKey(file: string, name: string): string {
  return `${file};${name}`;
}

/** The place of a group within its interval, in ms: Prometheus' hash of its file and name as labels. */
export function groupOffsetMs(
  file: string,
  name: string,
  intervalMs: number,
  hash: Xxhash64,
): number {
  const separator = Buffer.of(0xff);
  const parts = ["file", file, "name", name].flatMap((text) => [Buffer.from(text), separator]);
  hash.hash(Buffer.concat(parts));
  const wide = (BigInt(hash.high) << 32n) | BigInt(hash.low);
  return Number((wide % (BigInt(intervalMs) * 1_000_000n)) / 1_000_000n);
}

/** The last evaluation time of a group at or before `nowMs`. */
export function slotBefore(nowMs: number, offsetMs: number, intervalMs: number): number {
  const since = (((nowMs - offsetMs) % intervalMs) + intervalMs) % intervalMs;
  return nowMs - since;
}
