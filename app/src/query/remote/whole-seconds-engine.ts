// Evaluates at whole seconds, as the protocol between queriers has them.
import type { SeriesSource } from "@deucalion/model";
import type { Engine, QueryOptions, QueryResult } from "@deucalion/promql";

function truncated(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}

/** Cuts start, end and the time of instant queries down to seconds. A step that is not whole stays: it is evaluated here. */
export class WholeSecondsEngine implements Pick<Engine, "instant" | "range"> {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  instant(
    query: string,
    source: SeriesSource,
    timeMs: number,
    options: QueryOptions = {},
  ): Promise<QueryResult> {
    return this.#engine.instant(query, source, truncated(timeMs), options);
  }

  range(
    query: string,
    source: SeriesSource,
    startMs: number,
    endMs: number,
    stepMs: number,
    options: QueryOptions = {},
  ): Promise<QueryResult> {
    if (stepMs % 1000 !== 0) {
      return this.#engine.range(query, source, startMs, endMs, stepMs, options);
    }
    return this.#engine.range(query, source, truncated(startMs), truncated(endMs), stepMs, options);
  }
}
