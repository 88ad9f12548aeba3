// The door of the query frontend: which pipeline a request goes through, and what is handed on as it is.
import type { Exchange } from "../http/exchange.ts";
import { serveInstant } from "./pipelines/instant.ts";
import { type LabelsKind, serveLabels } from "./pipelines/labels.ts";
import type { FrontendContext, FrontendRequest, Trace } from "./pipelines/pipeline.ts";
import { serveRange } from "./pipelines/range.ts";
import { RequestParams } from "./request-params.ts";
import { sendError } from "./send-reply.ts";
import { logSlowQuery } from "./slow-query-log.ts";
import { callerOf, tenantHeader } from "./who.ts";

type Kind = "query" | "query_range" | LabelsKind;

interface Matched {
  readonly kind: Kind;
  readonly prefix: string;
}

const paths: readonly (readonly [RegExp, Kind])[] = [
  [/^(.*)\/api\/v1\/query$/, "query"],
  [/^(.*)\/api\/v1\/query_range$/, "query_range"],
  [/^(.*)\/api\/v1\/labels$/, "label_names"],
  [/^(.*)\/api\/v1\/label\/[^/]+\/values$/, "label_values"],
  [/^(.*)\/api\/v1\/series$/, "series"],
];

function matched(exchange: Exchange): Matched | null {
  if (exchange.method !== "GET" && exchange.method !== "POST") return null;
  for (const [pattern, kind] of paths) {
    const found = pattern.exec(exchange.path);
    if (found !== null) return { kind, prefix: found[1]! };
  }
  return null;
}

const corsHeaders: Readonly<Record<string, string>> = {
  "Access-Control-Allow-Headers": "Accept, Accept-Encoding, Authorization, Content-Type, Origin",
  "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Expose-Headers": "Date",
};

function serve(context: FrontendContext, request: FrontendRequest, kind: Kind): Promise<void> {
  if (kind === "query_range") return serveRange(context, request);
  if (kind === "query") return serveInstant(context, request);
  return serveLabels(context, request, kind);
}

async function passThrough(context: FrontendContext, exchange: Exchange): Promise<void> {
  const { tenancy } = context.options;
  const caller = callerOf(exchange, context.options);
  const renamed: Record<string, string> = { [tenantHeader]: caller.tenant };
  if (tenancy.header.toLowerCase() !== tenantHeader.toLowerCase()) renamed[tenancy.header] = "";
  await context.downstream.forward(exchange, renamed);
}

/** Serves one request to its end, errors included. */
export async function handle(context: FrontendContext, exchange: Exchange): Promise<void> {
  const { options, metrics, log } = context;
  const begun = performance.now();
  if (!options.disableCors) {
    for (const [name, value] of Object.entries(corsHeaders)) {
      exchange.response.setHeader(name, value);
    }
  }
  const trace: Trace = { wallMs: 0, stats: undefined };
  let params: RequestParams | null = null;
  try {
    const found = matched(exchange);
    const through = found === null || (options.inQuerier && found.kind !== "query_range");
    if (through) await passThrough(context, exchange);
    else {
      metrics.queries.inc({ op: found.kind });
      params = await RequestParams.of(exchange);
      const caller = callerOf(exchange, options);
      const request = { exchange, caller, params, prefix: found.prefix, trace };
      await serve(context, request, found.kind);
    }
  } catch (error) {
    await sendError(exchange, options, error);
  } finally {
    const ms = performance.now() - begun;
    const { slowQueryMs } = options;
    const slow = slowQueryMs < 0 || (slowQueryMs > 0 && ms > slowQueryMs);
    if (slow && exchange.path.includes("/api/v1")) {
      metrics.slow.inc();
      logSlowQuery(log, exchange, params, trace, ms, options.slowQueryUserHeader);
    }
    if (options.forceStats && trace.stats !== undefined) {
      log.info("query stats", {
        path: exchange.path,
        response_time_ms: Math.round(ms),
        querier_wall_time_ms: Math.round(trace.wallMs),
        stats: JSON.stringify(trace.stats),
      });
    }
  }
}
