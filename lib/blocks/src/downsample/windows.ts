// Windows of downsampling, and how many chunks a series should become.

/** Milliseconds between samples that raw data is taken to have, for the size of chunks only. */
export const assumedRawStepMs = 60_000;
/** Most samples a chunk should have in the mean. */
const chunkSamplesMax = 140;

/** The last millisecond of the window that `time` falls into. */
export function windowEnd(time: number, resolutionMs: number): number {
  return time - (time % resolutionMs) + resolutionMs - 1;
}

/**
 * Chunks to make of `count` samples within [minTime, maxTime]: as many as keep them under 140 samples, given how much
 * of the time is covered at the input's step.
 */
export function targetChunkCount(
  minTime: number,
  maxTime: number,
  inputStepMs: number,
  resolutionMs: number,
  count: number,
): number {
  const fullness = Math.min(1, count / ((maxTime - minTime) / inputStepMs));
  const most = Math.trunc((maxTime - minTime) / resolutionMs);
  const expected = Math.trunc(most * fullness) + 1;
  let chunks = 1;
  while (Math.trunc(expected / chunks) > chunkSamplesMax) chunks++;
  return chunks;
}
