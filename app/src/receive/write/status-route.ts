// The statistics of heads over HTTP, beside remote write.
import type { IncomingMessage, ServerResponse } from "node:http";
import { TsdbStatisticsEntryMessage } from "@deucalion/storeapi";
import type { ReceiveOptions } from "../options.ts";
import { headStatistics } from "../tenants/tenant-sources.ts";
import type { TenantStores } from "../tenants/tenant-stores.ts";

/** GET /api/v1/status/tsdb: statistics of one tenant's head, or of all. */
export function statusRoute(
  options: ReceiveOptions,
  shared: { readonly stores: TenantStores; readonly writable: boolean },
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): boolean {
  if (path !== "/api/v1/status/tsdb" || request.method !== "GET") return false;
  const send = (status: number, body: unknown): void => {
    const text = Buffer.from(JSON.stringify(body));
    response.writeHead(status, {
      "Content-Type": "application/json",
      "Content-Length": text.length,
    });
    response.end(text);
  };
  const fail = (status: number, errorType: string, error: string): void =>
    send(status, { status: "error", errorType, error });
  const query = new URL(request.url ?? "/", "http://receive").searchParams;
  const { tenantHeader, defaultTenant } = options.write;
  const header = request.headers[tenantHeader.toLowerCase()];
  const named = Array.isArray(header) ? header[0] : header;
  const all = query.get("all_tenants") === "true";
  if (!shared.writable) {
    fail(500, "internal", "service unavailable");
  } else if (all && named) {
    fail(
      400,
      "bad_data",
      `using both the all_tenants parameter and the ${tenantHeader} header is not supported`,
    );
  } else {
    const text = query.get("limit") ?? "";
    if (text !== "" && !/^-?\d+$/.test(text)) {
      fail(
        400,
        "bad_data",
        `unable to parse 'limit' parameter: strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`,
      );
      return true;
    }
    const limit = text === "" ? 10 : Number(text);
    const wanted = named || defaultTenant;
    const data = [...shared.stores.all]
      .filter(({ name }) => all || name === wanted)
      .map((tenant) => ({
        tenant: tenant.name,
        ...(TsdbStatisticsEntryMessage.toJson(headStatistics(tenant, limit)) as object),
      }));
    send(200, { status: "success", data });
  }
  return true;
}
