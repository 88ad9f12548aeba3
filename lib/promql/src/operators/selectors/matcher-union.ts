// Several selectors as one request, and which series of its answer belong to each of them.
import {
  type LabelBytes,
  Matcher,
  quoteRegex,
  type SampleColumns,
  type SeriesBatch,
} from "@deucalion/model";
import { LabelDecoder } from "./label-decoder.ts";
import { matchersKey } from "./matchers-key.ts";

/** The metric that matchers name, or null if they do not name one. */
export function metricOf(matchers: readonly Matcher[]): string | null {
  const named = matchers.find(
    ({ type, name, value }) => name === "__name__" && type === "=" && value !== "",
  );
  return named?.value ?? null;
}

/** A selector without its metric. */
interface Alternative {
  readonly index: number;
  readonly matchers: readonly Matcher[];
}

/** The alternatives of one metric, by the value of a label that all of them name if there is one. */
interface Metric {
  readonly label: string;
  readonly byValue: ReadonlyMap<string, readonly Alternative[]>;
}

/** Which series of a batch each alternative has. */
export type Picks = readonly (readonly number[])[];

/** Made of lists of matchers, each of which names a metric. Equal lists are one. */
export class MatcherUnion {
  /** What every series has. */
  readonly matchers: readonly Matcher[];
  readonly anyOf: readonly (readonly Matcher[])[];
  readonly #keys = new Map<string, number>();
  readonly #metrics = new Map<string, Metric>();
  readonly #picks = new WeakMap<SeriesBatch, Picks>();
  readonly #decoder = new LabelDecoder();

  constructor(lists: Iterable<readonly Matcher[]>) {
    const anyOf: (readonly Matcher[])[] = [];
    const byMetric = new Map<string, Alternative[]>();
    for (const matchers of lists) {
      const key = matchersKey(matchers);
      if (this.#keys.has(key)) continue;
      const index = anyOf.push(matchers) - 1;
      this.#keys.set(key, index);
      const metric = metricOf(matchers)!;
      const rest = matchers.filter(
        ({ type, name, value }) => name !== "__name__" || type !== "=" || value !== metric,
      );
      const known = byMetric.get(metric);
      if (known === undefined) byMetric.set(metric, [{ index, matchers: rest }]);
      else known.push({ index, matchers: rest });
    }
    for (const [name, alternatives] of byMetric) this.#metrics.set(name, sorted(alternatives));
    const names = [...byMetric.keys()];
    this.matchers = [
      names.length === 1
        ? new Matcher("=", "__name__", names[0]!)
        : new Matcher("=~", "__name__", names.map(quoteRegex).join("|")),
    ];
    this.anyOf = anyOf;
  }

  /** Whether it was made of this list among others. */
  has(matchers: readonly Matcher[]): boolean {
    return this.#keys.has(matchersKey(matchers));
  }

  /** Out of batches of the union the series of a list that it was made of. */
  async *only(
    matchers: readonly Matcher[],
    batches: AsyncIterable<SeriesBatch>,
  ): AsyncGenerator<SeriesBatch> {
    const index = this.#keys.get(matchersKey(matchers))!;
    for await (const batch of batches) {
      const series = this.#picksOf(batch)[index]!;
      if (series.length > 0) yield new PickedBatch(batch, series);
    }
  }

  #picksOf(batch: SeriesBatch): Picks {
    const known = this.#picks.get(batch);
    if (known !== undefined) return known;
    const picks: number[][] = this.anyOf.map(() => []);
    for (let i = 0; i < batch.seriesCount; i++) {
      const labels = this.#decoder.decode(batch.labels(i), false);
      const metric = this.#metrics.get(labels.get("__name__"));
      if (metric === undefined) continue;
      const value = metric.label === "" ? "" : labels.get(metric.label);
      for (const { index, matchers } of metric.byValue.get(value) ?? [])
        if (matchers.every((one) => one.matches(labels.get(one.name)))) picks[index]!.push(i);
    }
    this.#picks.set(batch, picks);
    return picks;
  }
}

/** Puts alternatives by that label which tells most of them apart. */
function sorted(alternatives: readonly Alternative[]): Metric {
  let best: Metric = { label: "", byValue: new Map([["", alternatives]]) };
  for (const { name, type } of alternatives[0]!.matchers) {
    if (type !== "=") continue;
    const byValue = new Map<string, Alternative[]>();
    let everyone = true;
    for (const alternative of alternatives) {
      const one = alternative.matchers.find(
        (matcher) => matcher.name === name && matcher.type === "=",
      );
      everyone &&= one !== undefined;
      const list = byValue.get(one?.value ?? "");
      if (list === undefined) byValue.set(one?.value ?? "", [alternative]);
      else list.push(alternative);
    }
    if (everyone && byValue.size > best.byValue.size) best = { label: name, byValue };
  }
  return best;
}

/** Some series of a batch; whoever shares the batch counts its bytes. */
class PickedBatch implements SeriesBatch {
  readonly chunks = null;
  readonly #batch: SeriesBatch;
  readonly #series: readonly number[];

  constructor(batch: SeriesBatch, series: readonly number[]) {
    this.#batch = batch;
    this.#series = series;
  }

  get seriesCount(): number {
    return this.#series.length;
  }

  labels(series: number): LabelBytes {
    return this.#batch.labels(this.#series[series]!);
  }

  samplesInto(series: number, out: SampleColumns): void {
    this.#batch.samplesInto(this.#series[series]!, out);
  }
}
