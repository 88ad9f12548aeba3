// Makes one answer of several: series of the same labels follow each other in time, notes are united.
import { compareLabels, Labels } from "@deucalion/model";
import type { AnswerNotes, RangeAnswer } from "./read-answer.ts";
import { firstTime, type Row } from "./row.ts";

/** A series of a merged answer: pieces in the order of time. */
export interface MergedSeries {
  readonly metric: string;
  readonly pieces: readonly Row[];
}

/** Sorts things by their label sets, JSON. */
export function sortByMetric<T extends { readonly metric: string }>(things: readonly T[]): T[] {
  return things
    .map((thing) => ({
      thing,
      labels: Labels.from(JSON.parse(thing.metric) as Record<string, string>),
    }))
    .sort((a, b) => compareLabels(a.labels, b.labels))
    .map(({ thing }) => thing);
}

/** Series of all parts, sorted by labels. Parts come in the order of time, or hold different series (shards). */
export function mergeSeries(parts: readonly (readonly Row[])[]): MergedSeries[] {
  const byMetric = new Map<string, Row[]>();
  // The first part that has anything is in order; it stays so if no other brings something new.
  let sorted = true;
  for (const rows of parts) {
    const before = byMetric.size;
    for (const row of rows) {
      const pieces = byMetric.get(row.metric);
      if (pieces === undefined) byMetric.set(row.metric, [row]);
      else pieces.push(row);
    }
    if (before > 0 && byMetric.size > before) sorted = false;
  }
  const series = [...byMetric].map(([metric, pieces]) => ({
    metric,
    pieces: pieces.length === 1 ? pieces : pieces.sort((a, b) => firstTime(a) - firstTime(b)),
  }));
  return sorted ? series : sortByMetric(series);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Figures of two parts in one: peaks by the larger, all else by the sum. */
function addFigures(a: unknown, b: unknown, name = ""): unknown {
  if (typeof a === "number" && typeof b === "number") {
    return name === "peakSamples" ? Math.max(a, b) : a + b;
  }
  if (Array.isArray(a) && Array.isArray(b)) return [...(a as unknown[]), ...(b as unknown[])];
  if (isObject(a) && isObject(b)) {
    const out: Record<string, unknown> = { ...a };
    for (const [key, value] of Object.entries(b)) {
      out[key] = key in a ? addFigures(a[key], value, key) : value;
    }
    return out;
  }
  return a ?? b;
}

/** Statistics of several parts. */
export function mergeStats(all: readonly unknown[]): unknown {
  return all.reduce((a, b) => (a === undefined ? b : addFigures(a, b)), undefined);
}

/** Analyses of several parts: the tree of the first, figures of all; those that took no part are `{}`. */
export function mergeAnalyses(all: readonly unknown[]): unknown {
  const given = all.filter((one) => isObject(one) && Object.keys(one).length > 0);
  if (given.length <= 1) return given[0] ?? all.find((one) => one !== undefined);
  const [first, ...rest] = given as Record<string, unknown>[];
  const fanout = given.flatMap((one) => {
    const list = (one as Record<string, unknown>).fanout;
    return Array.isArray(list) ? (list as unknown[]) : [];
  });
  return {
    ...first,
    peakSamples: Math.max(
      ...given.map((one) => Number((one as Record<string, unknown>).peakSamples) || 0),
    ),
    totalSamples: [first, ...rest].reduce((sum, one) => sum + (Number(one!.totalSamples) || 0), 0),
    ...(fanout.length > 0 ? { fanout } : {}),
    parts: given,
  };
}

/** The notes of several answers: every warning once, in the order in which they came. */
export function mergeNotes(parts: readonly AnswerNotes[]): AnswerNotes {
  if (parts.length === 1) return parts[0]!;
  const more = new Map<string, string>();
  for (const part of parts) {
    for (const [name, text] of part.more) if (!more.has(name)) more.set(name, text);
  }
  return {
    warnings: [...new Set(parts.flatMap((part) => part.warnings))],
    infos: [...new Set(parts.flatMap((part) => part.infos))],
    stats: mergeStats(parts.map((part) => part.stats)),
    analysis: mergeAnalyses(parts.map((part) => part.analysis)),
    more,
  };
}

/** True if nothing was missing: warnings of PromQL concern the query, all others the data. */
export function isComplete(notes: Pick<RangeAnswer, "warnings">): boolean {
  return notes.warnings.every(
    (text) => text.startsWith("PromQL warning:") || text.startsWith("PromQL info:"),
  );
}
