// Reads a block back that was just written: is it what was meant to be written, byte for byte?
import { setImmediate } from "node:timers/promises";
import { crc32 } from "node:zlib";
import type { Bucket } from "@deucalion/objstore";
import { BlocksError } from "../../errors.ts";
import type { BlockMeta, ThanosSection } from "../../meta/block-meta.ts";
import { ContentDigest } from "./content-digest.ts";
import type { WrittenBlock } from "./output-block.ts";
import { SourceBlock } from "./source-block.ts";

const seriesEachTurn = 2048;

/** What the index says. */
export interface BlockContent {
  readonly digest: string;
  readonly series: number;
  readonly chunks: number;
  /** Largest series entry and chunk, estimated from neighbours as Thanos does. */
  readonly indexStats: ThanosSection["index_stats"];
}

/** Reads the whole index, each series by its checksum. Throws SourceBlockError where it is damaged. */
export async function readIndexContent(
  bucket: Bucket,
  meta: BlockMeta,
  signal: AbortSignal,
): Promise<BlockContent> {
  const options = { acceptMalformedIndex: false, windowBytes: 1 << 19 };
  const block = await SourceBlock.open(bucket, meta, options, signal);
  const { symbols } = block;
  block.useSymbols(Uint32Array.from({ length: symbols.count }, (_, i) => i));
  const digest = new ContentDigest();
  let seriesMax = 0;
  let chunkMax = 0;
  let previous = -1;
  for (let turn = 1; await block.next(); turn++) {
    digest.addSeries(block.labels, block.labelCount);
    const { minTimes, maxTimes, refs, chunkCount } = block.entry;
    for (let i = 0; i < chunkCount; i++) digest.addChunk(minTimes[i]!, maxTimes[i]!, refs[i]!);
    if (previous >= 0) seriesMax = Math.max(seriesMax, block.offset - previous);
    previous = block.offset;
    chunkMax = Math.max(chunkMax, largestGap(refs, chunkCount));
    if (turn % seriesEachTurn !== 0) continue;
    signal.throwIfAborted();
    await setImmediate();
  }
  return {
    digest: digest.text,
    series: digest.series,
    chunks: digest.chunks,
    indexStats: {
      ...(seriesMax > 0 ? { series_max_size: seriesMax } : {}),
      ...(chunkMax > 0 ? { chunk_max_size: chunkMax } : {}),
    },
  };
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

/** Reads index and segments of a block and compares them with what was written. Throws BLOCKS_RESULT. */
export async function verifyWritten(
  bucket: Bucket,
  meta: BlockMeta,
  written: Pick<WrittenBlock, "digest" | "segments">,
  signal: AbortSignal,
): Promise<BlockContent> {
  const content = await readIndexContent(bucket, meta, signal);
  const differs = (what: string): BlocksError =>
    new BlocksError("BLOCKS_RESULT", `block ${meta.ulid} does not read back as written: ${what}`, {
      block: meta.ulid,
      what,
    });
  if (content.digest !== written.digest) throw differs("index");
  for (const { name, bytes, checksum } of written.segments) {
    let size = 0;
    let sum = 0;
    for await (const piece of bucket.stream(`${meta.ulid}/chunks/${name}`, signal)) {
      size += piece.length;
      sum = crc32(piece, sum);
    }
    if (size !== bytes || sum !== checksum) throw differs(`chunks/${name}`);
  }
  return content;
}
