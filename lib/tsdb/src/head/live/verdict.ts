// What became of a sample that was to be appended.

/** The first two are success: stored, or stored already with the same value. */
export const Verdict = {
  stored: 0,
  same: 1,
  /** Another value for a timestamp that has one. */
  duplicate: 2,
  /** Older than the newest of its series. */
  outOfOrder: 3,
  /** Older than what the head takes. */
  outOfBounds: 4,
  /** Older than the out-of-order window. */
  tooOld: 5,
} as const;
export type Verdict = (typeof Verdict)[keyof typeof Verdict];
