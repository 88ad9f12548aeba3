// AssemblyScript: checksums and copies of bytes that lie in this module's memory. The memory is imported; its first
// 32 KiB are the module's own. Built by tools/assembly.mjs; the twins in TypeScript are src/crc32c.ts and xxhash-wasm.

/** Sixteen tables of 256 words, one for each byte of a step. */
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

function entry(offset: usize, word: u64, shift: u64): u32 {
  return load<u32>(tables + offset + <usize>(((word >> shift) & 255) << 2));
}

/** CRC-32C of `length` bytes at `from`, sixteen a step. */
export function crc32c(from: usize, length: u32): u32 {
  let crc: u32 = 0xffffffff;
  let at = from;
  const end = from + length;
  for (; at + 16 <= end; at += 16) {
    const a = load<u64>(at) ^ <u64>crc;
    const b = load<u64>(at, 8);
    crc =
      entry(15360, a, 0) ^
      entry(14336, a, 8) ^
      entry(13312, a, 16) ^
      entry(12288, a, 24) ^
      entry(11264, a, 32) ^
      entry(10240, a, 40) ^
      entry(9216, a, 48) ^
      entry(8192, a, 56) ^
      entry(7168, b, 0) ^
      entry(6144, b, 8) ^
      entry(5120, b, 16) ^
      entry(4096, b, 24) ^
      entry(3072, b, 32) ^
      entry(2048, b, 40) ^
      entry(1024, b, 48) ^
      entry(0, b, 56);
  }
  for (; at < end; at++)
    crc = (crc >>> 8) ^ load<u32>(tables + (((crc ^ load<u8>(at)) & 255) << 2));
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
