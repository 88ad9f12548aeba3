// Series of one test group: input that appears as time goes on, and what the rules store.
import { messageOf } from "@deucalion/base";
import {
  compareLabels,
  compareStrings,
  encodeLabels,
  equalHistograms,
  formatFloatG,
  isStaleAt,
  type LabelBytes,
  type LabelRequest,
  type Labels,
  type Matcher,
  putStale,
  SampleColumns,
  type SeriesBatch,
  type SeriesRequest,
  type SeriesSource,
  type SourceInfo,
  validateHistogram,
} from "@deucalion/model";
import type { AppendRejection, AppendSample } from "@deucalion/rules";
import { parseSeriesLine, type SequenceValue } from "../promqltest/series-line.ts";
import { withStoredHint } from "../promqltest/storage.ts";

interface StoredSeries {
  readonly labels: Labels;
  readonly bytes: LabelBytes;
  readonly samples: SampleColumns;
}

interface Input {
  readonly series: StoredSeries;
  readonly values: readonly SequenceValue[];
  next: number;
}

/** A source of series that grows. Queries see samples up to the last time that was revealed, and all that was appended. */
export class TestStorage implements SeriesSource {
  readonly #series = new Map<string, StoredSeries>();
  /** Series by their metric name, for selectors that name it. */
  readonly #byName = new Map<string, StoredSeries[]>();
  readonly #inputs = new Map<string, Input>();
  readonly #startMs: number;
  readonly #intervalMs: number;

  constructor(startMs: number, intervalMs: number) {
    this.#startMs = startMs;
    this.#intervalMs = intervalMs;
  }

  /** Adds an input series; one with the same labels is replaced. Throws PROMQLTEST_SERIES. */
  load(series: string, values: string): void {
    const line = parseSeriesLine(`${series} ${values}`.trim());
    const stored = this.#stored(line.labels);
    this.#inputs.set(line.labels.key, { series: stored, values: line.values, next: 0 });
  }

  /** Stores input up to a time. */
  reveal(untilMs: number): void {
    for (const input of this.#inputs.values()) {
      const { series, values } = input;
      for (; input.next < values.length; input.next++) {
        const timeMs = this.#startMs + input.next * this.#intervalMs;
        if (timeMs > untilMs) break;
        const value = values[input.next]!;
        if (value.kind === "omitted") continue;
        if (value.kind === "histogram")
          push(series.samples, { labels: series.labels, timeMs, value: 0, ...value });
        else {
          const number = value.kind === "float" ? value.value : 0;
          const stale = value.kind === "stale";
          push(series.samples, { labels: series.labels, timeMs, value: number, stale });
        }
      }
    }
  }

  append(samples: readonly AppendSample[]): AppendRejection[] {
    const rejections: AppendRejection[] = [];
    samples.forEach((sample, index) => {
      const rejection = this.#append(sample);
      if (rejection !== null) rejections.push({ index, ...rejection });
    });
    return rejections;
  }

  #append(sample: AppendSample): Omit<AppendRejection, "index"> | null {
    const { timeMs, histogram, stale } = sample;
    if (histogram !== undefined && stale !== true) {
      try {
        validateHistogram(histogram);
      } catch (thrown) {
        return { reason: "other", message: messageOf(thrown) };
      }
    }
    const { samples: columns } = this.#stored(sample.labels);
    const last = columns.count === 0 ? -Infinity : columns.times[columns.count - 1]!;
    if (timeMs > last) push(columns, sample);
    else if (timeMs < last) return { reason: "out-of-order", message: "out of order sample" };
    else if (!sameAsLast(columns, sample))
      return { reason: "duplicate", message: duplicateText(columns, sample) };
    return null;
  }

  #stored(labels: Labels): StoredSeries {
    let stored = this.#series.get(labels.key);
    if (stored === undefined) {
      stored = { labels, bytes: encodeLabels(labels), samples: new SampleColumns(16) };
      this.#series.set(labels.key, stored);
      const name = labels.get("__name__");
      const named = this.#byName.get(name);
      if (named === undefined) this.#byName.set(name, [stored]);
      else named.push(stored);
    }
    return stored;
  }

  #select(matchers: readonly Matcher[]): StoredSeries[] {
    const name = matchers.find((one) => one.type === "=" && one.name === "__name__");
    const all = name === undefined ? this.#series.values() : (this.#byName.get(name.value) ?? []);
    return [...all]
      .filter(
        ({ labels, samples }) =>
          samples.count > 0 &&
          matchers.every((matcher) => matcher.matches(labels.get(matcher.name))),
      )
      .sort((a, b) => compareLabels(a.labels, b.labels));
  }

  async *series(request: SeriesRequest): AsyncGenerator<SeriesBatch> {
    const found = this.#select(request.matchers);
    if (found.length > 0) yield new TestBatch(found, request.minTime, request.maxTime);
  }

  async labelNames(request: LabelRequest): Promise<string[]> {
    const names = new Set<string>();
    for (const { labels } of this.#select(request.matchers))
      for (const [name] of labels) names.add(name);
    return [...names].sort(compareStrings);
  }

  async labelValues(name: string, request: LabelRequest): Promise<string[]> {
    const values = new Set(this.#select(request.matchers).map(({ labels }) => labels.get(name)));
    values.delete("");
    return [...values].sort(compareStrings);
  }

  info(): SourceInfo {
    return {
      labelSets: [],
      minTime: Number.MIN_SAFE_INTEGER,
      maxTime: Number.MAX_SAFE_INTEGER,
    };
  }
}

function push(columns: SampleColumns, { timeMs, value, histogram, stale }: AppendSample): void {
  if (histogram !== undefined && stale !== true) {
    const previous = columns.count === 0 ? undefined : columns.histograms?.[columns.count - 1];
    columns.pushHistogram(timeMs, withStoredHint(histogram, previous));
  } else {
    columns.pushFloat(timeMs, value);
    if (stale === true) putStale(columns.valueBits, columns.count - 1);
  }
}

function sameAsLast(columns: SampleColumns, { value, histogram, stale }: AppendSample): boolean {
  if (stale === true) return isStaleAt(columns.valueBits, columns.count - 1);
  const stored = columns.histograms?.[columns.count - 1];
  if (histogram !== undefined) return stored !== undefined && equalHistograms(stored, histogram);
  return stored === undefined && Object.is(columns.values[columns.count - 1], value);
}

function duplicateText(columns: SampleColumns, { timeMs, value, histogram }: AppendSample): string {
  const what = "duplicate sample for timestamp";
  // Prometheus takes the time 0 for none.
  if (histogram !== undefined || timeMs === 0) return what;
  const last = columns.count - 1;
  const existing =
    columns.histograms?.[last] === undefined
      ? formatFloatG(columns.values[last]!)
      : "is a histogram";
  return `${what} ${timeMs}; overrides not allowed: existing ${existing}, new value ${formatFloatG(value)}`;
}

/** Index of the first sample at or after a time. */
function firstAt({ times, count }: SampleColumns, timeMs: number): number {
  let from = 0;
  let to = count;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (times[middle]! < timeMs) from = middle + 1;
    else to = middle;
  }
  return from;
}

class TestBatch implements SeriesBatch {
  readonly #series: readonly StoredSeries[];
  readonly #minTime: number;
  readonly #maxTime: number;
  readonly chunks = null;

  constructor(series: readonly StoredSeries[], minTime: number, maxTime: number) {
    this.#series = series;
    this.#minTime = minTime;
    this.#maxTime = maxTime;
  }

  get seriesCount(): number {
    return this.#series.length;
  }

  labels(series: number): LabelBytes {
    return this.#series[series]!.bytes;
  }

  samplesInto(series: number, out: SampleColumns): void {
    const { samples } = this.#series[series]!;
    for (let i = firstAt(samples, this.#minTime); i < samples.count; i++) {
      if (samples.times[i]! > this.#maxTime) break;
      out.pushFrom(samples, i);
    }
  }
}
