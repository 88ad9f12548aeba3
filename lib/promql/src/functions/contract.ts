// What a function over instant vectors looks like, and what it may ask of the engine.
import type { Matcher } from "@deucalion/model";
import type { Annotations } from "../annotations/annotations.ts";
import type { Call } from "../parse/ast.ts";
import type { Row, Steps } from "../row.ts";

/** Options of the evaluation that functions may need. */
export interface EvalOptions {
  readonly lookbackMs: number;
  readonly delayedNameRemoval: boolean;
  readonly useStartTimestamps: boolean;
  readonly typeAndUnitLabels: boolean;
}

/** An instant selector that a function makes up itself (`info`). */
export interface InstantSelect {
  readonly matchers: readonly Matcher[];
  /** Added to the lookup: the sample of step t is looked up at t − offsetMs. */
  readonly offsetMs: number;
  /** Looked up at this time for every step; wins over the steps. */
  readonly atMs?: number;
  /** Rows hold the time of the sample found (ms) in place of its value; a histogram there is an error. */
  readonly sampleTimes: boolean;
}

/** What an evaluation offers to functions and operators. */
export interface EvalContext {
  readonly steps: Steps;
  readonly options: EvalOptions;
  /** Warnings and infos; `annotations.warn(text, range)`, see annotations/messages.ts for the texts. */
  readonly annotations: Annotations;
  /** Throws PROMQL_CANCELED, PROMQL_TIMEOUT or PROMQL_LIMIT; call every few thousand samples of a long loop. */
  readonly check: () => void;
  /** Visits all rows in order and lets others run meanwhile; for loops over many rows. */
  readonly eachRow: (rows: readonly Row[], visit: (row: Row) => void) => Promise<void>;
  /** Charges bytes to the query until it ends. Throws PROMQL_LIMIT. */
  readonly holdBytes: (bytes: number) => void;
  /** Reads series outside of the tree; rows come ordered by labels and only where they have samples. */
  readonly select: (request: InstantSelect) => Promise<Row[]>;
}

/**
 * Works row by row on one vector argument: math, clamp, round, histogram_sum, date functions, …
 * `row` belongs to the function: change it in place and return it, or null for nothing. It drops the metric name
 * itself (`dropMetricName` of row.ts) where the function does. Equal label sets are found by the engine.
 */
export interface ElementwiseFunction {
  readonly kind: "elementwise";
  /** Which argument is the vector. */
  readonly vectorArg: number;
  /** `args[i]` is the scalar row of argument i; undefined for the vector itself and for strings (see `call.args`). */
  readonly apply: (
    row: Row,
    args: readonly (Row | undefined)[],
    call: Call,
    ctx: EvalContext,
  ) => Row | null;
}

/**
 * Needs all rows of its arguments: absent, sort, histogram_quantile, label_replace, scalar, vector, time, info, …
 * `inputs[i]` are the rows of argument i: one row for a scalar, none for a string (see `call.args`).
 * A scalar result is one row without labels, present at every step. With one step (instant query) the order of
 * rows is kept to the end of the query. Equal label sets are found (and merged or refused) by the engine.
 */
export interface VectorFunction {
  readonly kind: "vector";
  readonly apply: (
    inputs: readonly Row[][],
    call: Call,
    ctx: EvalContext,
  ) => Row[] | Promise<Row[]>;
}

export type FunctionImplementation = ElementwiseFunction | VectorFunction;

// functions/registry.ts exports `functionImplementations: ReadonlyMap<string, FunctionImplementation>`.
// The engine handles itself: every function with a range-vector argument, `timestamp` and `start_timestamp` directly
// over a selector, and start(), end(), step(), range(), which are folded to numbers by the planner.
// `timestamp` of anything else arrives here: it is the time of the step.
