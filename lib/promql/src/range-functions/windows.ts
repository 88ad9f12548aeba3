// The samples of one series as a range function sees them: columns, and for each step where its window begins and ends.
import {
  type FloatHistogram,
  type HistogramRows,
  isStaleAt,
  type SampleColumns,
} from "@deucalion/model";
import type { Annotations } from "../annotations/annotations.ts";
import type { Range } from "../parse/ast.ts";
import type { Row } from "../row.ts";

/** What is the same for every series of a call. */
export interface WindowPlan {
  readonly count: number;
  /** Time of the first step, ms, and distance of steps. */
  readonly evalMs: number;
  readonly evalStepMs: number;
  /** End of the first window, inclusive; it moves by `endStepMs` (0 where `@` fixes it). */
  readonly endMs: number;
  readonly endStepMs: number;
  readonly rangeMs: number;
  /** Extra time before and after the range that anchored and smoothed selectors look at. */
  readonly beforeMs: number;
  readonly afterMs: number;
  readonly anchored: boolean;
  readonly smoothed: boolean;
  /** Scalar arguments, one value for each step, in order without the range vector. */
  readonly args: readonly Float64Array[];
  readonly useStartTimes: boolean;
  readonly annotations: Annotations;
  /** Throws if the query has to stop. */
  readonly check: () => void;
  /** Place of the range vector argument in the query. */
  readonly range: Range;
}

/** Samples of one kind (floats or histograms) and the windows over them. */
export class WindowSide {
  times: Float64Array = new Float64Array(0);
  count = 0;
  startTimes: Float64Array | null = null;
  /** Window of step i: samples lo[i] ≤ index < hi[i]. */
  readonly lo: Int32Array;
  readonly hi: Int32Array;
  /** Samples of all windows, each window counted by itself; of the widest; and those that some window holds. */
  total = 0;
  widest = 0;
  read = 0;

  constructor(steps: number) {
    this.lo = new Int32Array(steps);
    this.hi = new Int32Array(steps);
  }

  /** Slides two indices over the samples: windows are (end − range − before, end + after]. */
  slide(plan: WindowPlan): void {
    const { times, count, lo, hi } = this;
    const width = plan.rangeMs + plan.beforeMs + plan.afterMs;
    const first = plan.endMs + plan.afterMs;
    const step = plan.endStepMs;
    let low = 0;
    let high = 0;
    let total = 0;
    let widest = 0;
    let read = 0;
    // Samples that the last step moved by: mostly the next one moves as far, and two looks will do.
    let highHop = 0;
    let lowHop = 0;
    const steps = plan.count;
    for (let i = 0; i < steps; i++) {
      const end = first + i * step;
      const start = end - width;
      const before = high;
      const lowBefore = low;
      if (highHop > 1 && high + highHop <= count && times[high + highHop - 1]! <= end) {
        high += highHop;
      }
      while (high < count && times[high]! <= end) high++;
      highHop = high - before;
      if (lowHop > 1 && low + lowHop <= high && times[low + lowHop - 1]! <= start) low += lowHop;
      while (low < high && times[low]! <= start) low++;
      lowHop = low - lowBefore;
      lo[i] = low;
      hi[i] = high;
      const samples = high - low;
      total += samples;
      if (samples > widest) widest = samples;
      read += low > before ? samples : high - before;
    }
    this.total = total;
    this.widest = widest;
    this.read = step === 0 && plan.count > 0 ? hi[0]! - lo[0]! : read;
  }
}

const nothing = new Float64Array(0);
let loads = 0;

/** Windows over one series. Filled anew for each series; functions keep nothing of it. */
export class Windows {
  readonly plan: WindowPlan;
  readonly floats: WindowSide;
  values: Float64Array = new Float64Array(0);
  /** `null` while the series has no histogram. */
  histogramSide: WindowSide | null = null;
  /** The histograms while nobody has looked at them as objects; their sums are in `values`. */
  rows: HistogramRows | null = null;
  /** Another number for each series that was ever loaded. */
  serial = 0;
  #columns: SampleColumns | null = null;
  #histograms: FloatHistogram[] = [];
  #spareSide: WindowSide | null = null;
  #resets = new Int32Array(0);
  #resetCount = -1;
  /** Whether a series before was asked for its resets: then the next one's are looked for at once. */
  #usesResets = false;
  /** Metric name of the series, for annotations. */
  metricName: () => string = () => "";

  constructor(plan: WindowPlan) {
    this.plan = plan;
    this.floats = new WindowSide(plan.count);
  }

  /** Takes the samples over, leaving stale markers out. `columns` may be rearranged. */
  load(columns: SampleColumns): void {
    this.#resetCount = -1;
    this.serial = ++loads;
    this.rows = null;
    this.#columns = null;
    if (columns.hasHistograms) {
      const rows = columns.plainRows;
      this.histogramSide = rows === null ? this.#loadMixed(columns) : this.#loadRows(columns, rows);
      this.histogramSide.slide(this.plan);
    } else {
      this.histogramSide = null;
      this.#loadFloats(columns);
    }
    this.floats.slide(this.plan);
  }

  #loadFloats(columns: SampleColumns): void {
    // A value that is no NaN is not stale, and one not less than the last is no reset: one look for both.
    if (!this.#usesResets || !this.#rises(columns)) dropStale(columns);
    this.floats.times = columns.times;
    this.floats.count = columns.count;
    this.floats.startTimes = this.plan.useStartTimes ? columns.startTimes : null;
    this.values = columns.values;
  }

  /** The histograms of the windows. */
  get histograms(): readonly FloatHistogram[] {
    if (this.rows !== null) {
      this.#histograms = this.#columns!.histograms as FloatHistogram[];
      this.rows = null;
      this.#columns = null;
    }
    return this.#histograms;
  }

  /** A series of nothing but histograms is taken over as it is. */
  #loadRows(columns: SampleColumns, rows: HistogramRows): WindowSide {
    const side = this.#side();
    side.times = columns.times;
    side.count = columns.count;
    side.startTimes = this.plan.useStartTimes ? columns.startTimes : null;
    this.floats.times = nothing;
    this.floats.count = 0;
    this.floats.startTimes = null;
    this.values = columns.values;
    this.rows = rows;
    this.#columns = columns;
    return side;
  }

  #side(): WindowSide {
    this.#spareSide ??= new WindowSide(this.plan.count);
    return this.#spareSide;
  }

  #loadMixed(columns: SampleColumns): WindowSide {
    const { count } = columns;
    const side = this.#side();
    const times = new Float64Array(count);
    const values = new Float64Array(count);
    const starts = this.plan.useStartTimes ? columns.startTimes : null;
    const floatStarts = starts === null ? null : new Float64Array(count);
    const histogramTimes = new Float64Array(count);
    const histogramStarts = starts === null ? null : new Float64Array(count);
    const histograms: FloatHistogram[] = [];
    let floats = 0;
    for (let i = 0; i < count; i++) {
      if (columns.isStale(i)) continue;
      const histogram = columns.histograms?.[i];
      if (histogram === undefined) {
        times[floats] = columns.times[i]!;
        values[floats] = columns.values[i]!;
        if (floatStarts !== null) floatStarts[floats] = starts![i]!;
        floats++;
      } else {
        const at = histograms.push(histogram) - 1;
        histogramTimes[at] = columns.times[i]!;
        if (histogramStarts !== null) histogramStarts[at] = starts![i]!;
      }
    }
    this.floats.times = times;
    this.floats.count = floats;
    this.floats.startTimes = floatStarts;
    this.values = values;
    this.#histograms = histograms;
    side.times = histogramTimes;
    side.count = histograms.length;
    side.startTimes = histogramStarts;
    return side;
  }

  /** Indices of floats that are less than the one before; `resetCount` of them. */
  get resets(): Int32Array {
    if (this.#resetCount < 0) this.#findResets();
    return this.#resets;
  }

  /** True if no value is NaN; resets are known then. */
  #rises({ values, count }: SampleColumns): boolean {
    let found = 0;
    let last = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < count; i++) {
      const value = values[i]!;
      if (!(value >= last)) {
        if (Number.isNaN(value)) return false;
        found = this.#addReset(found, i);
      }
      last = value;
    }
    this.#resetCount = found;
    return true;
  }

  #addReset(found: number, index: number): number {
    if (found === this.#resets.length) {
      const larger = new Int32Array(Math.max(16, found * 2));
      larger.set(this.#resets);
      this.#resets = larger;
    }
    this.#resets[found] = index;
    return found + 1;
  }

  get resetCount(): number {
    if (this.#resetCount < 0) this.#findResets();
    return this.#resetCount;
  }

  #findResets(): void {
    const { values } = this;
    const { count } = this.floats;
    let found = 0;
    for (let i = 1; i < count; i++)
      if (values[i]! < values[i - 1]!) found = this.#addReset(found, i);
    this.#resetCount = found;
    this.#usesResets = true;
  }

  /** End of the window of a step, without what is looked at beyond it. */
  endAt(step: number): number {
    return this.plan.endMs + step * this.plan.endStepMs;
  }
}

/** Moves samples together so that no stale marker is left. Floats only. */
function dropStale(columns: SampleColumns): void {
  const { values, valueBits, count } = columns;
  let stale = 0;
  // A marker is a NaN: only those are worth a look at the bits.
  while (stale < count && !(Number.isNaN(values[stale]!) && isStaleAt(valueBits, stale))) stale++;
  if (stale === count) return;
  const { times, startTimes } = columns;
  let to = stale;
  for (let i = stale; i < count; i++) {
    const low = valueBits[2 * i]!;
    const high = valueBits[2 * i + 1]!;
    if (low === 2 && high === 0x7ff00000) continue;
    times[to] = times[i]!;
    valueBits[2 * to] = low;
    valueBits[2 * to + 1] = high;
    if (startTimes !== null) startTimes[to] = startTimes[i]!;
    to++;
  }
  columns.count = to;
}

/**
 * A function of range vectors: reads the windows of one series and fills `out`.
 * `out.present` is all 0 before; `out.values` may hold anything.
 */
export interface RangeFunction {
  /** The name stays: the function picks samples out and does not compute new ones. */
  readonly keepsName?: boolean;
  readonly run: (windows: Windows, out: Row) => void;
}

/** Computes steps from ≤ i < to over floats; steps without enough samples are left alone. */
export type FloatKernel = (windows: Windows, from: number, to: number, out: Row) => void;
