// GET /api/v1/stores as Thanos answers, and our fuller /api/v1/endpoints.
import type { JsonStream } from "../../http/answers/envelope.ts";
import type { ApiHandler } from "../../http/http-server.ts";
import type { EndpointState } from "../querier.ts";
import type { QueryContext } from "./query-context.ts";

function time(ms: number): string {
  return ms === 0 ? "0001-01-01T00:00:00Z" : new Date(ms).toISOString();
}

/** Data with times at the ends of int64, which no JavaScript number is: written as Go's decoders can read them. */
function withInt64(data: object): JsonStream {
  const text = JSON.stringify(data).replace(
    /("(?:min|max)Time":)(-?)9223372036854776000/g,
    (_, key: string, minus: string) =>
      `${key}${minus === "" ? "9223372036854775807" : "-9223372036854775808"}`,
  );
  return {
    writeJson: (out) => {
      out.raw(text);
      return Promise.resolve();
    },
  };
}

/** Endpoints by component. One that never answered is left out, as Thanos does. */
export function storesHandler(context: QueryContext): ApiHandler {
  return () => {
    const byComponent: Record<string, object[]> = {};
    for (const endpoint of context.querier.endpoints()) {
      if (!endpoint.listed) continue;
      byComponent[endpoint.component] ??= [];
      byComponent[endpoint.component]!.push({
        name: endpoint.address,
        lastCheck: time(endpoint.lastCheckMs),
        lastError: endpoint.lastError,
        labelSets: endpoint.labelSets,
        minTime: endpoint.minTime,
        maxTime: endpoint.maxTime,
      });
    }
    return { data: withInt64(byComponent) };
  };
}

function endpointJson(endpoint: EndpointState): object {
  const { lastCheckMs, listed: _, ...rest } = endpoint;
  return { ...rest, lastCheck: lastCheckMs === 0 ? null : time(lastCheckMs) };
}

/** Every configured endpoint, those that never answered too. */
export function endpointsHandler(context: QueryContext): ApiHandler {
  return () => ({ data: withInt64({ endpoints: context.querier.endpoints().map(endpointJson) }) });
}
