// GET, POST /api/v1/format_query and /parse_query, as Prometheus has them.
import { astJson, type Expr, PromqlError, parseExpr, prettyExpr } from "@deucalion/promql";
import { badData } from "../../http/answers/api-error.ts";
import type { Exchange } from "../../http/exchange.ts";
import type { ApiHandler } from "../../http/http-server.ts";
import type { QueryContext } from "./query-context.ts";

async function parsed(context: QueryContext, exchange: Exchange): Promise<Expr> {
  const text = (await exchange.form()).get("query");
  try {
    return parseExpr(text, context.parse);
  } catch (error) {
    if (error instanceof PromqlError) throw badData(`invalid parameter "query": ${error.message}`);
    throw error;
  }
}

export function formatQueryHandler(context: QueryContext): ApiHandler {
  return async (exchange) => ({ data: prettyExpr(await parsed(context, exchange)) });
}

export function parseQueryHandler(context: QueryContext): ApiHandler {
  return async (exchange) => ({ data: astJson(await parsed(context, exchange)) });
}
