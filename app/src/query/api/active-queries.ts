// GET /api/v1/status/active_queries lists what is running; POST …/:id/cancel stops one.
import { ApiError } from "../../http/answers/api-error.ts";
import type { ApiHandler } from "../../http/http-server.ts";
import type { QueryContext } from "./query-context.ts";

export function activeQueriesHandler(context: QueryContext): ApiHandler {
  return () => ({ data: { queries: context.active.list() } });
}

export function cancelQueryHandler(context: QueryContext): ApiHandler {
  return (exchange) => {
    const id = exchange.params.id ?? "";
    if (!context.active.cancel(id)) throw new ApiError("not_found", `no active query ${id}`);
    return { data: { canceled: id } };
  };
}
