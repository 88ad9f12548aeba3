// Counters over downsampled chunks: resets are taken out, and the doubled last sample of a chunk carries the true end.
import type { SampleColumns } from "@deucalion/model";

/**
 * Reads `parts` one after the other and appends a counter that never falls. Within a part a sample with the time of
 * the one before it replaces the last value without being emitted; NaNs are left out; histograms pass through.
 */
export function applyCounterResets(parts: readonly SampleColumns[], out: SampleColumns): void {
  let seen = false;
  let total = 0;
  let lastValue = 0;
  let lastTime = Number.NEGATIVE_INFINITY;
  for (const part of parts) {
    for (let i = 0; i < part.count; i++) {
      const time = part.times[i]!;
      if (part.histograms?.[i] !== undefined) {
        if (time > lastTime) out.pushFrom(part, i);
        lastTime = Math.max(lastTime, time);
        continue;
      }
      const value = part.values[i]!;
      if (Number.isNaN(value) || time < lastTime) continue;
      if (time === lastTime && seen) {
        lastValue = value;
        continue;
      }
      total = seen ? total + (value >= lastValue ? value - lastValue : value) : value;
      seen = true;
      lastValue = value;
      lastTime = time;
      out.pushFloat(time, total);
    }
  }
}
