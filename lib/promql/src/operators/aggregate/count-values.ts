// count_values: how many series of a group have each value, by a label that shows the value.
import { histogramText, type Labels } from "@deucalion/model";
import { PromqlError } from "../../errors.ts";
import type { AggregateExpr } from "../../parse/ast.ts";
import { quoteGo } from "../../parse/print/go-quote.ts";
import { Row } from "../../row.ts";
import { eachItem } from "../each-item.ts";
import type { Emit, Evaluation } from "../evaluation.ts";
import { formatGoFixed } from "./format-fixed.ts";

/** Steps that a value may have before its counts become a column. */
const sparseMax = 24;

/** Counts of one value in one group: few steps as a list, many as a column. */
class ValueCount {
  readonly #steps: number[] = [];
  readonly #counts: number[] = [];
  #row: Row | null = null;

  add(step: number, count: number): void {
    if (this.#row === null) {
      const known = this.#steps.lastIndexOf(step);
      if (known >= 0) {
        this.#counts[known]!++;
        return;
      }
      if (this.#steps.length < sparseMax) {
        this.#steps.push(step);
        this.#counts.push(1);
        return;
      }
      this.#row = this.#column(new Row(null, new Float64Array(count), new Uint8Array(count)));
    }
    const row = this.#row;
    row.values[step] = row.present[step] === 1 ? row.values[step]! + 1 : 1;
    row.present[step] = 1;
  }

  #column(row: Row): Row {
    for (const [i, step] of this.#steps.entries()) row.setFloat(step, this.#counts[i]!);
    return row;
  }

  /** The counts as a row; `empty` is used unless there is one already. */
  row(empty: () => Row): Row {
    return this.#row ?? this.#column(empty());
  }
}

/** Series that differ in their values only. */
interface Group {
  /** Labels without the one for the value. */
  readonly labels: Labels;
  readonly values: Map<number | string, ValueCount>;
}

function labelOf(node: AggregateExpr): string {
  const { param } = node;
  const name = param?.kind === "string" ? param.value : "";
  if (name === "" || /\p{Surrogate}/u.test(name)) {
    throw new PromqlError("PROMQL_EXECUTION", `invalid label name ${quoteGo(name)}`);
  }
  return name;
}

/** What a row keeps of its labels, whatever its values. */
function baseLabels(row: Row, label: string, node: AggregateExpr): Labels {
  if (node.without) return row.labels.drop(new Set([...node.grouping, "__name__", label]));
  const names = new Set(node.grouping);
  names.delete(label);
  return row.labels.keep(names);
}

function countRow(row: Row, group: Group): void {
  const { present, values } = row;
  for (let step = 0; step < present.length; step++) {
    if (present[step] === 0) continue;
    const histogram = row.histogramAt(step);
    const value = values[step]!;
    let key: number | string = value;
    if (histogram !== undefined) key = histogramText(histogram);
    else if (value === 0 && 1 / value < 0) key = "-0";
    let count = group.values.get(key);
    if (count === undefined) {
      count = new ValueCount();
      group.values.set(key, count);
    }
    count.add(step, present.length);
  }
}

/** Evaluates `count_values`. */
export async function countValues(node: AggregateExpr, ev: Evaluation, emit: Emit): Promise<void> {
  const label = labelOf(node);
  const groups = new Map<string, Group>();
  const { limits } = ev;
  let held = 0;
  await ev.evaluate(node.expr, (row) => {
    const labels = baseLabels(row, label, node);
    let group = groups.get(labels.key);
    if (group === undefined) {
      group = { labels, values: new Map() };
      groups.set(labels.key, group);
    }
    const before = group.values.size;
    countRow(row, group);
    const bytes = (group.values.size - before) * 600;
    held += bytes;
    limits.holdBytes(bytes);
    ev.release(row);
  });
  // With `without (label)` the value does not show, and all values of a group are one series.
  const hidden = node.without && node.grouping.includes(label);
  for (const { labels, values } of groups.values()) {
    if (hidden) {
      emit(allValues(values, labels, ev));
      continue;
    }
    await eachItem([...values], limits, ([value, count]) => {
      const row = count.row(() => ev.newRow());
      row.labels = labels.with(label, typeof value === "number" ? formatGoFixed(value) : value);
      emit(row);
    });
  }
  limits.holdBytes(-held);
}

/** Sums up the counts of all values. */
function allValues(values: Group["values"], labels: Labels, ev: Evaluation): Row {
  const sum = ev.newRow();
  sum.labels = labels;
  for (const count of values.values()) {
    const row = count.row(() => ev.newRow());
    for (let i = 0; i < row.present.length; i++) {
      if (row.present[i] === 1) {
        sum.setFloat(i, (sum.present[i] === 1 ? sum.values[i]! : 0) + row.values[i]!);
      }
    }
    ev.release(row);
  }
  return sum;
}
