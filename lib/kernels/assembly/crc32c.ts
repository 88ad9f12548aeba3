// CRC-32C over the module's own memory, sixteen bytes a step. Tables lie in the first 16 KiB.

/** Fills the tables; to be called once. */
export function init(): void {
  for (let i: u32 = 0; i < 256; i++) {
    let crc = i;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    store<u32>(i << 2, crc);
  }
  for (let i: u32 = 256; i < 4096; i++) {
    const before = load<u32>((i - 256) << 2);
    store<u32>(i << 2, (before >>> 8) ^ load<u32>((before & 255) << 2));
  }
}

function t(table: u32, byte: u32): u32 {
  return load<u32>((byte << 2) + (table << 10));
}

/** CRC-32C of `length` bytes at `at`. */
export function crc32c(at: u32, length: u32): u32 {
  let crc: u32 = 0xffffffff;
  const end = at + length;
  while (at + 16 <= end) {
    const a = load<u32>(at) ^ crc;
    const b = load<u32>(at, 4);
    const c = load<u32>(at, 8);
    const d = load<u32>(at, 12);
    crc =
      t(15, a & 255) ^
      t(14, (a >>> 8) & 255) ^
      t(13, (a >>> 16) & 255) ^
      t(12, a >>> 24) ^
      t(11, b & 255) ^
      t(10, (b >>> 8) & 255) ^
      t(9, (b >>> 16) & 255) ^
      t(8, b >>> 24) ^
      t(7, c & 255) ^
      t(6, (c >>> 8) & 255) ^
      t(5, (c >>> 16) & 255) ^
      t(4, c >>> 24) ^
      t(3, d & 255) ^
      t(2, (d >>> 8) & 255) ^
      t(1, (d >>> 16) & 255) ^
      t(0, d >>> 24);
    at += 16;
  }
  if (at + 8 <= end) {
    const a = load<u32>(at) ^ crc;
    const b = load<u32>(at, 4);
    crc =
      t(7, a & 255) ^
      t(6, (a >>> 8) & 255) ^
      t(5, (a >>> 16) & 255) ^
      t(4, a >>> 24) ^
      t(3, b & 255) ^
      t(2, (b >>> 8) & 255) ^
      t(1, (b >>> 16) & 255) ^
      t(0, b >>> 24);
    at += 8;
  }
  while (at < end) {
    crc = (crc >>> 8) ^ t(0, (crc ^ load<u8>(at)) & 255);
    at++;
  }
  return ~crc;
}
