// Runs one function over given rows, for tests of this folder.
import { Annotations } from "../annotations/annotations.ts";
import { parseExpr } from "../parse/parse.ts";
import { makeSteps, type Row } from "../row.ts";
import type { EvalContext, EvalOptions, InstantSelect } from "./contract.ts";
import { functionImplementations } from "./registry.ts";

const experimental = {
  experimentalFunctions: true,
  durationExpressions: true,
  extendedRangeSelectors: true,
  binopFillModifiers: true,
  xFunctions: false,
};

export interface CallSetup {
  readonly steps?: number;
  readonly options?: Partial<EvalOptions>;
  readonly select?: (request: InstantSelect) => Promise<Row[]>;
}

/** Applies the function of `text` to `inputs`; returns its rows and annotations. */
export async function callForTest(
  text: string,
  inputs: Row[][],
  setup: CallSetup = {},
): Promise<{ rows: Row[]; annotations: string[] }> {
  const call = parseExpr(text, experimental);
  if (call.kind !== "call") throw new Error(`not a call: ${text}`);
  const count = setup.steps ?? 1;
  const annotations = new Annotations();
  const ctx: EvalContext = {
    steps: makeSteps(0, (count - 1) * 60_000, 60_000),
    options: {
      lookbackMs: 300_000,
      delayedNameRemoval: false,
      useStartTimestamps: false,
      typeAndUnitLabels: false,
      ...setup.options,
    },
    annotations,
    eachRow: async (rows, visit) => rows.forEach(visit),
    holdBytes: () => undefined,
    check: () => undefined,
    select: setup.select ?? (async () => []),
  };
  const implementation = functionImplementations.get(call.func);
  if (implementation === undefined) throw new Error(`no function ${call.func}`);
  let rows: Row[];
  if (implementation.kind === "vector") rows = await implementation.apply(inputs, call, ctx);
  else {
    const scalars = inputs.map((list, i) => (i === implementation.vectorArg ? undefined : list[0]));
    rows = (inputs[implementation.vectorArg] ?? []).flatMap(
      (row) => implementation.apply(row, scalars, call, ctx) ?? [],
    );
  }
  const texts = [...annotations.texts("warning", text), ...annotations.texts("info", text)];
  return { rows, annotations: texts };
}
