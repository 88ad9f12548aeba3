// Public names of @deucalion/kernels.
export { BitReader } from "./bits/bit-reader.ts";
export { BitWriter } from "./bits/bit-writer.ts";
export type { KernelErrorCode } from "./errors.ts";
export { KernelError } from "./errors.ts";
export { formatGoFloat } from "./format-float.ts";
export { crc32c } from "./hash/crc32c.ts";
export type { Xxhash64 } from "./hash/xxhash64.ts";
export { loadXxhash64 } from "./hash/xxhash64.ts";
export { BytePool } from "./memory/byte-pool.ts";
export type { ChunkMemoryOptions, ValueColumns } from "./memory/chunk-memory.ts";
export { ChunkMemory } from "./memory/chunk-memory.ts";
export { SnappyEncoder, snappyBytesMax } from "./snappy/encode-snappy.ts";
export { decodeSnappyBlock, snappyBlockSize } from "./snappy/snappy-block.ts";
export type { FloatColumns } from "./xor/decode-xor.ts";
export { decodeXorInto } from "./xor/decode-xor.ts";
export { encodeXor, XorAppender, XorScratch } from "./xor/encode-xor.ts";
export { XorValueReader, XorValueWriter } from "./xor/xor-window.ts";
export { decodeZstd } from "./zstd/decode-zstd.ts";
