// Hosts and ports in instance labels, taken apart as Go's net package does.
import { isIP } from "node:net";

/** Go's `net.SplitHostPort`; null where it fails. */
export function splitHostPort(
  text: string,
): { readonly host: string; readonly port: string } | null {
  const colon = text.lastIndexOf(":");
  if (colon < 0) return null;
  let host: string;
  let from = 0;
  let to = 0;
  if (text[0] === "[") {
    const close = text.indexOf("]");
    if (close < 0 || close + 1 !== colon) return null;
    host = text.slice(1, close);
    from = 1;
    to = close + 1;
  } else {
    host = text.slice(0, colon);
    if (host.includes(":")) return null;
  }
  if (text.indexOf("[", from) >= 0 || text.indexOf("]", to) >= 0) return null;
  return { host, port: text.slice(colon + 1) };
}

export function stripPort(hostPort: string): string {
  return splitHostPort(hostPort)?.host ?? hostPort;
}

export function stripDomain(hostPort: string): string {
  const split = splitHostPort(hostPort);
  const host = split?.host ?? hostPort;
  if (isIP(host) !== 0 && !host.includes("%")) return hostPort;
  const first = host.split(".")[0]!;
  const port = split?.port ?? "";
  if (port === "") return first;
  return /[:%]/.test(first) ? `[${first}]:${port}` : `${first}:${port}`;
}
