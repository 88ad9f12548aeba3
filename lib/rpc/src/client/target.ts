// Where a client connects to: `host:port`, `[::1]:port`, `dns:///host:port`, `passthrough:///host:port`, `unix:/path`.
import { readFileSync } from "node:fs";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { RpcError } from "../errors.ts";
import type { ClientTls } from "./client-options.ts";

export interface Target {
  readonly host: string;
  readonly port: number;
  /** Path of a Unix socket, or "". */
  readonly path: string;
  /** Value of `:authority`. */
  readonly authority: string;
}

/** Throws RPC_CONFIG if the text is not an address. */
export function parseTarget(address: string): Target {
  const text = address.replace(/^(dns|passthrough):\/\/[^/]*\//, "").replace(/^dns:/, "");
  if (text.startsWith("unix:")) {
    return { host: "", port: 0, path: text.slice(5).replace(/^\/\//, ""), authority: "localhost" };
  }
  const found = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(text);
  if (found === null) {
    throw new RpcError("RPC_CONFIG", `address ${JSON.stringify(address)}: missing port`, {
      address,
    });
  }
  const host = found[1] ?? found[2] ?? "";
  return {
    host: host === "" ? "localhost" : host,
    port: Number(found[3]),
    path: "",
    authority: text,
  };
}

function read(file: string): { value: Buffer } | undefined {
  return file === "" ? undefined : { value: readFileSync(file) };
}

/** Opens a socket; certificates are read now. */
export function openSocket(target: Target, tls: ClientTls | null): Socket {
  const where =
    target.path === "" ? { host: target.host, port: target.port } : { path: target.path };
  if (tls === null) return connectTcp({ ...where, noDelay: true });
  const ca = read(tls.caFile);
  const cert = read(tls.certFile);
  const key = read(tls.keyFile);
  const name = tls.serverName === "" ? target.host : tls.serverName;
  const isName = !/^[\d.]+$|:/.test(name);
  return connectTls({
    ...where,
    ALPNProtocols: ["h2"],
    rejectUnauthorized: !tls.insecureSkipVerify,
    minVersion: tls.minVersion,
    ...(isName ? { servername: name } : { host: target.host }),
    ...(ca === undefined ? {} : { ca: ca.value }),
    ...(cert === undefined ? {} : { cert: cert.value }),
    ...(key === undefined ? {} : { key: key.value }),
  });
}
