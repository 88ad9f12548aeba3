// AssemblyScript: checksums and copies of bytes that lie in this module's memory. The memory is imported; its first
// 32 KiB are the module's own. Built by tools/assembly.mjs; the twins in TypeScript are src/crc32c.ts and xxhash-wasm.

/** Sixteen tables of 256 words, one for each byte of a step. They lie at 0: the loads of `crc32c` name their places. */
const tables: usize = 0;
/** Where `xxhash64` leaves its result. */
const result: usize = 16384;

/** Fills the tables. To be called once. */
export function init(): void {
  for (let i: u32 = 0; i < 256; i++) {
    let crc = i;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    store<u32>(tables + (i << 2), crc);
  }
  for (let i: u32 = 256; i < 4096; i++) {
    const before = load<u32>(tables + ((i - 256) << 2));
    store<u32>(tables + (i << 2), (before >>> 8) ^ load<u32>(tables + ((before & 255) << 2)));
  }
}

/**
 * CRC-32C of `length` bytes at `from`, sixteen a step. What does not need the sum so far is looked up and joined first, so
 * that a step waits for one look and two joins of the step before.
 */
export function crc32c(from: usize, length: u32): u32 {
  let crc: u32 = 0xffffffff;
  let at = from;
  const end = from + length;
  for (; at + 16 <= end; at += 16) {
    const b = load<u32>(at, 4);
    const c = load<u32>(at, 8);
    const d = load<u32>(at, 12);
    const last =
      load<u32>((d & 255) << 2, 3072) ^
      load<u32>((d >>> 6) & 1020, 2048) ^
      (load<u32>((d >>> 14) & 1020, 1024) ^ load<u32>((d >>> 22) & 1020, 0));
    const third =
      load<u32>((c & 255) << 2, 7168) ^
      load<u32>((c >>> 6) & 1020, 6144) ^
      (load<u32>((c >>> 14) & 1020, 5120) ^ load<u32>((c >>> 22) & 1020, 4096));
    const second =
      load<u32>((b & 255) << 2, 11264) ^
      load<u32>((b >>> 6) & 1020, 10240) ^
      (load<u32>((b >>> 14) & 1020, 9216) ^ load<u32>((b >>> 22) & 1020, 8192));
    const a = load<u32>(at) ^ crc;
    crc =
      last ^
      third ^
      second ^
      load<u32>((a & 255) << 2, 15360) ^
      (load<u32>((a >>> 6) & 1020, 14336) ^
        (load<u32>((a >>> 14) & 1020, 13312) ^ load<u32>((a >>> 22) & 1020, 12288)));
  }
  for (; at + 4 <= end; at += 4) {
    const a = load<u32>(at) ^ crc;
    crc =
      load<u32>((a & 255) << 2, 3072) ^
      load<u32>((a >>> 6) & 1020, 2048) ^
      (load<u32>((a >>> 14) & 1020, 1024) ^ load<u32>((a >>> 22) & 1020, 0));
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ load<u32>(((crc ^ load<u8>(at)) & 255) << 2);
  return ~crc;
}

const prime1: u64 = 0x9e3779b185ebca87;
const prime2: u64 = 0xc2b2ae3d27d4eb4f;
const prime3: u64 = 0x165667b19e3779f9;
const prime4: u64 = 0x85ebca77c2b2ae63;
const prime5: u64 = 0x27d4eb2f165667c5;

function round(sum: u64, input: u64): u64 {
  return rotl<u64>(sum + input * prime2, 31) * prime1;
}

function merged(hash: u64, sum: u64): u64 {
  return (hash ^ round(0, sum)) * prime1 + prime4;
}

/** XXH64 with seed 0 of `length` bytes at `from`; the result is left at byte 16384, low word first. */
export function xxhash64(from: usize, length: u32): void {
  let at = from;
  const end = from + length;
  let hash: u64;
  if (length >= 32) {
    let a: u64 = prime1 + prime2;
    let b: u64 = prime2;
    let c: u64 = 0;
    let d: u64 = 0 - prime1;
    for (; at + 32 <= end; at += 32) {
      a = round(a, load<u64>(at));
      b = round(b, load<u64>(at, 8));
      c = round(c, load<u64>(at, 16));
      d = round(d, load<u64>(at, 24));
    }
    hash = rotl<u64>(a, 1) + rotl<u64>(b, 7) + rotl<u64>(c, 12) + rotl<u64>(d, 18);
    hash = merged(merged(merged(merged(hash, a), b), c), d);
  } else hash = prime5;
  hash += <u64>length;
  for (; at + 8 <= end; at += 8)
    hash = rotl<u64>(hash ^ round(0, load<u64>(at)), 27) * prime1 + prime4;
  if (at + 4 <= end) {
    hash = rotl<u64>(hash ^ (<u64>load<u32>(at) * prime1), 23) * prime2 + prime3;
    at += 4;
  }
  for (; at < end; at++) hash = rotl<u64>(hash ^ (<u64>load<u8>(at) * prime5), 11) * prime1;
  hash = (hash ^ (hash >> 33)) * prime2;
  hash = (hash ^ (hash >> 29)) * prime3;
  store<u64>(result, hash ^ (hash >> 32));
}

/** Copies `length` bytes. */
export function copy(to: usize, from: usize, length: u32): void {
  memory.copy(to, from, length);
}
