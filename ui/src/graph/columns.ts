// A matrix as columns on one time axis, as the chart wants them. A step without a sample stays empty: gaps stay gaps.
import type { MatrixSeries } from "../api/types.ts";
import { parseSample } from "../format/number.ts";

/** Columns for the chart, and what could not be drawn. */
export interface GraphColumns {
  /** Unix seconds, one per step, equally spaced. */
  readonly times: number[];
  /** Per series a value per step; null where there is none. */
  readonly rows: Array<Array<number | null>>;
  /** Series that hold only histograms, which have no line. */
  readonly histogramSeries: number;
  /** Samples that are NaN or infinite. */
  readonly specialSamples: number;
}

/** Puts each sample on its step. `startMs`, `endMs` and `stepMs` are those of the query. */
export function toColumns(
  result: readonly MatrixSeries[],
  startMs: number,
  endMs: number,
  stepMs: number,
): GraphColumns {
  const steps = Math.max(1, Math.floor((endMs - startMs) / stepMs) + 1);
  const times = new Array<number>(steps);
  for (let i = 0; i < steps; i++) times[i] = (startMs + i * stepMs) / 1000;
  const rows: Array<Array<number | null>> = [];
  let histogramSeries = 0;
  let specialSamples = 0;
  for (const series of result) {
    const row = new Array<number | null>(steps).fill(null);
    const values = series.values ?? [];
    if (values.length === 0 && (series.histograms?.length ?? 0) > 0) histogramSeries++;
    for (const [t, text] of values) {
      const i = Math.round((t * 1000 - startMs) / stepMs);
      if (i < 0 || i >= steps) continue;
      const value = parseSample(text);
      if (Number.isFinite(value)) row[i] = value;
      else specialSamples++;
    }
    rows.push(row);
  }
  return { times, rows, histogramSeries, specialSamples };
}

/** Adds the rows up, first at the bottom; a hidden row adds nothing. A gap stays a gap in its own row. */
export function stackRows(
  rows: ReadonlyArray<ReadonlyArray<number | null>>,
  shown: readonly boolean[],
): Array<Array<number | null>> {
  const steps = rows[0]?.length ?? 0;
  const sums = new Float64Array(steps);
  return rows.map((row, s) => {
    const visible = shown[s] ?? true;
    const out = new Array<number | null>(steps).fill(null);
    for (let i = 0; i < steps; i++) {
      const value = row[i];
      if (value === null || value === undefined || !visible) continue;
      const sum = (sums[i] ?? 0) + value;
      sums[i] = sum;
      out[i] = sum;
    }
    return out;
  });
}

/** Points with no neighbour on either side: a line would not show them, so they get a dot. */
export function lonePoints(row: ReadonlyArray<number | null | undefined>): number[] {
  const out: number[] = [];
  for (let i = 0; i < row.length; i++) {
    if (row[i] === null || row[i] === undefined) continue;
    const before = i === 0 ? null : row[i - 1];
    const after = i === row.length - 1 ? null : row[i + 1];
    if ((before === null || before === undefined) && (after === null || after === undefined)) {
      out.push(i);
    }
  }
  return out;
}
