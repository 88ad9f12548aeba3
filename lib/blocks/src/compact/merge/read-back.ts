// Reads a block back that was just written: is it what was meant to be written, byte for byte?
import { setImmediate } from "node:timers/promises";
import { crc32 } from "node:zlib";
import { ChunkMemory } from "@deucalion/kernels";
import type { Bucket } from "@deucalion/objstore";
import { BlocksError } from "../../errors.ts";
import type { BlockMeta, ThanosSection } from "../../meta/block-meta.ts";
import { ContentDigest } from "./content-digest.ts";
import type { WrittenBlock } from "./output-block.ts";
import { SourceBlock } from "./source-block.ts";

const seriesEachTurn = 2048;
const windowBytes = 1 << 18;
/** Bytes of a segment that are read at once. */
const pieceBytes = 1 << 20;

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
  const memory = new ChunkMemory({ bufferBytes: windowBytes, bufferCount: 4 });
  const options = { acceptMalformedIndex: false, windowBytes, memory };
  const block = await SourceBlock.open(bucket, meta, options, signal);
  const { symbols } = block;
  block.useSymbols(Uint32Array.from({ length: symbols.count }, (_, i) => i));
  const digest = new ContentDigest();
  let seriesMax = 0;
  let chunkMax = 0;
  let previous = -1;
  for (let turn = 1; ; turn++) {
    const more = block.next();
    if (!(typeof more === "boolean" ? more : await more)) break;
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
    const { size, sum } = await sumUp(bucket, `${meta.ulid}/chunks/${name}`, signal);
    if (size !== bytes || sum !== checksum) throw differs(`chunks/${name}`);
  }
  return content;
}

/** Size and CRC-32 of an object, read in pieces into memory that is used again, one ahead. */
async function sumUp(
  bucket: Bucket,
  name: string,
  signal: AbortSignal,
): Promise<{ readonly size: number; readonly sum: number }> {
  const { size } = await bucket.attributes(name, signal);
  const buffers = [new Uint8Array(pieceBytes), new Uint8Array(pieceBytes)];
  const read = (at: number): Promise<Uint8Array> => {
    const buffer = buffers[(at / pieceBytes) % 2]!;
    const piece = bucket.getRange(name, at, pieceBytes, signal, (n) => buffer.subarray(0, n));
    // Whoever comes to this piece gets the error; nobody may.
    piece.catch(() => undefined);
    return piece;
  };
  let sum = 0;
  let next = read(0);
  for (let at = 0; at < size; at += pieceBytes) {
    const piece = await next;
    if (at + pieceBytes < size) next = read(at + pieceBytes);
    if (piece.length !== Math.min(pieceBytes, size - at)) return { size: at + piece.length, sum };
    sum = crc32(piece, sum);
  }
  return { size, sum };
}
