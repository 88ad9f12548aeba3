// The keys of Prometheus' client sections that name a proxy.
import { AppError } from "../errors.ts";
import {
  booleanField,
  textField,
  textsField,
  type YamlFields,
} from "../rule/clients/yaml-fields.ts";
import type { HttpProxy } from "./http-client.ts";

export const proxyKeys = [
  "proxy_url",
  "no_proxy",
  "proxy_from_environment",
  "proxy_connect_header",
] as const;

function fail(where: string, reason: string): never {
  throw new AppError("APP_CONFIG", `${where}: ${reason}`);
}

/** Checks the address of a proxy; "" is none. Throws APP_CONFIG. */
export function readProxyUrl(text: string, where: string): string {
  if (text === "") return "";
  const url = URL.canParse(text) ? new URL(text) : fail(where, `proxy_url ${text} is not a URL`);
  if (url.protocol !== "http:" && url.protocol !== "https:")
    fail(where, `proxy_url: proxies of scheme ${url.protocol.slice(0, -1)} are not supported`);
  return url.href;
}

function connectHeaders(value: unknown, where: string): HttpProxy["connectHeaders"] {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) fail(where, "must be a mapping");
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => {
      const texts = textsField(one, `${where}.${name}`);
      if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name) || texts.some((text) => /[\r\n\0]/.test(text)))
        fail(where, `${JSON.stringify(name)} is no header`);
      return [name, texts];
    }),
  );
}

/** Reads the four keys; null where none names a proxy. Throws APP_CONFIG. */
export function readProxy(fields: YamlFields, where: string): HttpProxy | null {
  const url = readProxyUrl(textField(fields.proxy_url, `${where}.proxy_url`), where);
  const noProxy = textField(fields.no_proxy, `${where}.no_proxy`);
  const key = "proxy_from_environment";
  const fromEnvironment = booleanField(fields[key], `${where}.${key}`, false);
  const headers = connectHeaders(fields.proxy_connect_header, `${where}.proxy_connect_header`);
  const named = url !== "" || fromEnvironment;
  const also = "must also be configured";
  if (Object.keys(headers).length > 0 && !named)
    fail(where, `if proxy_connect_header is configured, proxy_url or ${key} ${also}`);
  if (fromEnvironment && url !== "")
    fail(where, `if ${key} is configured, proxy_url must not be configured`);
  if (fromEnvironment && noProxy !== "")
    fail(where, `if ${key} is configured, no_proxy must not be configured`);
  if (url === "" && noProxy !== "") fail(where, `if no_proxy is configured, proxy_url ${also}`);
  return named ? { url, noProxy, connectHeaders: headers } : null;
}
