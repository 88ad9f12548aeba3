// What a call on a block will hold beside chunks, from its meta.json and index-header alone.
import type { Matcher, SeriesRequest } from "@deucalion/model";
import { compareStrings } from "@deucalion/model";
import type { IndexHeader } from "../index-header/index-header.ts";
import type { PostingsOffsets } from "../index-header/postings-offsets.ts";
import { PostingsRanges } from "../index-header/postings-ranges.ts";
import { mustResort } from "./block-rows.ts";
import type { BucketBlock } from "./bucket-block.ts";
import type { ServeOptions } from "./serve-options.ts";

/** Postings as they are read, decoded, and joined. */
const postingBytes = 12;
/** Columns of a series that is held: labels, offsets. */
const rowBytes = 300;
/** Columns of one of its chunks. */
const chunkRowBytes = 40;

export interface BlockEstimate {
  readonly series: number;
  readonly bytes: number;
}

/** The most that a call can hold of a block, without looking into it. */
export function roughEstimate(block: BucketBlock, request: SeriesRequest): BlockEstimate {
  const series = block.meta.stats.numSeries ?? 0;
  return { series, bytes: heldBytes(block, request, series, series) };
}

/** As in a SeriesRequest, without matchers on external labels. */
interface SelectedBy {
  readonly matchers: readonly Matcher[];
  readonly anyOf?: readonly (readonly Matcher[])[] | undefined;
}

/** As `roughEstimate`, but for the series that the matchers can leave. */
export function closeEstimate(
  block: BucketBlock,
  header: IndexHeader,
  request: SeriesRequest,
  { matchers, anyOf }: SelectedBy,
  options: ServeOptions,
): BlockEstimate {
  let series = seriesAtMost(header.postings, matchers);
  if (anyOf !== undefined) {
    let sum = 0;
    for (const list of anyOf) sum += seriesAtMost(header.postings, list);
    series = Math.min(series, sum);
  }
  const without = new Set(request.withoutReplicaLabels ?? []);
  const resort = mustResort(header, { external: block.labels, without });
  const rows = resort ? series : Math.min(series, options.seriesBatch);
  return { series, bytes: heldBytes(block, request, series, rows) };
}

function heldBytes(
  { meta }: BucketBlock,
  request: SeriesRequest,
  series: number,
  rows: number,
): number {
  const { numSeries = 0, numChunks = 0 } = meta.stats;
  const span = Math.max(1, meta.maxTime - meta.minTime);
  const from = Math.max(request.minTime, meta.minTime);
  const share = Math.min(1, Math.max(0, Math.min(request.maxTime, meta.maxTime) - from) / span);
  const chunks = request.skipChunks === true ? 0 : (numChunks / Math.max(1, numSeries)) * share;
  return series * postingBytes + rows * (rowBytes + chunks * chunkRowBytes);
}

/** The fewest series that one of the matchers for named values leaves; else all of the block. */
export function seriesAtMost(postings: PostingsOffsets, matchers: readonly Matcher[]): number {
  const all = postings.allPostings();
  let least = countOf(all.start, all.end);
  for (const matcher of matchers) {
    if (matcher.matchesEmpty || matcher.type === "!=" || matcher.type === "!~") continue;
    const values = matcher.regex === null ? [matcher.value] : matcher.regex.literals;
    if (values === null) continue;
    const ranges = new PostingsRanges();
    postings.rangesOf(matcher.name, [...new Set(values)].sort(compareStrings), ranges);
    let series = 0;
    for (let i = 0; i < ranges.count; i++) series += countOf(ranges.starts[i]!, ranges.ends[i]!);
    least = Math.min(least, series);
  }
  return least;
}

/** A list has its length, its number of entries and a checksum beside entries of 4 bytes. */
function countOf(start: number, end: number): number {
  return Math.max(0, Math.floor((end - start - 12) / 4));
}
