// What the runner needs of an engine.
import type { FloatHistogram, Labels, SeriesSource } from "@deucalion/model";

export interface VectorSample {
  readonly labels: Labels;
  readonly timeMs: number;
  readonly value: number;
  readonly histogram?: FloatHistogram | undefined;
}

export interface MatrixSeries {
  readonly labels: Labels;
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly histograms: readonly (FloatHistogram | undefined)[] | null;
}

export type QueryValue =
  | { readonly type: "scalar"; readonly timeMs: number; readonly value: number }
  | { readonly type: "string"; readonly timeMs: number; readonly value: string }
  | { readonly type: "vector"; readonly samples: readonly VectorSample[] }
  | { readonly type: "matrix"; readonly series: readonly MatrixSeries[] };

export interface QueryResult {
  readonly value: QueryValue;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
}

/** Errors are thrown with the text that scripts compare. */
export interface QueryEngine {
  instant(query: string, source: SeriesSource, timeMs: number): Promise<QueryResult>;
  range(
    query: string,
    source: SeriesSource,
    startMs: number,
    endMs: number,
    stepMs: number,
  ): Promise<QueryResult>;
}
