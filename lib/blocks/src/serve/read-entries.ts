// Reads series entries of an index by their postings.
import { messageOf } from "@deucalion/base";
import { SeriesEntry, TsdbError } from "@deucalion/tsdb";
import type { BlockIo } from "./block-io.ts";
import { planReads } from "./plan-reads.ts";
import { framedEntry, knownEntries, rememberEntry } from "./remembered-entries.ts";
import type { ServeOptions } from "./serve-options.ts";

/** No series entry is longer; a length beyond it is damage, and not a reason to read half the index. */
const entryBytesMax = 16 << 20;

/** Bytes in an index that one step of a posting stands for. */
export function postingScale(indexVersion: number): number {
  return indexVersion === 1 ? 1 : 16;
}

/** What an entry of unknown length may be refetched with at first. */
const refetchBytes = 64 << 10;

/**
 * How many of `postings`, from `from` on, to read at once: at most `countMax`, and so that no more than about `bytesMax` is
 * read, the gaps between close entries included. At least one.
 */
export function entriesEnd(
  postings: Uint32Array,
  from: number,
  countMax: number,
  scale: number,
  bytesGuess: number,
  options: ServeOptions,
): number {
  const limit = Math.min(postings.length, from + countMax);
  let bytes = bytesGuess;
  let to = from + 1;
  for (; to < limit; to++) {
    const step = (postings[to]! - postings[to - 1]!) * scale;
    bytes += step <= bytesGuess + options.gapBytes ? step : bytesGuess;
    if (bytes > options.entryBytes) break;
  }
  return to;
}

export interface EntrySource {
  readonly io: BlockIo;
  readonly indexVersion: number;
  /** Where the series section of the index ends at the latest. */
  readonly seriesEnd: number;
  /** Told of each entry that cannot be read. */
  readonly damaged: (message: string) => void;
}

/**
 * Reads the entries of `postings` (ascending) in few reads and calls `visit` for each, in order. The entry is reused for
 * the next one. A damaged entry is reported and left out.
 */
export async function readEntries(
  source: EntrySource,
  postings: Uint32Array,
  bytesGuess: number,
  options: ServeOptions,
  visit: (entry: SeriesEntry) => void,
): Promise<void> {
  const { io } = source;
  const scale = postingScale(source.indexVersion);
  const known = await knownEntries(io, postings, scale);
  const missing = known === undefined ? postings : postings.filter((at) => !known.has(at * scale));
  const count = missing.length;
  const starts = new Float64Array(count);
  const ends = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const start = missing[i]! * scale;
    starts[i] = start;
    ends[i] = Math.max(start + 1, Math.min(start + bytesGuess, source.seriesEnd));
  }
  const plan = planReads(starts, ends, count, options.gapBytes, options.readBytesMax);
  const reads = await io.all(plan, (from, length) => io.index(from, length, "series"));
  const entry = new SeriesEntry();
  let next = 0;
  for (let i = 0; i < postings.length; i++) {
    const remembered = known?.get(postings[i]! * scale);
    if (remembered !== undefined) {
      entry.read(framedEntry(remembered), 0);
      visit(entry);
      continue;
    }
    const at = next++;
    const read = plan.readOf[at]!;
    try {
      const offset = starts[at]! - plan.from[read]!;
      const need = entry.read(reads[read]!, offset);
      if (need < 0) await readLong(source, entry, starts[at]!, -need);
      else if (known !== undefined) rememberEntry(io, starts[at]!, reads[read]!, offset, need);
    } catch (error) {
      if (!(error instanceof TsdbError)) throw error;
      io.cache?.forget(io.block, starts[at]!, bytesGuess);
      source.damaged(messageOf(error));
      continue;
    }
    visit(entry);
  }
}

/** Reads an entry that was longer than guessed: once more if its length was known, twice if not. */
async function readLong(
  source: EntrySource,
  entry: SeriesEntry,
  start: number,
  need: number,
): Promise<void> {
  let length = need < 32 ? refetchBytes : need;
  for (let attempt = 0; attempt < 2 && length <= entryBytesMax; attempt++) {
    const data = await source.io.index(start, length, "series");
    const got = entry.read(data, 0);
    if (got > 0) return;
    if (data.length < length) break;
    length = -got;
  }
  const message = "read series: malformed length, or the index ends too early";
  throw new TsdbError("TSDB_INDEX_DATA", message, { start, length });
}
