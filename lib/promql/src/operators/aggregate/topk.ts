// topk and bottomk: per step and group the k largest or smallest, by Prometheus' heap, so that ties fall alike.
import { infos } from "../../annotations/messages.ts";
import { PromqlError } from "../../errors.ts";
import type { AggregateExpr } from "../../parse/ast.ts";
import { Row } from "../../row.ts";
import { eachItem } from "../each-item.ts";
import type { Emit, Evaluation } from "../evaluation.ts";
import { LabelGroups } from "../label-groups.ts";
import { type Parameter, parameterOf } from "./parameter.ts";

/** The error of a k that cannot be a number of series. */
export function checkCount(parameter: Parameter): void {
  if (parameter.hasNaN) throw new PromqlError("PROMQL_EXECUTION", "Parameter value is NaN");
  if (parameter.min <= -(2 ** 63)) {
    throw new PromqlError(
      "PROMQL_EXECUTION",
      `Scalar value ${goV(parameter.min)} underflows int64`,
    );
  }
  if (parameter.max >= 2 ** 63) {
    throw new PromqlError("PROMQL_EXECUTION", `Scalar value ${goV(parameter.max)} overflows int64`);
  }
}

function goV(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
}

/** Rows by group, in order. */
export async function groupedRows(
  node: AggregateExpr,
  ev: Evaluation,
): Promise<{ groups: Row[][]; count: number }> {
  const numbers = new LabelGroups(node.grouping, node.without);
  const groups: Row[][] = [];
  let count = 0;
  await ev.evaluate(node.expr, (row) => {
    ev.limits.holdBytes(ev.rowBytes);
    row.detach();
    const index = numbers.groupOf(row);
    const known = groups[index];
    if (known === undefined) groups[index] = [row];
    else known.push(row);
    count++;
  });
  ev.limits.holdBytes(-ev.rowBytes * count);
  return { groups, count };
}

/** A heap of row numbers by their value at a step, the worst of the chosen on top. */
class Heap {
  readonly #rows: readonly Row[];
  readonly #largest: boolean;
  #step = 0;
  items: number[] = [];

  constructor(rows: readonly Row[], largest: boolean) {
    this.#rows = rows;
    this.#largest = largest;
  }

  reset(step: number): void {
    this.#step = step;
    this.items = [];
  }

  value(item: number): number {
    return this.#rows[item]!.values[this.#step]!;
  }

  /** True if a goes above b: the smaller for topk, the larger for bottomk, NaN before all. */
  #less(a: number, b: number): boolean {
    const x = this.value(a);
    const y = this.value(b);
    if (Number.isNaN(x)) return true;
    return this.#largest ? x < y : x > y;
  }

  push(item: number): void {
    const { items } = this;
    items.push(item);
    let at = items.length - 1;
    for (;;) {
      const parent = Math.trunc((at - 1) / 2);
      if (parent === at || !this.#less(items[at]!, items[parent]!)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  replaceTop(item: number): void {
    const { items } = this;
    items[0] = item;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= items.length) return;
      const right = left + 1;
      const child = right < items.length && this.#less(items[right]!, items[left]!) ? right : left;
      if (!this.#less(items[child]!, items[at]!)) return;
      this.#swap(at, child);
      at = child;
    }
  }

  #swap(a: number, b: number): void {
    const item = this.items[a]!;
    this.items[a] = this.items[b]!;
    this.items[b] = item;
  }

  /** The chosen, best first. */
  sorted(): number[] {
    const { items } = this;
    if (items.length <= 12) {
      for (let i = 1; i < items.length; i++) {
        for (let j = i; j > 0 && this.#less(items[j - 1]!, items[j]!); j--) this.#swap(j, j - 1);
      }
      return items;
    }
    const sign = this.#largest ? -1 : 1;
    return items.sort((a, b) => {
      const x = this.value(a);
      const y = this.value(b);
      if (Number.isNaN(x)) return Number.isNaN(y) ? 0 : 1;
      return Number.isNaN(y) ? -1 : sign * (x - y);
    });
  }
}

/** Chooses at one step; returns row numbers, best first. */
function choose(
  rows: readonly Row[],
  heap: Heap,
  step: number,
  k: number,
  largest: boolean,
  ignored: () => void,
): void {
  heap.reset(step);
  for (let item = 0; item < rows.length; item++) {
    const row = rows[item]!;
    if (row.present[step] === 0) continue;
    if (row.histogramAt(step) !== undefined) {
      ignored();
      continue;
    }
    const { items } = heap;
    if (items.length < k) {
      heap.push(item);
      continue;
    }
    const value = row.values[step]!;
    const worst = heap.value(items[0]!);
    const better = largest ? worst < value : worst > value;
    if (better || (Number.isNaN(worst) && !Number.isNaN(value))) heap.replaceTop(item);
  }
}

/** A copy of a row without samples. */
export function emptyCopy(row: Row): Row {
  const { values } = row;
  const labels = row.labelBytes === null ? row.labels : null;
  const present = new Uint8Array(values.length);
  const out = new Row(labels, values, present, row.histograms, row.dropName, row.labelBytes);
  out.metadataDropped = row.metadataDropped;
  return out;
}

/** Evaluates `topk` or `bottomk`. */
export async function topAggregation(
  node: AggregateExpr,
  ev: Evaluation,
  emit: Emit,
): Promise<void> {
  const parameter = await parameterOf(node, ev);
  const { groups, count } = await groupedRows(node, ev);
  if (parameter.max < 1) return;
  checkCount(parameter);
  const largest = node.op === "topk";
  const ignored = (): void =>
    ev.annotations.info(infos.histogramIgnoredInAggregation(node.op), node.range);
  for (const rows of groups) {
    const heap = new Heap(rows, largest);
    const chosen = rows.map(() => null as Row | null);
    let order: number[] = [];
    for (let step = 0; step < ev.steps.count; step++) {
      const k = Math.min(Math.trunc(parameter.values[step]!), count);
      if (k < 1) continue;
      if ((step & 15) === 15 && ev.limits.due()) await ev.limits.breathe();
      choose(rows, heap, step, k, largest, ignored);
      if (ev.steps.count === 1) order = heap.sorted();
      for (const item of heap.items) {
        chosen[item] ??= emptyCopy(rows[item]!);
        chosen[item].present[step] = 1;
      }
    }
    if (ev.limits.due()) await ev.limits.breathe();
    if (ev.steps.count === 1) await eachItem(order, ev.limits, (item) => emit(chosen[item]!));
    else {
      await eachItem(chosen, ev.limits, (row) => {
        if (row !== null) emit(row);
      });
    }
  }
}
