// Which proxy the environment names for a request: HTTP_PROXY, HTTPS_PROXY, NO_PROXY, as Go's programs read them.
import { BlockList, isIP } from "node:net";

type Env = Readonly<Record<string, string | undefined>>;

function read(env: Env, name: string): string {
  return env[name] || env[name.toLowerCase()] || "";
}

/** Loopback is never asked through a proxy. */
function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

/** Whether one entry of NO_PROXY means the host: `*`, a name with its subdomains, `.name`, an address, a network, each with a port. */
function excludes(entry: string, host: string, port: string): boolean {
  if (entry === "*") return true;
  if (entry.includes("/")) {
    const [network = "", bits = ""] = entry.split("/");
    const family = isIP(network);
    if (family === 0 || isIP(host) !== family) return false;
    const list = new BlockList();
    list.addSubnet(network, Number(bits), family === 4 ? "ipv4" : "ipv6");
    return list.check(host, family === 4 ? "ipv4" : "ipv6");
  }
  const [, name = entry, only] = /^(.+?|\[.+\])(?::(\d+))?$/.exec(entry) ?? [];
  if (only !== undefined && only !== port && isIP(entry) === 0) return false;
  const bare = (isIP(entry) === 0 ? name : entry).replace(/^\[|\]$/g, "").replace(/^\*/, "");
  if (bare.startsWith(".")) return host.endsWith(bare);
  return host === bare || host.endsWith(`.${bare}`);
}

/** The proxy for a request to `host` (lower case, no brackets) and `port`; undefined for none. Throws TypeError for a proxy that is no URL. */
export function proxyOf(
  protocol: "http:" | "https:",
  host: string,
  port: string,
  env: Env = process.env,
): URL | undefined {
  const text = read(env, protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY");
  if (text === "" || isLoopback(host)) return undefined;
  const entries = read(env, "NO_PROXY").split(",");
  for (const entry of entries) {
    const trimmed = entry.trim().toLowerCase();
    if (trimmed !== "" && excludes(trimmed, host, port)) return undefined;
  }
  return new URL(text.includes("://") ? text : `http://${text}`);
}

/** The header that proves to the proxy who is asking; undefined without a name in its URL. */
export function proxyAuthorization(proxy: URL): string | undefined {
  if (proxy.username === "") return undefined;
  const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return `Basic ${Buffer.from(pair).toString("base64")}`;
}
