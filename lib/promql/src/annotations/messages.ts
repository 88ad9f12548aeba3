// Texts of annotations, in Prometheus' words; pass them to `annotations.warn` or `annotations.info`.
import { formatG } from "./annotations.ts";

function forMetric(text: string, metricName: string): string {
  return metricName === "" ? text : `${text} for metric name ${JSON.stringify(metricName)}`;
}

/** Operations on histograms that annotations name. */
export type HistogramOperation = "addition" | "subtraction" | "aggregation";

/** Texts of warnings. */
export const warnings = {
  invalidQuantile: (q: number): string =>
    `quantile value should be between 0 and 1, got ${formatG(q)}`,
  invalidRatio: (ratio: number, to: number): string =>
    `ratio value should be between -1 and 1, got ${formatG(ratio)}, capping to ${formatG(to)}`,
  badBucketLabel: (metricName: string, label: string): string =>
    forMetric(
      `bucket label "le" is missing or has a malformed value of ${JSON.stringify(label)}`,
      metricName,
    ),
  mixedFloatsHistograms: (metricName: string): string =>
    `encountered a mix of histograms and floats for metric name ${JSON.stringify(metricName)}`,
  mixedFloatsHistogramsAggregation: "encountered a mix of histograms and floats for aggregation",
  mixedClassicNative: (metricName: string): string =>
    forMetric("vector contains a mix of classic and native histograms", metricName),
  notCounter: (metricName: string): string =>
    `this native histogram metric is not a counter: ${JSON.stringify(metricName)}`,
  notGauge: (metricName: string): string =>
    `this native histogram metric is not a gauge: ${JSON.stringify(metricName)}`,
  mixedExponentialCustom: (metricName: string): string =>
    `vector contains a mix of histograms with exponential and custom buckets schemas for metric name ${JSON.stringify(metricName)}`,
  incompatibleBucketLayout: (operator: string): string =>
    `incompatible bucket layout encountered for binary operator ${operator}`,
  sortInRangeQuery:
    "sort is ineffective for range queries since results are always ordered by labels",
  counterResetCollision: (operation: HistogramOperation): string =>
    `conflicting counter resets during histogram ${operation}`,
} as const;

/** Texts of infos. */
export const infos = {
  possibleNonCounter: (metricName: string): string =>
    `metric might not be a counter, name does not end in _total/_sum/_count/_bucket: ${JSON.stringify(metricName)}`,
  possibleNonCounterLabel: (metricName: string, type: string): string =>
    `metric might not be a counter, __type__ label is not set to "counter" or "histogram", got ${JSON.stringify(type)}: ${JSON.stringify(metricName)}`,
  /** For `annotations.forcedMonotonicity`. */
  forcedMonotonicity: (metricName: string): string =>
    forMetric(
      "input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)",
      metricName,
    ),
  incompatibleTypes: (left: string, operator: string, right: string): string =>
    `incompatible sample types encountered for binary operator ${JSON.stringify(operator)}: ${left} ${operator} ${right}`,
  histogramIgnoredInAggregation: (aggregation: string): string =>
    `ignored histogram in ${aggregation} aggregation`,
  histogramIgnoredInMixedRange: (metricName: string): string =>
    `ignored histograms in a range containing both floats and histograms for metric name ${JSON.stringify(metricName)}`,
  quantileNaNResult: (metricName: string): string =>
    forMetric("input to histogram_quantile has NaN observations, result is NaN", metricName),
  quantileNaNSkew: (metricName: string): string =>
    forMetric(
      "input to histogram_quantile has NaN observations, result is skewed higher",
      metricName,
    ),
  fractionNaNs: (metricName: string): string =>
    forMetric(
      "input to histogram_fraction has NaN observations, which are excluded from all fractions",
      metricName,
    ),
  mismatchedCustomBuckets: (operation: HistogramOperation): string =>
    `mismatched custom buckets were reconciled during ${operation}`,
} as const;
