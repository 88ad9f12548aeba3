// Reads a block from front to back: is every checksum right, and is what it holds what was meant to be written?
import { setImmediate } from "node:timers/promises";
import type { Bucket } from "@deucalion/objstore";
import { BlocksError } from "../errors.ts";
import type { BlockMeta, ThanosSection } from "../meta/block-meta.ts";
import { ContentDigest } from "./content-digest.ts";
import { SourceBlock } from "./source-block.ts";
import type { SourceChunk } from "./source-chunk.ts";

const seriesEachTurn = 2048;

/** What a block holds, as read. */
export interface BlockContent {
  readonly digest: string;
  readonly series: number;
  readonly chunks: number;
  readonly samples: number;
  /** Largest series entry and chunk, estimated from neighbours as Thanos does. */
  readonly indexStats: ThanosSection["index_stats"];
}

/** Reads all of a block. Throws SourceBlockError where it is damaged. */
export async function readBlockContent(
  bucket: Bucket,
  meta: BlockMeta,
  signal: AbortSignal,
): Promise<BlockContent> {
  const options = { acceptMalformedIndex: false, windowBytes: 1 << 20 };
  const block = await SourceBlock.open(bucket, meta, options, signal);
  const { symbols } = block;
  block.useSymbols(Uint32Array.from({ length: symbols.count }, (_, i) => i));
  const digest = new ContentDigest();
  const chunks: SourceChunk[] = [];
  let seriesMax = 0;
  let chunkMax = 0;
  let previous = -1;
  for (let turn = 1; await block.next(); turn++) {
    chunks.length = 0;
    await block.chunksInto(chunks);
    digest.addSeries(block.labels, block.labelCount);
    for (const chunk of chunks) addChunk(digest, chunk);
    if (previous >= 0) seriesMax = Math.max(seriesMax, block.offset - previous);
    previous = block.offset;
    chunkMax = Math.max(chunkMax, largestGap(block.entry.refs, block.entry.chunkCount));
    if (turn % seriesEachTurn !== 0) continue;
    signal.throwIfAborted();
    await setImmediate();
  }
  return {
    digest: digest.text,
    series: digest.series,
    chunks: digest.chunks,
    samples: digest.samples,
    indexStats: {
      ...(seriesMax > 0 ? { series_max_size: seriesMax } : {}),
      ...(chunkMax > 0 ? { chunk_max_size: chunkMax } : {}),
    },
  };
}

function addChunk(digest: ContentDigest, chunk: SourceChunk): void {
  const { data, frameEnd } = chunk;
  const checksum =
    (data[frameEnd - 4]! << 24) |
    (data[frameEnd - 3]! << 16) |
    (data[frameEnd - 2]! << 8) |
    data[frameEnd - 1]!;
  digest.addChunk(chunk.minTime, chunk.maxTime, checksum, chunk.sampleCount);
}

/** The last two chunks are left out, as Thanos leaves them out. */
function largestGap(refs: Float64Array, count: number): number {
  let largest = 0;
  for (let i = 0; i < count - 2; i++) {
    const gap = refs[i + 1]! - refs[i]!;
    if (Math.floor(refs[i]! / 4294967296) !== Math.floor(refs[i + 1]! / 4294967296)) continue;
    largest = Math.max(largest, gap);
  }
  return largest;
}

/** Reads the block back and compares it with what was written. Throws BLOCKS_RESULT. */
export async function verifyWritten(
  bucket: Bucket,
  meta: BlockMeta,
  digest: string,
  signal: AbortSignal,
): Promise<BlockContent> {
  const content = await readBlockContent(bucket, meta, signal);
  if (content.digest === digest) return content;
  throw new BlocksError("BLOCKS_RESULT", `block ${meta.ulid} does not read back as written`, {
    block: meta.ulid,
    want: digest,
    got: content.digest,
  });
}
