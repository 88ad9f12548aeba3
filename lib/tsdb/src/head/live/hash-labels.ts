// A hash of label bytes for the table of series: four bytes a step, not for anything that leaves the process.

/** 32 bits, unsigned. */
export function hashLabels(data: Uint8Array, start: number, end: number): number {
  let hash = (end - start) ^ 0x2f0b4a27;
  let at = start;
  for (const stop = end - 3; at < stop; at += 4) {
    const word = data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24);
    hash = Math.imul(hash ^ word, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  for (; at < end; at++) hash = Math.imul(hash ^ data[at]!, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
