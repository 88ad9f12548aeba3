// GET /api/v1/status/tsdb.
import { messageOf } from "@deucalion/base";
import { ApiError, badData } from "../../http/answers/api-error.ts";
import type { ApiHandler } from "../../http/http-server.ts";
import { parseLimit } from "../parse-value.ts";
import { tenantMatcher, tenantOf } from "../tenancy.ts";
import { type QueryContext, selector } from "./query-context.ts";

export function statusTsdbHandler(context: QueryContext): ApiHandler {
  return async (exchange) => {
    const form = await exchange.form();
    const limit = parseLimit(form.get("limit")) || 10;
    if (limit > 0x7fffffff) throw badData(`limit ${limit} overflows int32`);
    const matchers = form.all("match[]").flatMap((text) => selector(text, context.parse));
    const { enforce, label } = context.options.tenancy;
    const tenant = tenantOf(exchange, context.options.tenancy);
    const confined = enforce ? tenant : "";
    if (confined !== "") matchers.push(tenantMatcher(label, confined));
    try {
      const { data, warnings } = await context.querier.tsdbStatus(matchers, limit, confined, {
        partialResponse: context.options.partialResponses.status,
        signal: exchange.signal,
        tenant,
      });
      if (data === null) throw new Error(`${tenant} tenant not found`);
      return { data, warnings };
    } catch (error) {
      throw new ApiError("internal", `retrieving tsdb statistics: ${messageOf(error)}`, {
        cause: error,
      });
    }
  };
}
