// Settings of an HTTP client from the keys of Prometheus' sections.
import type { HttpClientOptions } from "../../prometheus/http-client.ts";
import { parseHttpClientConfig } from "../../prometheus/http-client-config.ts";
import { proxyKeys, readProxy } from "../../prometheus/proxy-config.ts";
import type { YamlFields } from "../clients/yaml-fields.ts";

const tlsKeys = ["ca_file", "cert_file", "key_file", "server_name", "insecure_skip_verify"];

/** Takes the keys of `http_config`, a larger `tls_config`, and the keys of proxies. Throws APP_CONFIG. */
export function clientOf(
  section: { readonly tls_config: unknown } & YamlFields,
  userAgent: string,
  where: string,
): HttpClientOptions {
  // Its other keys only narrow which versions of TLS are spoken.
  const tls = section.tls_config as YamlFields | null | undefined;
  const known = Object.entries(tls ?? {}).filter(([key]) => tlsKeys.includes(key));
  const mine = Object.entries(section).filter(
    ([key]) => !(proxyKeys as readonly string[]).includes(key),
  );
  const all = { ...Object.fromEntries(mine), tls_config: Object.fromEntries(known) };
  // JSON is YAML, which the reader of the client's section takes.
  const client = parseHttpClientConfig(JSON.stringify(all), userAgent);
  return { ...client, proxy: readProxy(section, where) };
}

/** The keys of proxies alone. */
export function proxyFields(fields: YamlFields): YamlFields {
  return Object.fromEntries(proxyKeys.map((key) => [key, fields[key]]));
}
