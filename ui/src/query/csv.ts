// An answer as CSV (RFC 4180): one column per label name that occurs, then time and value.
import type { QueryData } from "../api/types.ts";
import type { LabelMap } from "../format/labels.ts";

function cell(text: string): string {
  // A leading =, +, - or @ would be run as a formula by a spreadsheet; numbers keep their sign.
  const safe =
    /^[=@]/.test(text) || (/^[+-]/.test(text) && !/^[+-](?:\d|Inf)/.test(text)) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}

/** The columns that the label sets of an answer need: the metric name first, the others by name. */
function labelColumns(sets: readonly LabelMap[]): string[] {
  const names = new Set<string>();
  for (const set of sets) for (const name of Object.keys(set)) names.add(name);
  return [...names].sort((a, b) =>
    a === "__name__" ? -1 : b === "__name__" ? 1 : a < b ? -1 : a > b ? 1 : 0,
  );
}

/**
 * Writes the answer as CSV with CRLF line ends. `missing` are the notes of an incomplete answer: they come first as
 * lines that begin with "#", so that the file cannot pass for a complete one.
 */
export function toCsv(data: QueryData, missing: readonly string[]): string {
  const lines = missing.map((text) => `# INCOMPLETE: ${text.replace(/[\r\n]+/g, " ")}`);
  const row = (cells: readonly string[]): void => {
    lines.push(cells.map(cell).join(","));
  };
  const iso = (seconds: number): string => new Date(seconds * 1000).toISOString();
  if (data.resultType === "scalar" || data.resultType === "string") {
    row(["time", "value"]);
    row([iso(data.result[0]), data.result[1]]);
  } else {
    const names = labelColumns(data.result.map((series) => series.metric));
    row([...names, "time", "value"]);
    for (const series of data.result) {
      const labels = names.map((name) => series.metric[name] ?? "");
      const floats =
        "values" in series
          ? (series.values ?? [])
          : "value" in series && series.value
            ? [series.value]
            : [];
      const histograms =
        "histograms" in series
          ? (series.histograms ?? [])
          : "histogram" in series && series.histogram
            ? [series.histogram]
            : [];
      for (const [t, v] of floats) row([...labels, iso(t), v]);
      for (const [t, h] of histograms) {
        row([...labels, iso(t), `count=${h.count} sum=${h.sum}`]);
      }
    }
  }
  return `${lines.join("\r\n")}\r\n`;
}
