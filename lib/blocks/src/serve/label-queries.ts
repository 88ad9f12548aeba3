// Label names and values of one block.

import type { LabelRequest, Matcher } from "@deucalion/model";
import { compareStrings, decodeText } from "@deucalion/model";
import { eachLimited } from "../each-limited.ts";
import type { IndexHeader } from "../index-header/index-header.ts";
import { BlockIo } from "./block-io.ts";
import type { BlockCall } from "./block-series.ts";
import type { BucketBlock } from "./bucket-block.ts";
import { EntryFilter } from "./entry-filter.ts";
import { entriesEnd, postingScale, readEntries } from "./read-entries.ts";
import { selectPostings } from "./select-postings.ts";

/** Names of labels, external ones included. `matchers` are those left for the series; none: all of the block. */
export async function blockLabelNames(
  block: BucketBlock,
  header: IndexHeader,
  matchers: readonly Matcher[],
  request: LabelRequest,
  call: BlockCall,
): Promise<Set<string>> {
  const names = new Set<string>();
  if (matchers.length === 0) for (const name of header.postings.labelNames()) names.add(name);
  else {
    const symbols = new Set<number>();
    const matched = await eachEntry(block, header, matchers, request, call, (labels, count) => {
      for (let i = 0; i < 2 * count; i += 2) symbols.add(labels[i]!);
    });
    if (matched === 0) return names;
    for (const symbol of symbols) names.add(symbolText(header, symbol));
  }
  for (const [name] of block.labels) names.add(name);
  for (const name of request.withoutReplicaLabels ?? []) names.delete(name);
  return names;
}

/** Values of label `name`. An external label of that name has only its own. */
export async function blockLabelValues(
  block: BucketBlock,
  header: IndexHeader,
  name: string,
  matchers: readonly Matcher[],
  request: LabelRequest,
  call: BlockCall,
): Promise<Set<string>> {
  const values = new Set<string>();
  if (request.withoutReplicaLabels?.includes(name) === true) return values;
  const external = block.labels.get(name);
  if (matchers.length === 0) {
    if (external !== "") return values.add(external);
    for (const value of header.postings.labelValues(name)) values.add(value);
    return values;
  }
  const nameSymbols = new Map<number, boolean>();
  const symbols = new Set<number>();
  const matched = await eachEntry(block, header, matchers, request, call, (labels, count) => {
    if (external !== "") return;
    for (let i = 0; i < 2 * count; i += 2) {
      let is = nameSymbols.get(labels[i]!);
      if (is === undefined) {
        is = symbolText(header, labels[i]!) === name;
        nameSymbols.set(labels[i]!, is);
      }
      if (is) symbols.add(labels[i + 1]!);
    }
  });
  if (external !== "" && matched > 0) values.add(external);
  for (const symbol of symbols) values.add(symbolText(header, symbol));
  return values;
}

/** Sorted union of what blocks gave, cut to `limit` (0: all). */
export function sortedUnion(sets: readonly ReadonlySet<string>[], limit: number): string[] {
  const all = new Set<string>();
  for (const set of sets) for (const text of set) all.add(text);
  const sorted = [...all].sort(compareStrings);
  return limit > 0 ? sorted.slice(0, limit) : sorted;
}

/** Runs `work` over blocks, a few at once, and gives the results in order. */
export async function overBlocks<B, T>(
  blocks: readonly B[],
  limit: number,
  work: (block: B) => Promise<T | undefined>,
): Promise<T[]> {
  const results = new Array<T | undefined>(blocks.length);
  await eachLimited(blocks.entries(), limit, async ([i, block]) => {
    results[i] = await work(block);
  });
  return results.filter((result) => result !== undefined);
}

function symbolText(header: IndexHeader, symbol: number): string {
  const bytes = header.symbols.bytes(symbol);
  return decodeText(bytes, 0, bytes.length);
}

/** Visits the label symbols of each matching series with a chunk in the time range; returns how many there were. */
async function eachEntry(
  block: BucketBlock,
  header: IndexHeader,
  matchers: readonly Matcher[],
  request: LabelRequest,
  call: BlockCall,
  visit: (labels: Uint32Array, count: number) => void,
): Promise<number> {
  const { options, budget } = call;
  const io = new BlockIo(call.bucket, block.id, budget, call.signal, call.indexCache);
  const guess = block.meta.thanos.index_stats.series_max_size || options.seriesBytesGuess;
  const { postings, left } = await selectPostings(header.postings, matchers, io, options, guess);
  const filter = left.length === 0 ? undefined : new EntryFilter(header.symbols, left);
  budget.chargeSeries(postings.length);
  const source = {
    io,
    indexVersion: header.indexVersion,
    seriesEnd: header.postings.allPostings().start,
    damaged: call.damaged,
  };
  let matched = 0;
  const scale = postingScale(source.indexVersion);
  for (let from = 0; from < postings.length; ) {
    const to = entriesEnd(postings, from, options.seriesBatch, scale, guess, options);
    const some = postings.subarray(from, to);
    from = to;
    await readEntries(source, some, guess, options, (entry) => {
      if (filter !== undefined && !filter.accepts(entry)) return;
      for (let i = 0; i < entry.chunkCount; i++) {
        if (entry.minTimes[i]! > request.maxTime || entry.maxTimes[i]! < request.minTime) continue;
        matched++;
        visit(entry.labels, entry.labelCount);
        return;
      }
    });
  }
  return matched;
}
