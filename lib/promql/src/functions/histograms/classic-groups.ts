// Splits the rows of a vector into native histograms and classic ones, whose buckets are gathered by labels without le.

import type { Labels } from "@deucalion/model";
import { warnings } from "../../annotations/messages.ts";
import type { Range } from "../../parse/ast.ts";
import type { Row } from "../../row.ts";
import type { EvalContext } from "../contract.ts";

const bucketLabel: ReadonlySet<string> = new Set(["le"]);

/** One classic histogram: rows of buckets by ascending upper bound. */
export class ClassicGroup {
  /** Without `le`. */
  readonly labels: Labels;
  readonly #bounds: number[] = [];
  readonly #rows: Row[] = [];
  #sorted = false;
  /** Steps at which a native histogram of the same labels forbids an answer. */
  refused: Uint8Array | null = null;

  constructor(labels: Labels) {
    this.labels = labels;
  }

  add(bound: number, row: Row): void {
    this.#bounds.push(bound);
    this.#rows.push(row);
  }

  get size(): number {
    return this.#rows.length;
  }

  #sort(): void {
    if (this.#sorted) return;
    this.#sorted = true;
    const order = this.#bounds.map((_, i) => i);
    order.sort((a, b) => {
      const x = this.#bounds[a]!;
      const y = this.#bounds[b]!;
      return x < y ? -1 : x > y ? 1 : 0;
    });
    const bounds = this.#bounds.slice();
    const rows = this.#rows.slice();
    order.forEach((from, to) => {
      this.#bounds[to] = bounds[from]!;
      this.#rows[to] = rows[from]!;
    });
  }

  /** True if any bucket has a float at the step. */
  isPresent(step: number): boolean {
    for (const row of this.#rows) {
      if (row.present[step] === 1 && row.histograms?.[step] === undefined) return true;
    }
    return false;
  }

  /** Fills both columns (of at least `size` places) with the buckets at a step; returns how many there are. */
  gather(step: number, bounds: Float64Array, counts: Float64Array): number {
    this.#sort();
    const rows = this.#rows;
    let size = 0;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      if (row.present[step] === 0) continue;
      if (row.histograms !== null && row.histograms[step] !== undefined) continue;
      bounds[size] = this.#bounds[i]!;
      counts[size++] = row.values[step]!;
    }
    return size;
  }
}

/** A vector split by kind. A row with samples of both kinds is in both lists. */
export interface SplitHistograms {
  readonly classic: readonly ClassicGroup[];
  readonly native: readonly NativeRow[];
}

/** A row with native histograms. */
export interface NativeRow {
  readonly row: Row;
  /** Steps without an answer because a classic histogram has the same labels there. */
  readonly refused: Uint8Array | null;
}

/** As Go reads floats; NaN where it does not. A NaN written out is read as a bound nobody reaches. */
function parseBound(text: string): number | null {
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) {
    const value = Number(text);
    return Number.isFinite(value) ? value : null;
  }
  if (/^[+-]?inf(?:inity)?$/i.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
  return /^nan$/i.test(text) ? Number.NaN : null;
}

function hasFloat(row: Row): boolean {
  if (row.histograms === null) return true;
  for (let i = 0; i < row.present.length; i++) {
    if (row.present[i] === 1 && row.histograms[i] === undefined) return true;
  }
  return false;
}

/** `range` is where the vector stands in the query. */
export function splitHistograms(
  rows: readonly Row[],
  range: Range,
  ctx: EvalContext,
): SplitHistograms {
  const groups = new Map<string, ClassicGroup>();
  const withHistograms: Row[] = [];
  const delayed = ctx.options.delayedNameRemoval;
  for (const row of rows) {
    if (row.histograms !== null) withHistograms.push(row);
    if (!hasFloat(row)) continue;
    const le = row.labels.get("le");
    const bound = parseBound(le);
    if (bound === null) {
      const name = delayed ? row.labels.get("__name__") : "";
      ctx.annotations.warn(warnings.badBucketLabel(name, le), range);
      continue;
    }
    const labels = row.labels.drop(bucketLabel);
    let group = groups.get(labels.key);
    if (group === undefined) {
      group = new ClassicGroup(labels);
      groups.set(labels.key, group);
    }
    group.add(bound, row);
  }
  const native = withHistograms.map((row) => {
    const group = groups.get(row.labels.key);
    return { row, refused: group === undefined ? null : refuse(row, group, range, ctx) };
  });
  return { classic: [...groups.values()], native };
}

/** Finds the steps at which a native and a classic histogram have the same labels. */
function refuse(row: Row, group: ClassicGroup, range: Range, ctx: EvalContext): Uint8Array | null {
  let refused: Uint8Array | null = null;
  for (let i = 0; i < row.present.length; i++) {
    if (row.histograms![i] === undefined || !group.isPresent(i)) continue;
    refused ??= new Uint8Array(row.present.length);
    refused[i] = 1;
    group.refused ??= new Uint8Array(row.present.length);
    group.refused[i] = 1;
  }
  if (refused !== null) {
    const name = ctx.options.delayedNameRemoval ? row.labels.get("__name__") : "";
    ctx.annotations.warn(warnings.mixedClassicNative(name), range);
  }
  return refused;
}
