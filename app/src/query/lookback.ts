// How far back an instant selector looks when data may be downsampled.

const resolutionsMs = [0, 5 * 60_000, 3_600_000];

/** The lookback for data of up to `maxResolutionMs`; 0 is the engine's own. `baseMs` is what the flag says, 0 for none. */
export function lookbackFor(baseMs: number, dynamic: boolean, maxResolutionMs: number): number {
  if (!dynamic) return baseMs;
  for (let i = resolutionsMs.length - 1; i >= 1; i--) {
    const below = Math.max(resolutionsMs[i - 1]!, baseMs);
    if (below < maxResolutionMs) return Math.max(baseMs, resolutionsMs[i]!);
  }
  return baseMs;
}
