// GET /api/v1/targets.
import { messageOf } from "@deucalion/base";
import { ApiError, badData } from "../../http/answers/api-error.ts";
import type { ApiHandler } from "../../http/http-server.ts";
import { tenantOf } from "../tenancy.ts";
import type { QueryContext } from "./query-context.ts";

const states = ["any", "active", "dropped"] as const;

export function targetsHandler(context: QueryContext): ApiHandler {
  return async (exchange) => {
    const text = exchange.query.get("state") ?? "";
    const state = states.find((s) => s === text.toLowerCase());
    if (text !== "" && state === undefined)
      throw badData(`invalid targets parameter state='${text}'`);
    try {
      return await context.querier.targets(state ?? "any", {
        partialResponse: context.options.partialResponses.targets,
        signal: exchange.signal,
        tenant: tenantOf(exchange, context.options.tenancy),
      });
    } catch (error) {
      throw new ApiError("internal", `retrieving targets: ${messageOf(error)}`, { cause: error });
    }
  };
}
