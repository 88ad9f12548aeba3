// sort, sort_desc, sort_by_label, sort_by_label_desc. They matter for instant queries only.
import { compareLabels } from "@deucalion/model";
import { warnings } from "../../annotations/messages.ts";
import type { Call } from "../../parse/ast.ts";
import type { Row } from "../../row.ts";
import { stringArg } from "../arguments.ts";
import type { EvalContext, VectorFunction } from "../contract.ts";
import { keepFloats } from "../math/elementwise-math.ts";
import { naturallyBefore } from "./natural-order.ts";
import { patternSort } from "./pattern-sort.ts";

/** Warns and returns true where the order would not survive. */
function ineffective(call: Call, ctx: EvalContext): boolean {
  if (ctx.steps.count <= 1) return false;
  ctx.annotations.warn(warnings.sortInRangeQuery, call.range);
  return true;
}

/** NaN comes last in either direction. */
function byValue(descending: boolean): VectorFunction {
  return {
    kind: "vector",
    apply: (inputs, call, ctx) => {
      const rows = (inputs[0] ?? []).filter(keepFloats);
      if (ineffective(call, ctx)) return rows;
      // A NaN goes behind everything, other NaNs included, whichever the direction.
      return patternSort(rows, (a, b) => {
        const x = a.values[0]!;
        const y = b.values[0]!;
        return Number.isNaN(y) || (descending ? y < x : y > x);
      });
    },
  };
}

function byLabel(descending: boolean): VectorFunction {
  return {
    kind: "vector",
    apply: (inputs, call, ctx) => {
      const rows: Row[] = inputs[0] ?? [];
      if (ineffective(call, ctx)) return rows;
      const names = call.args.slice(1).map((_, i) => stringArg(call, i + 1));
      // An empty value comes neither before nor after another one: the way of sorting decides.
      return patternSort(rows, (a, b) => {
        for (const name of names) {
          const x = a.labels.get(name);
          const y = b.labels.get(name);
          if (x !== y) return naturallyBefore(x, y) !== descending;
        }
        return compareLabels(a.labels, b.labels) * (descending ? -1 : 1) < 0;
      });
    },
  };
}

/** Sorting functions by name. */
export const sortFunctions: ReadonlyMap<string, VectorFunction> = new Map([
  ["sort", byValue(false)],
  ["sort_desc", byValue(true)],
  ["sort_by_label", byLabel(false)],
  ["sort_by_label_desc", byLabel(true)],
]);
