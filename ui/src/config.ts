// What the server writes into the page, and the address below which everything lives.

/** Values that the server puts into `#deucalion-config`; every one may be missing. */
export interface PageConfig {
  readonly pathPrefix: string;
  readonly component: string;
  /** Where expressions are opened if this component cannot answer them itself; empty: here. */
  readonly queryUrl: string;
  readonly tenantHeader: string;
  readonly defaultTenant: string;
  readonly displayTenantBox: boolean;
  /** The nonce of the page's content security policy, if it has one. */
  readonly cspNonce: string;
}

function readConfig(): PageConfig {
  const text = document.getElementById("deucalion-config")?.textContent ?? "{}";
  let raw: Record<string, unknown> = {};
  try {
    raw = JSON.parse(text) as Record<string, unknown>;
  } catch {
    // A template that was not filled in is as good as an empty one.
  }
  const str = (key: string, missing: string): string => {
    const value = raw[key];
    return typeof value === "string" && value !== "" ? value : missing;
  };
  return {
    pathPrefix: str("pathPrefix", ""),
    component: str("component", "query"),
    queryUrl: str("queryUrl", ""),
    tenantHeader: str("tenantHeader", "THANOS-TENANT"),
    defaultTenant: str("defaultTenant", "default-tenant"),
    displayTenantBox: raw["displayTenantBox"] === true,
    cspNonce: str("cspNonce", ""),
  };
}

/** The values of this page. */
export const config: PageConfig = readConfig();

/** False for a component that evaluates no expressions of its users: it has rules and alerts, and no query page. */
export const answersQueries: boolean = config.component !== "rule" && config.component !== "ruler";

/** The folder that all pages and `api/` lie in. Every page is one level deep, so any prefix in front of it works. */
export const baseUrl: URL = new URL("./", document.baseURI);
