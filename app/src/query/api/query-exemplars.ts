// GET, POST /api/v1/query_exemplars.
import { messageOf } from "@deucalion/base";
import { ApiError } from "../../http/answers/api-error.ts";
import type { ApiHandler } from "../../http/http-server.ts";
import { apiMaxTimeMs, apiMinTimeMs, parseTimeParam } from "../parse-value.ts";
import { tenantOf } from "../tenancy.ts";
import type { QueryContext } from "./query-context.ts";
import { parseQueryText } from "./query-params.ts";

export function queryExemplarsHandler(context: QueryContext): ApiHandler {
  return async (exchange) => {
    const form = await exchange.form();
    const startMs = parseTimeParam(form.get("start"), "start", apiMinTimeMs);
    const endMs = parseTimeParam(form.get("end"), "end", apiMaxTimeMs);
    const query = form.get("query");
    parseQueryText(context, query);
    try {
      return await context.querier.exemplars(query, startMs, endMs, {
        partialResponse: context.options.partialResponses.exemplars,
        signal: exchange.signal,
        tenant: tenantOf(exchange, context.options.tenancy),
      });
    } catch (error) {
      throw new ApiError("internal", `retrieving exemplars: ${messageOf(error)}`, { cause: error });
    }
  };
}
