// Label sets as PromQL text.

/** A label set as the API sends it. */
export type LabelMap = Readonly<Record<string, string>>;

const plainName = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const plainMetric = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

/** A double-quoted PromQL string. */
export function quote(text: string): string {
  return `"${text.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n")}"`;
}

/** A label name as it stands in a selector: quoted if it is not a plain identifier. */
export function labelName(name: string): string {
  return plainName.test(name) ? name : quote(name);
}

/** The pairs of a label set without the metric name, ordered by name. */
export function labelPairs(labels: LabelMap): ReadonlyArray<readonly [string, string]> {
  return Object.entries(labels)
    .filter(([name]) => name !== "__name__")
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

/** `up{job="x"}`, `{job="x"}`, `{"a metric", job="x"}` or `{}`. */
export function formatLabels(labels: LabelMap): string {
  const metric = labels["__name__"];
  const pairs = labelPairs(labels).map(([k, v]) => `${labelName(k)}=${quote(v)}`);
  if (metric === undefined) return `{${pairs.join(", ")}}`;
  if (!plainMetric.test(metric)) return `{${[quote(metric), ...pairs].join(", ")}}`;
  return pairs.length === 0 ? metric : `${metric}{${pairs.join(", ")}}`;
}

/** Makes text literal inside a regular expression of Go's syntax. */
export function escapeRegex(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
