// What the API needs of an engine; lib/promql's Engine has this shape.
import type { FloatHistogram, Labels, SeriesSource } from "@deucalion/model";

/** One series of a range result. Times in ms, ascending. */
export interface ResultSeries {
  readonly labels: Labels;
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly histograms: readonly (FloatHistogram | undefined)[] | null;
}

/** One series of an instant result. */
export interface ResultSample {
  readonly labels: Labels;
  readonly timeMs: number;
  readonly value: number;
  readonly histogram?: FloatHistogram | undefined;
}

export type ResultValue =
  | { readonly type: "scalar"; readonly timeMs: number; readonly value: number }
  | { readonly type: "string"; readonly timeMs: number; readonly value: string }
  | { readonly type: "vector"; readonly samples: readonly ResultSample[] }
  | { readonly type: "matrix"; readonly series: readonly ResultSeries[] };

/** What a query cost. */
export interface ResultStats {
  readonly samplesTotal: number;
  readonly peakSamples: number;
}

export interface EngineResult {
  readonly value: ResultValue;
  /** Warnings, then infos, in Prometheus' words ("PromQL warning: … (1:5)"). */
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  readonly stats: ResultStats;
}

/** Bytes that the queries of a process share. */
export interface SharedBytes {
  take(bytes: number): boolean;
  readonly maxBytes: number;
}

export interface EngineQuery {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** 0 is the engine's own. */
  readonly lookbackMs: number;
  readonly tenant: string;
  readonly byteBudget: SharedBytes;
}

/** Evaluates queries. Throws PromqlError. */
export interface EnginePort {
  instant(
    query: string,
    source: SeriesSource,
    timeMs: number,
    options: EngineQuery,
  ): Promise<EngineResult>;
  range(
    query: string,
    source: SeriesSource,
    startMs: number,
    endMs: number,
    stepMs: number,
    options: EngineQuery,
  ): Promise<EngineResult>;
}
