// GET, POST /api/v1/query and /query_explain.
import { badData } from "../../http/answers/api-error.ts";
import type { ApiHandler } from "../../http/http-server.ts";
import { parseTimeParam } from "../parse-value.ts";
import { explainTree } from "./explain-tree.ts";
import type { QueryContext } from "./query-context.ts";
import { engineParam, queryParams } from "./query-params.ts";
import { runQuery } from "./run-query.ts";

export function queryHandler(context: QueryContext): ApiHandler {
  return async (exchange) => {
    const form = await exchange.form();
    const timeMs = parseTimeParam(form.get("time"), "time", context.app.now());
    const auto = context.options.instantMaxSourceResolutionMs;
    const params = queryParams(context, exchange, form, "instant", auto);
    const steps = { startMs: timeMs, stepMs: 0 };
    return runQuery(context, exchange.signal, params, "instant", steps, (source, query) =>
      context.engine.instant(params.query, source, timeMs, query),
    );
  };
}

export function queryExplainHandler(context: QueryContext): ApiHandler {
  return async (exchange) => {
    const form = await exchange.form();
    if (engineParam(context, form) !== "thanos") throw badData("engine type must be 'thanos'");
    parseTimeParam(form.get("time"), "time", context.app.now());
    const params = queryParams(context, exchange, form, "instant", 0);
    return { data: explainTree(params.expr) };
  };
}
