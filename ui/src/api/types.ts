// Shapes of the HTTP API that this app reads. They are trusted only as far as the code that reads them checks.
import type { LabelMap } from "../format/labels.ts";

/** Unix seconds and the value as text. */
export type Sample = readonly [number, string];

/** One bucket of a native histogram: boundary rule, lower, upper, count. */
export type HistogramBucket = readonly [number, string, string, string];

/** A native histogram as the API writes it. */
export interface HistogramValue {
  readonly count: string;
  readonly sum: string;
  readonly buckets?: readonly HistogramBucket[] | null;
}

/** Unix seconds and the histogram. */
export type HistogramSample = readonly [number, HistogramValue];

/** One series of an instant vector. */
export interface VectorSeries {
  readonly metric: LabelMap;
  readonly value?: Sample;
  readonly histogram?: HistogramSample;
}

/** One series of a matrix. */
export interface MatrixSeries {
  readonly metric: LabelMap;
  readonly values?: readonly Sample[];
  readonly histograms?: readonly HistogramSample[];
}

/** The data of `query` and `query_range`. */
export type QueryData =
  | { readonly resultType: "vector"; readonly result: readonly VectorSeries[] }
  | { readonly resultType: "matrix"; readonly result: readonly MatrixSeries[] }
  | { readonly resultType: "scalar"; readonly result: Sample }
  | { readonly resultType: "string"; readonly result: Sample };

/** One store as `/api/v1/endpoints` lists it; times are Unix milliseconds. */
export interface Endpoint {
  readonly address: string;
  readonly component: string;
  readonly state: "up" | "down" | "never";
  /** Null if never. */
  readonly lastCheckMs: number | null;
  readonly lastError: string | null;
  readonly labelSets: readonly LabelMap[];
  readonly minTime: number;
  readonly maxTime: number;
  readonly strict: boolean;
  readonly apis: readonly string[];
}

/** One alert instance. */
export interface AlertInstance {
  readonly labels: LabelMap;
  readonly annotations?: LabelMap;
  readonly state: string;
  readonly activeAt?: string;
  readonly value?: string;
}

/** An alerting or a recording rule. */
export interface Rule {
  readonly type: "alerting" | "recording";
  readonly name: string;
  readonly query: string;
  readonly health?: string;
  readonly lastError?: string;
  readonly evaluationTime?: number;
  readonly lastEvaluation?: string;
  readonly labels?: LabelMap;
  readonly state?: string;
  /** Seconds. */
  readonly duration?: number;
  /** Seconds. */
  readonly keepFiringFor?: number;
  readonly annotations?: LabelMap;
  readonly alerts?: readonly AlertInstance[] | null;
}

/** A group of rules; times in seconds. */
export interface RuleGroup {
  readonly name: string;
  readonly file: string;
  readonly interval?: number;
  readonly evaluationTime?: number;
  readonly lastEvaluation?: string;
  readonly partialResponseStrategy?: string;
  readonly rules: readonly Rule[] | null;
}

/** A scraped target. */
export interface ActiveTarget {
  readonly scrapePool?: string;
  readonly scrapeUrl: string;
  readonly labels: LabelMap;
  readonly discoveredLabels?: LabelMap;
  readonly lastError?: string;
  readonly lastScrape?: string;
  /** Seconds. */
  readonly lastScrapeDuration?: number;
  readonly health: string;
}
