// Rows with equal labels: joined where they do not meet, refused where they do.
import { PromqlError } from "../errors.ts";
import type { QueryLimits } from "../limits.ts";
import type { Row } from "../row.ts";
import { eachItem } from "./each-item.ts";

export function sameLabelset(): PromqlError {
  return new PromqlError(
    "PROMQL_EXECUTION",
    "vector cannot contain metrics with the same labelset",
  );
}

/** Throws if two rows have the same labels. */
export function refuseSameLabels(rows: readonly Row[]): void {
  if (rows.length < 2) return;
  const seen = new Set<string>();
  for (const row of rows) {
    const before = seen.size;
    seen.add(row.labels.key);
    if (seen.size === before) throw sameLabelset();
  }
}

/** Joins rows with equal labels whose samples lie at different steps; throws where two meet at a step. */
export async function mergeRows(rows: Row[], limits: QueryLimits): Promise<Row[]> {
  if (rows.length < 2) return rows;
  const byLabels = new Map<string, Row>();
  const out: Row[] = [];
  await eachItem(rows, limits, (row) => {
    const { key } = row.labels;
    const known = byLabels.get(key);
    if (known === undefined) {
      byLabels.set(key, row);
      out.push(row);
    } else joinInto(known, row);
  });
  return out;
}

function joinInto(into: Row, from: Row): void {
  for (let i = 0; i < from.present.length; i++) {
    if (from.present[i] === 0) continue;
    if (into.present[i] === 1) throw sameLabelset();
    const histogram = from.histogramAt(i);
    if (histogram === undefined) into.setFloat(i, from.values[i]!);
    else into.setHistogram(i, histogram);
  }
}
