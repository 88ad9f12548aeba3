// What other packages' tests may use.
export type { FolderBlock, RawSamples } from "./compaction.ts";
export { folderBlocks, liveSamples } from "./compaction.ts";
export type { RandomStream } from "./random-bucket.ts";
export { seededRandom, writeRandomBucket } from "./random-bucket.ts";
