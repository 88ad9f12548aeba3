// Public names of @deucalion/kernels.
export { BitReader } from "./bit-reader.ts";
export { BitWriter } from "./bit-writer.ts";
export { BytePool } from "./byte-pool.ts";
export type { ChunkMemoryOptions, ValueColumns } from "./chunk-memory.ts";
export { ChunkMemory } from "./chunk-memory.ts";
export { crc32c } from "./crc32c.ts";
export type { FloatColumns } from "./decode-xor.ts";
export { decodeXorInto } from "./decode-xor.ts";
export { SnappyEncoder, snappyBytesMax } from "./encode-snappy.ts";
export { encodeXor, XorAppender, XorScratch } from "./encode-xor.ts";
export type { KernelErrorCode } from "./errors.ts";
export { KernelError } from "./errors.ts";
export { formatGoFloat } from "./format-float.ts";
export { decodeSnappyBlock, snappyBlockSize } from "./snappy-block.ts";
export { XorValueReader, XorValueWriter } from "./xor-window.ts";
export type { Xxhash64 } from "./xxhash64.ts";
export { loadXxhash64 } from "./xxhash64.ts";
export { decodeZstd } from "./zstd/decode-zstd.ts";
