// An extent of a coarser grid, taken from one of a finer grid.
import { noIndexes, type Row } from "../answers/row.ts";
import type { Extent } from "./entry-codec.ts";
import type { Grid } from "./finer-steps.ts";

/** The first time of the grid that is not before `ms`. */
function onGrid({ stepMs, startMs }: Grid, ms: number): number {
  return startMs + Math.ceil((ms - startMs) / stepMs) * stepMs;
}

/** Samples on the grid, whose times are all times of the row; null where there are none. */
export function thinRow(row: Row, grid: Grid): Row | null {
  const { stepMs, values, indexes } = row;
  const startMs = onGrid(grid, row.startMs);
  const first = (startMs - row.startMs) / stepMs;
  const every = grid.stepMs / stepMs;
  /** Where on the grid an index of the row is; -1 for between. */
  const place = (index: number): number =>
    index >= first && (index - first) % every === 0 ? (index - first) / every : -1;
  const thin = { ...row, startMs, stepMs: grid.stepMs };
  let histogramIndexes: Uint32Array = noIndexes;
  let histograms: Buffer[] = [];
  if (row.histograms.length > 0) {
    const kept = [...row.histogramIndexes.keys()].filter(
      (i) => place(row.histogramIndexes[i]!) >= 0,
    );
    histogramIndexes = Uint32Array.from(kept, (i) => place(row.histogramIndexes[i]!));
    histograms = kept.map((i) => row.histograms[i]!);
  }
  if (indexes === null) {
    const count = Math.max(0, Math.ceil((values.length - first) / every));
    if (count === 0 && histograms.length === 0) return null;
    const out = new Float64Array(count);
    for (let i = 0; i < count; i++) out[i] = values[first + i * every]!;
    return { ...thin, indexes: null, values: out, histogramIndexes, histograms };
  }
  const places: number[] = [];
  const out: number[] = [];
  for (let i = 0; i < indexes.length; i++) {
    const at = place(indexes[i]!);
    if (at < 0) continue;
    places.push(at);
    out.push(values[i]!);
  }
  if (out.length === 0 && histograms.length === 0) return null;
  return {
    ...thin,
    indexes: Uint32Array.from(places),
    values: Float64Array.from(out),
    histogramIndexes,
    histograms,
  };
}

/** What an extent says of a coarser grid; null where no time of the grid is in it, or PromQL said something of it as a whole. */
export function thinExtent(extent: Extent, grid: Grid): Extent | null {
  if (extent.warnings.length > 0 || extent.infos.length > 0) return null;
  const startMs = onGrid(grid, extent.startMs);
  if (startMs > extent.endMs) return null;
  const endMs = startMs + Math.floor((extent.endMs - startMs) / grid.stepMs) * grid.stepMs;
  const rows: Row[] = [];
  for (const row of extent.rows) {
    const thin = thinRow(row, grid);
    if (thin !== null) rows.push(thin);
  }
  return { ...extent, startMs, endMs, rows };
}
