// One series over all steps of an evaluation: what operators hand to each other.
import { decodeLabels, type FloatHistogram, type LabelBytes, Labels } from "@deucalion/model";

/** The times at which an expression is evaluated; an instant query has one step. */
export interface Steps {
  /** Milliseconds. */
  readonly startMs: number;
  /** Time of the last step: `startMs + (count - 1) * stepMs`. */
  readonly endMs: number;
  /** The end that was asked for, at or after `endMs`. */
  readonly untilMs: number;
  /** Milliseconds between steps, at least 1. */
  readonly stepMs: number;
  readonly count: number;
}

/** Steps from `startMs` to at most `endMs`; none if it ends before it starts. */
export function makeSteps(startMs: number, endMs: number, stepMs: number): Steps {
  const step = stepMs > 0 ? stepMs : 1;
  const count = endMs < startMs ? 0 : Math.floor((endMs - startMs) / step) + 1;
  const lastMs = startMs + Math.max(0, count - 1) * step;
  return { startMs, endMs: lastMs, untilMs: endMs, stepMs: step, count };
}

/** Where kept rows have their label bytes: an array for each would cost more than the bytes. */
const slabBytes = 16_384;
let slab = new Uint8Array(0);
let slabUsed = 0;

export type HistogramColumn = (FloatHistogram | undefined)[];

/**
 * One series over all steps. Owned by whoever receives it: arrays and labels may be changed in place and handed on.
 * Histograms themselves are immutable and may be shared.
 * At step `i`: nothing if `present[i]` is 0; a histogram if `histograms?.[i]` is set; else the float `values[i]`.
 */
export class Row {
  /** Set by operators which prefer bytes to strings; `labels` then decodes when asked. */
  labelBytes: LabelBytes | null;
  /** `labelBytes` still holds name, type and unit, but they are to be taken as gone. */
  metadataDropped = false;
  #labels: Labels | null;
  /** With delayed name removal: the name (and `__type__`, `__unit__`) goes at the end of the query. */
  dropName: boolean;
  /** One float for each step. */
  values: Float64Array;
  /** 1 where the step has a sample. */
  present: Uint8Array;
  /** `null` while every sample is a float. Has one place for each step. */
  histograms: HistogramColumn | null;

  constructor(
    labels: Labels | null,
    values: Float64Array,
    present: Uint8Array,
    histograms: HistogramColumn | null = null,
    dropName = false,
    labelBytes: LabelBytes | null = null,
  ) {
    this.#labels = labels;
    this.labelBytes = labelBytes;
    this.values = values;
    this.present = present;
    this.histograms = histograms;
    this.dropName = dropName;
  }

  /** A row of `count` steps without samples. */
  static empty(labels: Labels, count: number, dropName = false): Row {
    return new Row(labels, new Float64Array(count), new Uint8Array(count), null, dropName);
  }

  /** A row with the same float at every step and no labels: a scalar. */
  static scalar(value: number, count: number): Row {
    return new Row(
      Labels.empty,
      new Float64Array(count).fill(value),
      new Uint8Array(count).fill(1),
    );
  }

  get labels(): Labels {
    if (this.#labels !== null) return this.#labels;
    let labels = this.labelBytes === null ? Labels.empty : decodeLabels(this.labelBytes);
    if (this.metadataDropped) labels = labels.drop(metadataLabels);
    this.#labels = labels;
    return labels;
  }

  set labels(labels: Labels) {
    this.#labels = labels;
    this.labelBytes = null;
    this.metadataDropped = false;
  }

  /** The labels, made by `decode` (given the bytes, and whether to leave the metadata out) unless they are there. */
  labelsBy(decode: (bytes: LabelBytes, dropMetadata: boolean) => Labels): Labels {
    if (this.#labels === null && this.labelBytes !== null) {
      this.#labels = decode(this.labelBytes, this.metadataDropped);
    }
    return this.labels;
  }

  /** Copies label bytes out of the buffer of their batch, so that a row that is kept does not keep the batch. */
  detach(): void {
    const bytes = this.labelBytes;
    if (bytes === null) return;
    const length = bytes.end - bytes.start;
    if (slabUsed + length > slab.length) {
      slab = new Uint8Array(Math.max(slabBytes, length));
      slabUsed = 0;
    }
    const { data } = bytes;
    const start = slabUsed;
    for (let i = 0; i < length; i++) slab[start + i] = data[bytes.start + i]!;
    slabUsed += length;
    this.labelBytes = { data: slab, start, end: slabUsed };
  }

  /** Takes name, type and unit away without making strings of the other labels. */
  dropMetadata(): void {
    if (this.labelBytes === null) this.labels = this.labels.drop(metadataLabels);
    else {
      this.metadataDropped = true;
      this.#labels = null;
    }
  }

  /** The histogram at a step, or undefined. */
  histogramAt(step: number): FloatHistogram | undefined {
    return this.histograms === null ? undefined : this.histograms[step];
  }

  /** Writes a histogram at a step and marks it present. */
  setHistogram(step: number, histogram: FloatHistogram): void {
    this.histograms ??= new Array<FloatHistogram | undefined>(this.values.length).fill(undefined);
    this.histograms[step] = histogram;
    this.present[step] = 1;
  }

  /** Writes a float at a step and marks it present. */
  setFloat(step: number, value: number): void {
    this.values[step] = value;
    this.present[step] = 1;
    if (this.histograms !== null) this.histograms[step] = undefined;
  }

  /** Removes the sample at a step. */
  clear(step: number): void {
    this.present[step] = 0;
    if (this.histograms !== null) this.histograms[step] = undefined;
  }

  /** True if no step has a sample. */
  isEmpty(): boolean {
    return !this.present.includes(1);
  }

  /** This row as a new one: no labels, no histograms; values may hold anything. */
  renewed(): this {
    this.#labels = null;
    this.labelBytes = null;
    this.metadataDropped = false;
    this.dropName = false;
    this.histograms = null;
    return this;
  }

  /** A copy with arrays of its own; labels and histograms are shared. */
  clone(): Row {
    const copy = new Row(
      this.#labels,
      this.values.slice(),
      this.present.slice(),
      this.histograms === null ? null : this.histograms.slice(),
      this.dropName,
      this.labelBytes,
    );
    copy.metadataDropped = this.metadataDropped;
    return copy;
  }
}

/** Number of steps that have a sample. */
export function presentCount(present: Uint8Array): number {
  if (!present.includes(0)) return present.length;
  let found = 0;
  for (let i = 0; i < present.length; i++) found += present[i]!;
  return found;
}

/** Labels that describe the metric as a whole and go when a function changes its meaning. */
export const metadataLabels: ReadonlySet<string> = new Set(["__name__", "__type__", "__unit__"]);

/**
 * Drops the metric name from a row as Prometheus does: at once, or, with delayed name removal, by a mark.
 */
export function dropMetricName(row: Row, delayed: boolean): void {
  row.dropName = true;
  if (!delayed) row.dropMetadata();
}
