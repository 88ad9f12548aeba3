// GET /api/v1/metadata.
import { messageOf } from "@deucalion/base";
import { ApiError, badData } from "../../http/answers/api-error.ts";
import type { ApiHandler } from "../../http/http-server.ts";
import { tenantOf } from "../tenancy.ts";
import type { QueryContext } from "./query-context.ts";

export function metadataHandler(context: QueryContext): ApiHandler {
  return async (exchange) => {
    const text = exchange.query.get("limit") ?? "";
    if (text !== "" && (!/^[+-]?\d+$/.test(text) || Math.abs(Number(text)) > 0x7fffffff)) {
      throw badData(`invalid metric metadata limit='${text}'`);
    }
    try {
      return await context.querier.metadata(
        exchange.query.get("metric") ?? "",
        text === "" ? -1 : Number(text),
        {
          partialResponse: context.options.partialResponses.metadata,
          signal: exchange.signal,
          tenant: tenantOf(exchange, context.options.tenancy),
        },
      );
    } catch (error) {
      throw new ApiError("internal", `retrieving metadata: ${messageOf(error)}`, { cause: error });
    }
  };
}
