// label_replace and label_join.
import { compileReplacer } from "@deucalion/model";
import { PromqlError } from "../errors.ts";
import type { Row } from "../row.ts";
import { stringArg } from "./arguments.ts";
import type { EvalContext, VectorFunction } from "./contract.ts";

function fail(message: string): never {
  throw new PromqlError("PROMQL_EXECUTION", message, {});
}

/** Prometheus takes any text without broken characters. */
function isLabelName(name: string): boolean {
  return name !== "" && !/\p{Surrogate}/u.test(name);
}

/** Values longer than this are charged to the query, so that labels that are put together again and again end. */
const freeLabelUnits = 1024;

function setLabel(row: Row, name: string, value: string, ctx: EvalContext): void {
  if (value.length > freeLabelUnits) ctx.holdBytes(2 * value.length);
  row.labels = row.labels.with(name, value);
  if (name === "__name__") row.dropName = false;
}

const labelReplace: VectorFunction = {
  kind: "vector",
  apply: async (inputs, call, ctx) => {
    const to = stringArg(call, 1);
    const template = stringArg(call, 2);
    const from = stringArg(call, 3);
    const pattern = stringArg(call, 4);
    const replacer = compileReplacer(pattern, template);
    if (replacer === null) fail(`invalid regular expression in label_replace(): ${pattern}`);
    if (!isLabelName(to)) fail(`invalid destination label name in label_replace(): ${to}`);
    const rows = inputs[0] ?? [];
    const known = new Map<string, string | null>();
    await ctx.eachRow(rows, (row) => {
      const value = row.labels.get(from);
      let replaced = known.get(value);
      if (replaced === undefined) {
        replaced = replacer(value);
        known.set(value, replaced);
      }
      if (replaced !== null) setLabel(row, to, replaced, ctx);
    });
    return rows;
  },
};

const labelJoin: VectorFunction = {
  kind: "vector",
  apply: async (inputs, call, ctx) => {
    const to = stringArg(call, 1);
    const separator = stringArg(call, 2);
    const from = call.args.slice(3).map((_, i) => stringArg(call, i + 3));
    for (const name of from) {
      if (!isLabelName(name)) fail(`invalid source label name in label_join(): ${name}`);
    }
    if (!isLabelName(to)) fail(`invalid destination label name in label_join(): ${to}`);
    const rows = inputs[0] ?? [];
    await ctx.eachRow(rows, (row) => {
      const labels = row.labels;
      setLabel(row, to, from.map((name) => labels.get(name)).join(separator), ctx);
    });
    return rows;
  },
};

/** Functions that change labels, by name. */
export const labelFunctions: ReadonlyMap<string, VectorFunction> = new Map([
  ["label_replace", labelReplace],
  ["label_join", labelJoin],
]);
