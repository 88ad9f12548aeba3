// The lengths of blocks that compaction makes, in milliseconds.

const hourMs = 3_600_000;

/** One hour, two hours, eight hours, two days, two weeks: levels 0 to 4. */
export const compactionRangesMs: readonly number[] = [1, 2, 8, 48, 336].map((h) => h * hourMs);

/** The ranges up to `maxLevel`; at most all of them. */
export function compactionRanges(maxLevel: number): readonly number[] {
  return compactionRangesMs.slice(0, Math.max(0, maxLevel) + 1);
}

/** Resolutions of data: as scraped, five minutes, one hour. */
export const resolutionsMs = { raw: 0, fiveMinutes: 300_000, oneHour: 3_600_000 } as const;

/** A block of raw data at least this long is downsampled to five minutes. */
export const downsampleRawRangeMs = 40 * hourMs;
/** A block of five-minute data at least this long is downsampled to one hour. */
export const downsampleFiveMinutesRangeMs = 240 * hourMs;
