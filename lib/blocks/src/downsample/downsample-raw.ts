// Raw samples of one series to downsampled chunks.
import type { WindowKernel } from "@deucalion/kernels";
import type { FloatHistogram, SampleColumns } from "@deucalion/model";
import type { SourceChunk } from "../compact/merge/source-chunk.ts";
import { aggregatedChunk, type FloatWindows } from "./float-windows.ts";
import { aggregateHistograms, encodeHistogramWindows, sameKind } from "./histogram-windows.ts";
import { assumedRawStepMs, targetChunkCount, windowEnd } from "./windows.ts";

/**
 * Appends the chunks of the samples `[0, samples.count)`, which are all floats or all histograms, without stale
 * markers. Changes `samples`.
 */
export function downsampleRaw(
  samples: SampleColumns,
  resolutionMs: number,
  windows: FloatWindows,
  kernel: WindowKernel,
  out: SourceChunk[],
): void {
  const { count, times } = samples;
  if (count === 0) return;
  const histograms = samples.histograms !== null && samples.histograms[0] !== undefined;
  const chunks = targetChunkCount(
    times[0]!,
    times[count - 1]!,
    assumedRawStepMs,
    resolutionMs,
    count,
  );
  const batchSize = Math.trunc(count / chunks) + 1;
  for (let from = 0; from < count; ) {
    let to = Math.min(from + batchSize, count);
    // A batch ends with a window.
    const end = windowEnd(times[to - 1]!, resolutionMs);
    while (to < count && times[to]! <= end) to++;
    if (histograms) histogramBatch(samples, from, to, resolutionMs, out);
    else floatBatch(samples, from, to, resolutionMs, windows, kernel, out);
    from = to;
  }
}

function floatBatch(
  samples: SampleColumns,
  from: number,
  to: number,
  resolutionMs: number,
  windows: FloatWindows,
  kernel: WindowKernel,
  out: SourceChunk[],
): void {
  const { times, values } = samples;
  const made = kernel.rawChunk(times, values, from, to, resolutionMs);
  if (made !== undefined) {
    if (made) out.push(aggregatedChunk(kernel.made));
    return;
  }
  // Samples that are not numbers are left out, in place.
  let kept = from;
  for (let i = from; i < to; i++) {
    const value = values[i]!;
    if (Number.isNaN(value)) continue;
    if (kept !== i) {
      times[kept] = times[i]!;
      values[kept] = value;
    }
    kept++;
  }
  if (kept > from) out.push(windows.encodeRaw(times, values, from, kept, resolutionMs));
}

function histogramBatch(
  samples: SampleColumns,
  from: number,
  to: number,
  resolutionMs: number,
  out: SourceChunk[],
): void {
  let times: number[] = [];
  let histograms: FloatHistogram[] = [];
  const flush = (): void => {
    if (histograms.length === 0) return;
    const gauge = histograms[0]!.counterResetHint === "gauge";
    const windows = aggregateHistograms(times, histograms, resolutionMs);
    const counters = gauge
      ? windows.counters.map((h) => ({ ...h, counterResetHint: "gauge" as const }))
      : windows.counters;
    encodeHistogramWindows({ ...windows, counters }, out);
    times = [];
    histograms = [];
  };
  for (let i = from; i < to; i++) {
    const h = samples.histograms![i]!;
    if (Number.isNaN(h.sum)) continue;
    const before = histograms.at(-1);
    if (before !== undefined && !sameKind(before, h)) flush();
    times.push(samples.times[i]!);
    histograms.push(h);
  }
  flush();
}
