// Who asks, and how a query is confined to what belongs to them.
import type { TLSSocket } from "node:tls";
import { Matcher } from "@deucalion/model";
import { type ParseOptions, parseExpr, printExpr, transformExpr } from "@deucalion/promql";
import { badData } from "../http/answers/api-error.ts";
import type { Exchange } from "../http/exchange.ts";
import type { QueryApiOptions } from "./options.ts";

const defaultHeader = "THANOS-TENANT";
const subjectFields = { organization: "O", organizationalUnit: "OU", commonName: "CN" } as const;

/** The tenant of a request. Throws ApiError bad_data. */
export function tenantOf(exchange: Exchange, options: QueryApiOptions["tenancy"]): string {
  let tenant =
    exchange.header(options.header) || exchange.header(defaultHeader) || options.defaultTenant;
  if (options.certificateField !== "") {
    const socket = exchange.request.socket as Partial<TLSSocket>;
    const subject = socket.getPeerCertificate?.()?.subject as
      | Record<string, string | string[]>
      | undefined;
    if (subject === undefined)
      throw badData("could not get required certificate field from client cert");
    const value = subject[subjectFields[options.certificateField]];
    tenant = (Array.isArray(value) ? value[0] : value) ?? "";
    if (tenant === "")
      throw badData(`could not get ${options.certificateField} field from client cert`);
  }
  if (tenant === "." || tenant === ".." || tenant.includes("/") || tenant.includes("\\")) {
    throw badData("Tenant name not valid");
  }
  return tenant;
}

/** Puts the tenant's matcher in the place of any other on that label. */
export function confineMatchers(matchers: readonly Matcher[], own: Matcher): Matcher[] {
  return [...matchers.filter((m) => m.name !== own.name), own];
}

/** The query with every selector confined to the tenant. */
export function confineQuery(query: string, own: Matcher, parse: ParseOptions): string {
  const expr = transformExpr(parseExpr(query, parse), (node) =>
    node.kind === "vector" ? { ...node, matchers: confineMatchers(node.matchers, own) } : node,
  );
  return printExpr(expr);
}

export function tenantMatcher(label: string, tenant: string): Matcher {
  return new Matcher("=", label, tenant);
}
