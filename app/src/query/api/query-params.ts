// Parameters that instant and range queries share.
import type { Matcher, ShardSelector } from "@deucalion/model";
import { type Expr, PromqlError, parseExpr, typeName, typeOf } from "@deucalion/promql";
import { ApiError, badData } from "../../http/answers/api-error.ts";
import type { Exchange } from "../../http/exchange.ts";
import type { FormValues } from "../../http/requests/form-values.ts";
import { lookbackFor } from "../lookback.ts";
import { parseBool, parseDuration, parseLimit, parseNamedDuration } from "../parse-value.ts";
import { confineQuery, tenantMatcher, tenantOf } from "../tenancy.ts";
import { type QueryContext, replicaLabels, storeMatch } from "./query-context.ts";

export interface QueryParams {
  /** The text, confined to the tenant where that is enforced. */
  readonly query: string;
  readonly expr: Expr;
  readonly tenant: string;
  readonly timeoutMs: number;
  readonly dedup: boolean;
  readonly replicaLabels: readonly string[];
  readonly storeMatch: readonly (readonly Matcher[])[];
  readonly partialResponse: boolean;
  readonly maxSourceResolutionMs: number;
  readonly shard: ShardSelector | null;
  readonly lookbackMs: number;
  /** Series of an answer at most; 0 for no limit. */
  readonly limit: number;
  readonly analyze: boolean;
  readonly stats: "none" | "totals" | "all";
}

/** The parameter of the engine: both of Thanos' names run ours. */
export function engineParam(context: QueryContext, form: FormValues): string {
  const engine = form.get("engine") || context.options.engine;
  if (engine !== "prometheus" && engine !== "thanos") throw badData(`'${engine}' bad engine`);
  return engine;
}

function timeoutOf(context: QueryContext, form: FormValues): number {
  const most = context.options.timeoutMs;
  const text = form.get("timeout");
  if (text === "") return most;
  const asked = parseDuration(text);
  // No time is no time: 0 is not "without limit".
  if (asked <= 0) throw new ApiError("timeout", "query timed out in query execution");
  return most > 0 ? Math.min(most, asked) : asked;
}

function resolutionOf(context: QueryContext, form: FormValues, auto: number): number {
  const text = form.get("max_source_resolution");
  let resolution = context.options.autoDownsampling || text === "auto" ? auto : 0;
  if (text !== "" && text !== "auto")
    resolution = parseNamedDuration(text, "max_source_resolution");
  if (resolution < 0) {
    throw badData("negative 'max_source_resolution' is not accepted. Try a positive integer");
  }
  return Math.trunc(resolution);
}

function shardOf(form: FormValues): ShardSelector | null {
  const text = form.get("shard_info");
  if (text === "") return null;
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    throw badData(`could not unmarshal parameter shard_info: ${(error as Error).message}`);
  }
  const shard = (raw ?? {}) as Record<string, unknown>;
  const total = Number(shard.total_shards ?? 0);
  if (!Number.isInteger(total) || total < 1) return null;
  return {
    index: Number(shard.shard_index ?? 0),
    total,
    by: shard.by === true,
    labels: Array.isArray(shard.labels) ? shard.labels.map(String) : [],
  };
}

function lookbackOf(context: QueryContext, form: FormValues, resolutionMs: number): number {
  const text = form.get("lookback_delta");
  const asked = text === "" ? 0 : parseNamedDuration(text, "lookback_delta");
  if (asked > 0) return asked;
  const { lookbackMs, dynamicLookback } = context.options;
  return lookbackFor(lookbackMs, dynamicLookback, resolutionMs);
}

/** Parses the text of the query. Throws ApiError bad_data in the parser's words. */
export function parseQueryText(context: QueryContext, text: string): Expr {
  try {
    return parseExpr(text, context.parse);
  } catch (error) {
    if (error instanceof PromqlError) throw badData(error.message);
    throw error;
  }
}

function queryText(context: QueryContext, form: FormValues, tenant: string): string {
  const text = form.get("query");
  const { enforce, label } = context.options.tenancy;
  if (!enforce) return text;
  try {
    return confineQuery(text, tenantMatcher(label, tenant), context.parse);
  } catch (error) {
    if (!(error instanceof PromqlError)) throw error;
    throw badData(`error parsing query string, when enforcing tenenacy: ${error.message}`);
  }
}

/** "all" tells of each step too, anything else of the whole. */
function statsOf(text: string): QueryParams["stats"] {
  if (text === "") return "none";
  return text === "all" ? "all" : "totals";
}

/** Reads them in Thanos' order. `auto` is the resolution that "auto" stands for. Throws ApiError bad_data. */
export function queryParams(
  context: QueryContext,
  exchange: Exchange,
  form: FormValues,
  kind: "instant" | "range",
  auto: number,
): QueryParams {
  const { options } = context;
  const timeoutMs = timeoutOf(context, form);
  const dedup = parseBool(form.get("dedup"), "dedup", true);
  const labels = replicaLabels(context, form);
  const stores = storeMatch(context, form);
  const partialResponse = parseBool(
    form.get("partial_response"),
    "partial_response",
    options.partialResponse,
  );
  const maxSourceResolutionMs = resolutionOf(context, form, auto);
  const shard = shardOf(form);
  engineParam(context, form);
  const lookbackMs = lookbackOf(context, form, maxSourceResolutionMs);
  const tenant = tenantOf(exchange, options.tenancy);
  const query = queryText(context, form, tenant);
  const expr = parseQueryText(context, query);
  const type = typeOf(expr);
  if (kind === "range" && type !== "vector" && type !== "scalar") {
    throw badData(
      `invalid expression type ${JSON.stringify(typeName(type))} for range query, must be Scalar or instant Vector`,
    );
  }
  const analyze = form.get("analyze");
  return {
    query,
    expr,
    tenant,
    timeoutMs,
    dedup,
    replicaLabels: labels,
    storeMatch: stores,
    partialResponse,
    maxSourceResolutionMs,
    shard,
    lookbackMs,
    limit: parseLimit(form.get("limit")),
    analyze: analyze === "true" || analyze === "1",
    stats: statsOf(form.get("stats")),
  };
}
