// GET, POST /api/v1/query_range and /query_range_explain.
import { badData } from "../../http/answers/api-error.ts";
import type { ApiHandler } from "../../http/http-server.ts";
import type { FormValues } from "../../http/requests/form-values.ts";
import { parseNamedDuration, parseTime } from "../parse-value.ts";
import { explainTree } from "./explain-tree.ts";
import type { QueryContext } from "./query-context.ts";
import { engineParam, queryParams } from "./query-params.ts";
import { runQuery } from "./run-query.ts";

/** Points of one series that an answer may have. */
const pointsMax = 11_000;

interface Range {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

function rangeOf(context: QueryContext, form: FormValues): Range {
  const startMs = parseTime(form.get("start"));
  const endMs = parseTime(form.get("end"));
  if (endMs < startMs) throw badData("end timestamp must not be before start time");
  const text = form.get("step");
  const seconds = Math.floor((endMs - startMs) / 1000);
  const usual = Math.max(
    Math.floor(seconds / 250),
    Math.floor(context.options.defaultStepMs / 1000),
  );
  const stepMs = text === "" ? usual * 1000 : parseNamedDuration(text, "step");
  if (stepMs <= 0) {
    throw badData(
      "zero or negative query resolution step widths are not accepted. Try a positive integer",
    );
  }
  if (Math.floor((endMs - startMs) / stepMs) > pointsMax) {
    throw badData(
      "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
    );
  }
  // Times are whole milliseconds; a shorter step would never end.
  return { startMs, endMs, stepMs: Math.max(1, Math.trunc(stepMs)) };
}

export function queryRangeHandler(context: QueryContext): ApiHandler {
  return async (exchange) => {
    const form = await exchange.form();
    const { startMs, endMs, stepMs } = rangeOf(context, form);
    const params = queryParams(context, exchange, form, "range", stepMs / 5);
    context.metrics.range((endMs - startMs) / 1000);
    return runQuery(
      context,
      exchange.signal,
      params,
      "range",
      { startMs, stepMs },
      (source, query) => context.engine.range(params.query, source, startMs, endMs, stepMs, query),
    );
  };
}

export function queryRangeExplainHandler(context: QueryContext): ApiHandler {
  return async (exchange) => {
    const form = await exchange.form();
    if (engineParam(context, form) !== "thanos") throw badData("engine type must be 'thanos'");
    const { stepMs } = rangeOf(context, form);
    const params = queryParams(context, exchange, form, "range", stepMs / 5);
    return { data: explainTree(params.expr) };
  };
}
