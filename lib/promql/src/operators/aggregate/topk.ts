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

  /** True if a value belongs in place of an item. */
  isBetter(value: number, item: number): boolean {
    const worst = this.value(item);
    if (this.#largest ? worst < value : worst > value) return true;
    return Number.isNaN(worst) && !Number.isNaN(value);
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
    if (heap.isBetter(row.values[step]!, items[0]!)) heap.replaceTop(item);
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

/** The chosen rows of one group at a single step: no more than k are kept while rows go by. */
class Chosen {
  readonly rows: Row[] = [];
  readonly heap: Heap;
  readonly #k: number;

  constructor(k: number, largest: boolean) {
    this.heap = new Heap(this.rows, largest);
    this.#k = k;
  }

  /** Takes a row that has a float, or gives it back; returns true if one more row is held. */
  add(row: Row, ev: Evaluation): boolean {
    const { rows, heap } = this;
    const { items } = heap;
    if (items.length < this.#k) {
      row.detach();
      heap.push(rows.push(row) - 1);
      return true;
    }
    const worst = items[0]!;
    if (!heap.isBetter(row.values[0]!, worst)) {
      ev.release(row);
      return false;
    }
    row.detach();
    ev.release(rows[worst]!);
    rows[worst] = row;
    heap.replaceTop(worst);
    return false;
  }
}

/** `topk` or `bottomk` at one step, for a k that is at least 1. */
async function topAtOnce(
  node: AggregateExpr,
  k: number,
  ev: Evaluation,
  emit: Emit,
): Promise<void> {
  const numbers = new LabelGroups(node.grouping, node.without);
  const groups: Chosen[] = [];
  const { limits, rowBytes } = ev;
  let held = 0;
  await ev.evaluate(node.expr, (row) => {
    const group = numbers.groupOf(row);
    groups[group] ??= new Chosen(k, node.op === "topk");
    if (row.present[0] === 0) {
      ev.release(row);
    } else if (row.histogramAt(0) !== undefined) {
      ev.annotations.info(infos.histogramIgnoredInAggregation(node.op), node.range);
      ev.release(row);
    } else if (groups[group].add(row, ev)) {
      held++;
      limits.holdBytes(rowBytes);
    }
  });
  limits.holdBytes(-rowBytes * held);
  await eachItem(groups, limits, ({ rows, heap }) => {
    for (const item of heap.sorted()) emit(rows[item]!);
  });
}

/** Evaluates `topk` or `bottomk`. */
export async function topAggregation(
  node: AggregateExpr,
  ev: Evaluation,
  emit: Emit,
): Promise<void> {
  const parameter = await parameterOf(node, ev);
  if (ev.steps.count === 1 && parameter.max >= 1 && parameter.max < 2 ** 31) {
    return topAtOnce(node, Math.trunc(parameter.max), ev, emit);
  }
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
      choose(rows, heap, step, k, ignored);
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
