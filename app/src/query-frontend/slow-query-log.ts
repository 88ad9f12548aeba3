// Logs queries that take long.
import type { Log } from "@deucalion/base";
import type { Exchange } from "../http/exchange.ts";
import { parseTime } from "../query/parse-value.ts";
import type { Trace } from "./pipelines/pipeline.ts";
import type { RequestParams } from "./request-params.ts";

function basicUser(exchange: Exchange): string {
  const found = /^Basic (.+)$/i.exec(exchange.header("authorization"));
  if (found === null) return "";
  const text = Buffer.from(found[1]!, "base64").toString();
  return text.slice(0, Math.max(0, text.indexOf(":")));
}

function rangeHours(params: RequestParams | null): number | null {
  try {
    const ms = parseTime(params?.get("end") ?? "") - parseTime(params?.get("start") ?? "");
    return ms / 3_600_000;
  } catch {
    return null;
  }
}

function samples(stats: unknown): Readonly<Record<string, unknown>> {
  const found = (stats as { readonly samples?: unknown } | undefined)?.samples;
  return typeof found === "object" && found !== null ? (found as Record<string, unknown>) : {};
}

/** One line for a query that took `ms`. `userHeader` "" takes the user of basic authentication. */
export function logSlowQuery(
  log: Log,
  exchange: Exchange,
  params: RequestParams | null,
  trace: Trace,
  ms: number,
  userHeader: string,
): void {
  const hours = rangeHours(params);
  const figures = samples(trace.stats);
  const fields: Record<string, string | number> = {
    method: exchange.method,
    host: exchange.header("host"),
    path: exchange.path,
    remote_user: (userHeader === "" ? basicUser(exchange) : exchange.header(userHeader)) || "-",
    remote_addr: exchange.request.socket.remoteAddress ?? "-",
    time_taken_ms: Math.round(ms),
    grafana_dashboard_uid: exchange.header("x-dashboard-uid") || "-",
    grafana_panel_id: exchange.header("x-panel-id") || "-",
    trace_id: String(exchange.response.getHeader("x-thanos-trace-id") ?? "-"),
  };
  for (const [name, value] of params?.entries ?? []) fields[`param_${name}`] ??= value;
  fields.query_range_hours = hours === null ? "-" : Math.trunc(hours);
  fields.query_range_human = hours === null ? "-" : `${hours.toFixed(2)}h`;
  fields.peak_samples = Number(figures.peakSamples ?? Number.NaN) || "-";
  fields.total_samples_loaded = Number(figures.totalQueryableSamples ?? Number.NaN) || "-";
  log.info("slow query detected", fields);
}
