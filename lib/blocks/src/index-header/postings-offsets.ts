// What an index-header knows about postings lists, whatever the version of the index.
import type { PostingsRanges } from "./postings-ranges.ts";

/** Called for each entry of a name: its value, and its list in [start, end). Returns false to stop. */
export type EntryVisitor = (value: string, start: number, end: number) => boolean;

/** Names, values and the byte ranges of their postings lists in the index. */
export interface PostingsOffsets {
  /** Label names, sorted. The name "" (all series) is left out. */
  labelNames(): string[];
  has(name: string): boolean;
  valueCount(name: string): number;
  /** All values of a name, sorted. */
  labelValues(name: string): string[];
  /** Visits the entries of a name whose value begins with `prefix`, in order. */
  scan(name: string, prefix: string, visit: EntryVisitor): void;
  /** Adds the lists of the given values that exist. `values` must be sorted. */
  rangesOf(name: string, values: readonly string[], out: PostingsRanges): void;
  /** The list of all series. */
  allPostings(): { start: number; end: number };
}
