// Writes a block again without what should not be in it: chunks outside of its time, chunks that are there twice,
// chunks that overlap (their samples are merged).
import { SampleColumns } from "@deucalion/model";
import type { Bucket } from "@deucalion/objstore";
import { removeDeleted } from "@deucalion/tsdb";
import type { BlockMeta } from "../../meta/block-meta.ts";
import { decodeSource, encodeMerged, type MergeCounts, mergeChunks } from "./merge-chunks.ts";
import { OutputBlock, type WrittenBlock } from "./output-block.ts";
import { SourceBlock } from "./source-block.ts";
import type { SourceChunk } from "./source-chunk.ts";

export interface RepairResult extends WrittenBlock {
  readonly counts: MergeCounts;
}

/** Samples of a chunk that reaches out of the block's time, without those outside. */
function trimmed(chunk: SourceChunk, meta: BlockMeta): SourceChunk[] {
  if (chunk.minTime >= meta.minTime && chunk.maxTime <= meta.maxTime) return [chunk];
  if (chunk.minTime >= meta.maxTime || chunk.maxTime < meta.minTime) return [];
  const samples = decodeSource(chunk, new SampleColumns());
  removeDeleted(samples, 0, [
    { minTime: Number.MIN_SAFE_INTEGER, maxTime: meta.minTime - 1 },
    { minTime: meta.maxTime, maxTime: Number.MAX_SAFE_INTEGER },
  ]);
  return samples.count === 0 ? [] : encodeMerged(samples, 65535);
}

/** Writes the repaired index and chunks to `dir`. Throws SourceBlockError where bytes are damaged. */
export async function repairBlock(
  bucket: Bucket,
  meta: BlockMeta,
  dir: string,
  signal: AbortSignal,
): Promise<RepairResult> {
  const options = { acceptMalformedIndex: true, windowBytes: 1 << 20, unchecked: true };
  const source = await SourceBlock.open(bucket, meta, options, signal);
  const { symbols } = source;
  source.useSymbols(Uint32Array.from({ length: symbols.count }, (_, i) => i));
  const texts = Array.from({ length: symbols.count }, (_, i) => symbols.text(i));
  const output = await OutputBlock.create(dir, texts);
  const counts: MergeCounts = { overlaps: 0, duplicateChunks: 0, conflicts: 0 };
  try {
    while (await source.next()) {
      signal.throwIfAborted();
      const found: SourceChunk[] = [];
      await source.chunksInto(found);
      // Each chunk is a source of its own, in whatever order they came.
      const runs = found
        .flatMap((chunk) => trimmed(chunk, meta))
        .map((chunk) => ({ chunks: [chunk], replica: "" }));
      const chunks: SourceChunk[] = [];
      if (runs.length > 0) mergeChunks(runs, "", false, counts, chunks);
      if (chunks.length > 0) await output.addSeries(source.labels, source.labelCount, chunks);
    }
    return { ...(await output.finish()), counts };
  } catch (thrown) {
    await output.abandon();
    throw thrown;
  }
}
