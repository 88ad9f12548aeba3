// One series of a matrix: samples on a grid of steps, as columns; histograms stay the text they came as.

/** Samples of one series. Columns are never written after they are made, so slices share them. */
export interface Row {
  /** The label set as it came, JSON. */
  readonly metric: string;
  /** Unix ms of index 0. */
  readonly startMs: number;
  readonly stepMs: number;
  /** Index of each float, ascending; null where they are 0, 1, 2, … */
  readonly indexes: Uint32Array | null;
  readonly values: Float64Array;
  readonly histogramIndexes: Uint32Array;
  /** JSON text of each histogram. */
  readonly histograms: readonly Buffer[];
}

export const noIndexes = new Uint32Array(0);

/** Position of the first element that is not below `bound`. */
function lowerBound(sorted: Uint32Array, bound: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The samples from `fromMs` to `toMs`, inclusive; null where there are none. Shares the columns of `row`. */
export function sliceRow(row: Row, fromMs: number, toMs: number): Row | null {
  const { startMs, stepMs, indexes, values, histogramIndexes } = row;
  const first = Math.max(0, Math.ceil((fromMs - startMs) / stepMs));
  const end = Math.max(first, Math.floor((toMs - startMs) / stepMs) + 1);
  const lowH = lowerBound(histogramIndexes, first);
  const highH = lowerBound(histogramIndexes, end);
  if (indexes === null) {
    const to = Math.min(values.length, end);
    if (first === 0 && to === values.length && highH - lowH === histogramIndexes.length) return row;
    if (first >= to && lowH === highH) return null;
    return {
      ...row,
      startMs: startMs + first * stepMs,
      values: values.subarray(Math.min(first, to), to),
      histogramIndexes: histogramIndexes.subarray(lowH, highH).map((index) => index - first),
      histograms: row.histograms.slice(lowH, highH),
    };
  }
  const low = lowerBound(indexes, first);
  const high = lowerBound(indexes, end);
  if (low === high && lowH === highH) return null;
  return {
    ...row,
    indexes: indexes.subarray(low, high),
    values: values.subarray(low, high),
    histogramIndexes: histogramIndexes.subarray(lowH, highH),
    histograms: row.histograms.slice(lowH, highH),
  };
}

/** Unix ms of the first sample. */
export function firstTime(row: Row): number {
  let index = Number.POSITIVE_INFINITY;
  if (row.values.length > 0) index = row.indexes === null ? 0 : row.indexes[0]!;
  if (row.histograms.length > 0) index = Math.min(index, row.histogramIndexes[0]!);
  return row.startMs + index * row.stepMs;
}

/** One row of pieces that follow each other in time on one grid. */
export function joinRows(pieces: readonly Row[]): Row {
  const [head] = pieces;
  if (pieces.length === 1) return head!;
  const { startMs, stepMs } = head!;
  let floats = 0;
  let histograms = 0;
  for (const piece of pieces) {
    floats += piece.values.length;
    histograms += piece.histograms.length;
  }
  const values = new Float64Array(floats);
  const indexes = new Uint32Array(floats);
  const histogramIndexes = new Uint32Array(histograms);
  let at = 0;
  let atHistogram = 0;
  for (const piece of pieces) {
    const shift = Math.round((piece.startMs - startMs) / stepMs);
    values.set(piece.values, at);
    const own = piece.indexes;
    for (let i = 0; i < piece.values.length; i++) {
      indexes[at++] = shift + (own === null ? i : own[i]!);
    }
    for (const index of piece.histogramIndexes) histogramIndexes[atHistogram++] = shift + index;
  }
  const dense = floats === 0 || (indexes[0] === 0 && indexes[floats - 1] === floats - 1);
  return {
    metric: head!.metric,
    startMs,
    stepMs,
    indexes: dense ? null : indexes,
    values,
    histogramIndexes,
    histograms: pieces.flatMap((piece) => piece.histograms),
  };
}
