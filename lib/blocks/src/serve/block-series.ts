// The answer of one block to a query: chunk columns, ordered by labels, in pieces of bounded size.

import type { Xxhash64 } from "@deucalion/kernels";
import { Aggregate, type ChunkColumns, type SeriesRequest } from "@deucalion/model";
import type { Bucket } from "@deucalion/objstore";
import type { IndexCache } from "../cache/index-cache.ts";
import type { IndexHeader } from "../index-header/index-header.ts";
import { BlockIo } from "./block-io.ts";
import { blockRows, type OrderedRows } from "./block-rows.ts";
import type { BucketBlock } from "./bucket-block.ts";
import type { CallBudget } from "./call-budget.ts";
import { type ChunkFetch, chunkColumns, labelColumns } from "./fetch-chunks.ts";
import type { LabelMemos } from "./label-memo.ts";
import type { CallBuffers } from "./read-buffers.ts";
import type { ServeOptions } from "./serve-options.ts";
import { shardAccept } from "./shard-accept.ts";

/** Chunks of one piece: each may need a read, and a piece numbers its buffers with 16 bits. */
const pieceChunksMax = 30_000;
/** Series of one piece without chunks. */
const pieceSeriesMax = 4096;

export interface BlockCall {
  readonly bucket: Bucket;
  readonly indexCache?: IndexCache | undefined;
  readonly budget: CallBudget;
  readonly options: ServeOptions;
  readonly xxhash: Xxhash64;
  readonly memos: LabelMemos;
  readonly buffers: CallBuffers;
  readonly signal: AbortSignal;
  /** Chunk bytes of one piece; asked for each, since it depends on what else is going on. */
  readonly pieceBytes: () => number;
  /** Told what is damaged; may throw. */
  readonly damaged: (message: string) => void;
}

/** Yields series of `block`, ordered by labels. `matchers` of the request must be those left for the series. */
export async function* blockSeries(
  block: BucketBlock,
  header: IndexHeader,
  request: SeriesRequest,
  call: BlockCall,
): AsyncGenerator<ChunkColumns> {
  const { budget, options, damaged } = call;
  const io = new BlockIo(call.bucket, block.id, budget, call.signal, call.indexCache);
  const stats = block.meta.thanos.index_stats;
  const source = {
    io,
    indexVersion: header.indexVersion,
    seriesEnd: header.postings.allPostings().start,
    damaged,
  };
  const bytesGuess = Math.min(
    options.chunkBytesGuess,
    stats.chunk_max_size || options.chunkBytesGuess,
  );
  const rows = blockRows(
    {
      minTime: request.minTime,
      maxTime: request.maxTime,
      matchers: request.matchers,
      anyOf: request.anyOf,
      external: block.labels,
      without: new Set(request.withoutReplicaLabels ?? []),
      accept: shardAccept(request.shard, call.xxhash),
      limit: request.limit ?? 0,
    },
    {
      header,
      source,
      memo: call.memos.of(block.id, header.symbols),
      budget,
      options,
      seriesBytesMax: stats.series_max_size ?? 0,
      chunkBytesGuess: bytesGuess,
    },
  );
  const fetch: ChunkFetch = {
    io,
    buffers: call.buffers,
    budget,
    options,
    bytesGuess,
    aggregates: (request.aggregates ?? []).filter((aggregate) => aggregate !== Aggregate.raw),
    damaged,
  };
  for await (const some of rows) {
    call.signal.throwIfAborted();
    if (request.skipChunks === true) {
      for (let from = 0; from < some.order.length; from += pieceSeriesMax) {
        const to = Math.min(from + pieceSeriesMax, some.order.length);
        yield labelColumns(some.rows, some.order, from, to);
      }
      continue;
    }
    for (let from = 0; from < some.order.length; ) {
      const to = pieceEnd(some, from, call.pieceBytes(), options.gapBytes);
      const columns = await chunkColumns(some.rows, some.order, from, to, fetch);
      if (columns.seriesCount > 0) yield columns;
      from = to;
    }
  }
}

/** How many series, from `from` on, need about `bytesMax` to be read, gaps between their chunks included; at least one. */
function pieceEnd(
  { rows, order }: OrderedRows,
  from: number,
  bytesMax: number,
  gapMax: number,
): number {
  let bytes = 0;
  let chunks = 0;
  let to = from;
  let lastEnd = Number.POSITIVE_INFINITY;
  while (to < order.length) {
    const row = order[to]!;
    for (let c = rows.first[row]!; c < rows.first[row + 1]!; c++) {
      const ref = rows.ref[c]!;
      // The last chunk of a series ends where the next series' chunk begins, or at a gap: it counts as a part of that.
      const end = rows.refEnd[c]! || ref + 1;
      const gap = ref - lastEnd;
      bytes += end - ref + (gap > 0 && gap <= gapMax ? gap : 0);
      lastEnd = end;
      chunks++;
    }
    if (to > from && (bytes > bytesMax || chunks > pieceChunksMax)) break;
    to++;
  }
  return to;
}
