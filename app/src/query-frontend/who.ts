// Who asks: tenant, org id, and the headers that go on to the querier.
import { createHash } from "node:crypto";
import type { Exchange } from "../http/exchange.ts";
import { tenantOf } from "../query/tenancy.ts";
import { refused } from "./errors.ts";
import type { QueryFrontendOptions } from "./options.ts";

export const tenantHeader = "THANOS-TENANT";
const orgHeader = "X-Scope-OrgID";

/** Headers that decide what somebody may see: answers are not shared between their values. */
const secrets = new Set(["authorization", "proxy-authorization", "cookie", "x-id-token"]);

export interface Caller {
  /** What cached answers belong to. */
  readonly cacheScope: string;
  readonly tenant: string;
  readonly orgId: string;
  /** Headers of requests to the querier. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Throws ApiError, FRONTEND_BAD_REQUEST. */
export function callerOf(exchange: Exchange, options: QueryFrontendOptions): Caller {
  const { tenancy, forwardHeaders } = options;
  const tenant = tenantOf(exchange, { ...tenancy, enforce: false, label: "" });
  const named = [...tenancy.orgIdHeaders, tenancy.header, tenantHeader]
    .map((name) => exchange.header(name))
    .find((value) => value !== "");
  const orgId = named ?? (tenancy.certificateField === "" ? "anonymous" : tenant);
  if (orgId === "." || orgId === ".." || /[/\\]/.test(orgId)) throw refused("invalid org id");
  const headers: Record<string, string> = {};
  const scope: string[] = [orgId, tenant];
  for (const name of forwardHeaders) {
    const value = exchange.header(name);
    if (value === "") continue;
    headers[name] = value;
    if (secrets.has(name.toLowerCase())) {
      scope.push(createHash("sha256").update(`${name.toLowerCase()}\n${value}`).digest("hex"));
    }
  }
  const given = exchange.header(orgHeader);
  const forwarded = forwardHeaders.some((name) => name.toLowerCase() === orgHeader.toLowerCase());
  if (forwarded && given !== "" && given !== orgId) throw refused("multiple org IDs present");
  for (const name of Object.keys(headers)) {
    const lower = name.toLowerCase();
    if (lower === orgHeader.toLowerCase() || lower === tenantHeader.toLowerCase()) {
      delete headers[name];
    }
  }
  headers[tenantHeader] = tenant;
  headers[orgHeader] = orgId;
  return { cacheScope: JSON.stringify(scope), tenant, orgId, headers };
}
