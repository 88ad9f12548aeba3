// What a round has done so far.

/** Counts and lists that the parts of a round add to. */
export interface Tally {
  readonly failures: string[];
  compactions: number;
  downsamplings: number;
  readonly setAside: string[];
  readonly leased: string[];
}
