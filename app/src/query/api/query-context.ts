// What the API's handlers share.
import type { Log } from "@deucalion/base";
import { Matcher } from "@deucalion/model";
import {
  type Engine,
  type Expr,
  type ParseOptions,
  PromqlError,
  parseExpr,
  parseMetricSelector,
} from "@deucalion/promql";
import { badData } from "../../http/answers/api-error.ts";
import type { FormValues } from "../../http/requests/form-values.ts";
import type { AppProcess } from "../../process/app-process.ts";
import type { ActiveQueries } from "../active-queries.ts";
import type { BytePool } from "../byte-pool.ts";
import type { Gate, GateMetrics } from "../gate.ts";
import type { QueryApiOptions } from "../options.ts";
import { apiMaxTimeMs, apiMinTimeMs, parseTimeParam } from "../parse-value.ts";
import type { Querier } from "../querier.ts";
import type { QueryMetrics } from "../query-metrics.ts";
import type { RemoteQueriers } from "../remote/remote-queriers.ts";
import { confineMatchers, tenantMatcher } from "../tenancy.ts";

export interface QueryContext {
  readonly app: AppProcess;
  readonly log: Log;
  readonly options: QueryApiOptions;
  readonly parse: ParseOptions;
  readonly querier: Querier;
  /** Evaluates queries; anything with the two methods of lib/promql's Engine. */
  readonly engine: Pick<Engine, "instant" | "range">;
  /** Other queriers that evaluate parts of queries; null unless this is asked for. */
  readonly remotes: RemoteQueriers | null;
  readonly gate: Gate;
  /** Of the gates that each query has for its selects. */
  readonly selects: GateMetrics;
  readonly active: ActiveQueries;
  readonly bytes: BytePool;
  readonly metrics: QueryMetrics;
}

/** Go's names of nodes, as Thanos prints them where it wanted a selector. */
const goTypes: Readonly<Record<Expr["kind"], string>> = {
  number: "NumberLiteral",
  string: "StringLiteral",
  vector: "VectorSelector",
  matrix: "MatrixSelector",
  subquery: "SubqueryExpr",
  aggregate: "AggregateExpr",
  binary: "BinaryExpr",
  call: "Call",
  unary: "UnaryExpr",
  paren: "ParenExpr",
  stepInvariant: "StepInvariantExpr",
};

/** Matchers of a selector. As in Thanos, any expression is parsed first. Throws ApiError bad_data in the parser's words. */
export function selector(text: string, parse: ParseOptions): Matcher[] {
  try {
    const expr = parseExpr(text, parse);
    if (expr.kind === "vector") return [...expr.matchers];
    throw badData(`expected type *parser.VectorSelector, got *parser.${goTypes[expr.kind]}`);
  } catch (error) {
    if (!(error instanceof PromqlError)) throw error;
    if (!error.message.endsWith("vector selector must contain at least one non-empty matcher")) {
      throw badData(error.message);
    }
    return parseMetricSelector(text, parse);
  }
}

/** The `match[]` selectors, confined to the tenant where that is enforced. */
export function matcherSets(context: QueryContext, form: FormValues, tenant: string): Matcher[][] {
  const { enforce, label } = context.options.tenancy;
  const sets = form.all("match[]").map((text) => selector(text, context.parse));
  if (!enforce) return sets;
  const own = tenantMatcher(label, tenant);
  return sets.length === 0 ? [[own]] : sets.map((matchers) => confineMatchers(matchers, own));
}

/** The `storeMatch[]` selectors. */
export function storeMatch(context: QueryContext, form: FormValues): Matcher[][] {
  return form.all("storeMatch[]").map((text) => selector(text, context.parse));
}

/** The labels that `replicaLabels[]` names, or those of the flag. */
export function replicaLabels(context: QueryContext, form: FormValues): readonly string[] {
  const given = form.all("replicaLabels[]");
  return given.length > 0 ? given : context.options.replicaLabels;
}

/** The time range of label and series requests. Throws ApiError bad_data. */
export function metadataRange(
  context: QueryContext,
  form: FormValues,
): { readonly minTime: number; readonly maxTime: number } {
  const range = context.options.metadataRangeMs;
  const now = context.app.now();
  const fallback = range === 0 ? [apiMinTimeMs, apiMaxTimeMs] : [now - range, now];
  const prefixed = (text: string, name: string, otherwise: number) => {
    try {
      return parseTimeParam(text, name, otherwise);
    } catch (error) {
      throw badData(`bad_data: ${(error as Error).message}`);
    }
  };
  const minTime = prefixed(form.get("start"), "start", fallback[0]!);
  const maxTime = prefixed(form.get("end"), "end", fallback[1]!);
  if (maxTime < minTime) throw badData("bad_data: end timestamp must not be before start time");
  return { minTime, maxTime };
}

/** A matcher that every series has: for requests without any. */
export const anySeries: readonly Matcher[] = [new Matcher("=~", "__name__", ".*")];
