// Reads the answers of `/api/v1/query` and `/api/v1/query_range`.
import { compareStrings, type FloatHistogram, Labels } from "@deucalion/model";
import { type RuleRangeSeries, type RuleSample, RulesError } from "@deucalion/rules";
import { histogramOfJson } from "./histogram-json.ts";
import { valueOfJson } from "./json-value.ts";

/** What both answers have around their results. */
export interface ApiEnvelope {
  readonly status?: unknown;
  readonly data?: { readonly resultType?: unknown; readonly result?: unknown } | null;
  readonly errorType?: unknown;
  readonly error?: unknown;
  readonly warnings?: unknown;
}

interface SeriesJson {
  readonly metric?: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
  readonly histogram?: readonly [number, unknown];
  readonly values?: readonly (readonly [number, string])[];
  readonly histograms?: readonly (readonly [number, unknown])[];
}

/** Label names come in order, unless they look like numbers to JavaScript. */
function labelsOfJson(metric: Readonly<Record<string, string>>): Labels {
  const pairs: string[] = [];
  let before = "";
  for (const name in metric) {
    const value = metric[name]!;
    if (value === "" || (pairs.length > 0 && compareStrings(before, name) >= 0)) {
      return Labels.from(metric);
    }
    before = name;
    pairs.push(name, value);
  }
  return new Labels(pairs);
}

function malformed(what: string): RulesError {
  return new RulesError("RULES_UNAVAILABLE", `the answer of a querier is malformed: ${what}`);
}

function seriesOf(result: unknown): readonly SeriesJson[] {
  if (result === null) return [];
  if (!Array.isArray(result)) throw malformed("the result is not a list");
  return result as readonly SeriesJson[];
}

function typeOf({ data }: ApiEnvelope): string {
  if (typeof data !== "object" || data === null || !("result" in data))
    throw malformed("no result");
  return String(data.resultType);
}

/** Samples of a vector, or of a scalar as one without labels. Throws RULES_RESULT for other values. */
export function instantSamples(envelope: ApiEnvelope): RuleSample[] {
  const type = typeOf(envelope);
  const result = envelope.data?.result;
  if (type === "scalar") {
    const text = Array.isArray(result) ? String(result[1]) : "";
    return [{ labels: Labels.empty, value: valueOfJson(text) }];
  }
  if (type !== "vector") {
    throw new RulesError("RULES_RESULT", "rule result is not a vector or scalar");
  }
  return seriesOf(result).map(({ metric, value, histogram }) => {
    const labels = labelsOfJson(metric ?? {});
    if (histogram !== undefined) {
      return { labels, value: 0, histogram: histogramOfJson(histogram[1]) };
    }
    if (value === undefined) throw malformed("a sample without a value");
    return { labels, value: valueOfJson(value[1]) };
  });
}

interface Row {
  readonly timeMs: number;
  readonly value: number;
  readonly histogram: FloatHistogram | undefined;
}

/** Series of a matrix. Throws RULES_RESULT for other values. */
export function rangeSeries(envelope: ApiEnvelope): RuleRangeSeries[] {
  if (typeOf(envelope) !== "matrix") {
    throw new RulesError("RULES_RESULT", "the result of a range query is not a matrix");
  }
  return seriesOf(envelope.data?.result).map(({ metric, values = [], histograms = [] }) => {
    const rows: Row[] = values.map(([time, text]) => ({
      timeMs: Math.round(time * 1000),
      value: valueOfJson(text),
      histogram: undefined,
    }));
    for (const [time, json] of histograms) {
      const histogram = histogramOfJson(json);
      rows.push({ timeMs: Math.round(time * 1000), value: 0, histogram });
    }
    if (histograms.length > 0) rows.sort((a, b) => a.timeMs - b.timeMs);
    return {
      labels: labelsOfJson(metric ?? {}),
      times: Float64Array.from(rows, (row) => row.timeMs),
      values: Float64Array.from(rows, (row) => row.value),
      histograms: histograms.length > 0 ? rows.map((row) => row.histogram) : null,
    };
  });
}

/** Annotations of PromQL say something about the query, not about what is missing. */
const annotation = /^(remote query warning \([^)]*\): )?PromQL (warning|info)/;

/** Warnings of an answer that mean that something is missing. */
export function storeWarnings(warnings: unknown): string[] {
  if (!Array.isArray(warnings)) return [];
  return warnings.map(String).filter((text) => !annotation.test(text));
}
