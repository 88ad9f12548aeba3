// Cuts blocks out of a head.
import type { ChunkColumns } from "@deucalion/model";
import { decodeLabels, SampleColumns } from "@deucalion/model";
import { ulid } from "ulid";
import { BlockWriter } from "../../block/block-writer.ts";
import type { BlockMeta, ThanosMeta } from "../../block/meta.ts";
import { chunkSampleCount, decodeChunkInto } from "../../chunk/decode-chunk.ts";
import { type EncodedChunk, encodeSamples, encodingOf } from "../../chunk/encode-samples.ts";
import { hasSamples, readHeadSeries } from "./chunks/head-read.ts";
import type { LiveHead } from "./live-head.ts";

export interface CutOptions {
  /** Milliseconds, [minTime, maxTime). */
  readonly minTime: number;
  readonly maxTime: number;
  /** The samples that came out of order, instead of those in order. */
  readonly outOfOrder: boolean;
  readonly now: number;
  readonly thanos?: ThanosMeta;
}

const batchSeries = 1024;

/**
 * Writes the samples of a time range as a block next to the head; null if there are none. Sync the head's folder before
 * anything is removed that the block stands for.
 */
export async function cutBlock(head: LiveHead, options: CutOptions): Promise<BlockMeta | null> {
  const { minTime, maxTime, outOfOrder } = options;
  head.readers++;
  try {
    const all = Uint32Array.from(head.table.all()).filter((series) =>
      hasSamples(head, series, minTime, maxTime - 1),
    );
    if (all.length === 0) return null;
    const series = head.order.sort(all);
    const id = ulid(options.now);
    const writer = await BlockWriter.create(head.dir, {
      ulid: id,
      minTime,
      maxTime,
      emptyTombstones: true,
      compaction: {
        level: 1,
        sources: [id],
        ...(outOfOrder ? { hints: ["from-out-of-order"] } : {}),
      },
      ...(options.thanos === undefined ? {} : { thanos: options.thanos }),
    });
    try {
      for (let at = 0; at < series.length; at += batchSeries) {
        const part = series.subarray(at, at + batchSeries);
        const columns = await readHeadSeries(head, part, {
          minTime,
          maxTime: maxTime - 1,
          skipChunks: false,
          inOrder: !outOfOrder,
          outOfOrder,
        });
        for (let i = 0; i < columns.seriesCount; i++) {
          const chunks = chunksWithin(columns, i, minTime, maxTime);
          if (chunks.length > 0) await writer.addSeries(decodeLabels(columns.labels(i)), chunks);
        }
      }
      if (writer.seriesCount === 0) {
        await writer.abandon();
        return null;
      }
      return await writer.place();
    } catch (thrown) {
      await writer.abandon().catch(() => undefined);
      throw thrown;
    }
  } finally {
    head.release();
  }
}

/** The chunks of a series; those that reach beyond the range are encoded again. */
function chunksWithin(
  columns: ChunkColumns,
  series: number,
  minTime: number,
  maxTime: number,
): EncodedChunk[] {
  const chunks: EncodedChunk[] = [];
  for (let row = columns.first[series]!; row < columns.first[series + 1]!; row++) {
    const encoding = columns.encoding[row]!;
    const buffer = columns.buffers[columns.buffer[row]!]!;
    const offset = columns.offset[row]!;
    const length = columns.length[row]!;
    const first = columns.minTime[row]!;
    const last = columns.maxTime[row]!;
    if (first >= minTime && last < maxTime) {
      const data = buffer.subarray(offset, offset + length);
      const sampleCount = chunkSampleCount(encoding, buffer, offset);
      chunks.push({ encoding, minTime: first, maxTime: last, sampleCount, data });
      continue;
    }
    const samples = new SampleColumns();
    decodeChunkInto(encoding, buffer, offset, length, samples);
    let from = 0;
    let to = samples.count;
    while (from < to && samples.times[from]! < minTime) from++;
    while (to > from && samples.times[to - 1]! >= maxTime) to--;
    chunks.push(...encodeSamples(samples, from, to, encodingOf(samples)));
  }
  return chunks;
}
