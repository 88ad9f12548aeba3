// What the `load` blocks of a script have stored, as a source of series.
import {
  type CounterResetHint,
  detectReset,
  type FloatHistogram,
  isStale,
  type Labels,
  putStale,
  SampleColumns,
  type SeriesSource,
  sameCustomBounds,
  sortByTime,
} from "@deucalion/model";
import { MemorySource } from "@deucalion/model/testing";
import { classicToCustom } from "./classic-to-custom.ts";
import type { LoadCommand, LoadedSeries } from "./script.ts";

interface StoredSeries {
  readonly labels: Labels;
  readonly samples: SampleColumns;
}

/** Grows by `load` and is emptied by `clear`. */
export class ScriptStorage {
  readonly #series = new Map<string, StoredSeries>();
  #source: SeriesSource | null = null;

  clear(): void {
    this.#series.clear();
    this.#source = null;
  }

  /** Adds the points of a block. Throws where classic histograms do not fit together. */
  load(command: LoadCommand): void {
    for (const series of command.series) this.#add(series, command.stepMs);
    if (command.customBuckets) {
      for (const { labels, points } of classicToCustom(command.series, command.stepMs)) {
        const { samples } = this.#stored(labels);
        for (const [time, histogram] of points) samples.pushHistogram(time, histogram);
      }
    }
    this.#source = null;
  }

  source(): SeriesSource {
    if (this.#source === null) {
      for (const { samples } of this.#series.values()) {
        sortByTime(samples, 0);
        storeHints(samples);
      }
      this.#source = new MemorySource(this.#series.values());
    }
    return this.#source;
  }

  #stored(labels: Labels): StoredSeries {
    let stored = this.#series.get(labels.key);
    if (stored === undefined) {
      stored = { labels, samples: new SampleColumns(16) };
      this.#series.set(labels.key, stored);
    }
    return stored;
  }

  #add({ labels, values, startOffsetsMs }: LoadedSeries, stepMs: number): void {
    const { samples } = this.#stored(labels);
    values.forEach((value, index) => {
      if (value.kind === "omitted") return;
      const time = index * stepMs;
      const offset = startOffsetsMs?.[index] ?? null;
      const startTime = offset === null ? 0 : time + offset;
      if (value.kind === "histogram") samples.pushHistogram(time, value.histogram, startTime);
      else samples.pushFloat(time, value.kind === "float" ? value.value : 0, startTime);
      if (value.kind === "stale") putStale(samples.valueBits, samples.count - 1);
    });
  }
}

/**
 * Gives histograms the hints they have after a way through chunks: "not_reset" for one that continues its chunk,
 * "unknown" for the first of a chunk, whatever was written; gauges stay gauges.
 */
function storeHints(samples: SampleColumns): void {
  const { histograms } = samples;
  if (histograms === null) return;
  let previous: FloatHistogram | undefined;
  for (let i = 0; i < samples.count; i++) {
    const histogram = histograms[i];
    if (histogram !== undefined) histograms[i] = withStoredHint(histogram, previous);
    previous = histogram;
  }
}

/** A histogram with the hint that it has once it is stored behind another sample, or as the first. */
export function withStoredHint(
  histogram: FloatHistogram,
  previous: FloatHistogram | undefined,
): FloatHistogram {
  if (histogram.counterResetHint === "gauge") return histogram;
  const follows = previous !== undefined && continues(histogram, previous);
  return { ...histogram, counterResetHint: follows ? "not_reset" : "unknown" };
}

const comparable: CounterResetHint = "unknown";

function continues(histogram: FloatHistogram, previous: FloatHistogram): boolean {
  if (previous.counterResetHint === "gauge" || histogram.counterResetHint === "reset") return false;
  if (isStale(histogram.sum)) return true;
  if (isStale(previous.sum)) return false;
  if (histogram.schema !== previous.schema) return false;
  if (histogram.zeroThreshold !== previous.zeroThreshold) return false;
  if (!sameCustomBounds(histogram.customValues, previous.customValues)) return false;
  return !detectReset({ ...histogram, counterResetHint: comparable }, previous);
}
