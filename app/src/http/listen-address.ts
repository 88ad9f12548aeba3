// Addresses to listen on, as Go writes them: `0.0.0.0:10902`, `:10902`, `[::1]:0`.
import type { Server } from "node:net";
import { messageOf } from "@deucalion/base";
import { AppError } from "../errors.ts";

/** Splits `host:port`; an empty host is every interface. Throws APP_CONFIG. */
export function parseListenAddress(address: string): {
  readonly host: string;
  readonly port: number;
} {
  const found = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d+)$/.exec(address);
  const port = Number(found?.[3]);
  if (found === null || port > 65535) {
    throw new AppError("APP_CONFIG", `listen tcp: address ${address}: want host:port`, { address });
  }
  const host = found[1] ?? found[2] ?? "";
  return { host: host === "" ? "::" : host, port };
}

const unix = "unix:";

function listenOnSocket(server: Server, address: string): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ path: address.slice(unix.length) }, () => {
      server.off("error", reject);
      resolve(address);
    });
  });
}

/** Listens and returns the address taken: `host:port`, or `unix:` and a path as given. Throws APP_LISTEN. */
export async function listen(server: Server, address: string): Promise<string> {
  if (address.startsWith(unix)) {
    return listenOnSocket(server, address).catch((cause: unknown) => {
      throw new AppError(
        "APP_LISTEN",
        `listen ${address}: ${messageOf(cause)}`,
        { address },
        { cause },
      );
    });
  }
  const { host, port } = parseListenAddress(address);
  const attempt = (at: string) =>
    new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host: at, port }, () => {
        server.off("error", reject);
        resolve();
      });
    });
  try {
    await attempt(host).catch((error: NodeJS.ErrnoException) => {
      // Machines without IPv6 cannot take the address that means everything.
      if (host === "::" && error.code === "EAFNOSUPPORT") return attempt("0.0.0.0");
      throw error;
    });
  } catch (cause) {
    throw new AppError(
      "APP_LISTEN",
      `listen tcp ${address}: ${messageOf(cause)}`,
      { address },
      { cause },
    );
  }
  const bound = server.address();
  if (bound === null || typeof bound === "string") return address;
  return bound.family === "IPv6"
    ? `[${bound.address}]:${bound.port}`
    : `${bound.address}:${bound.port}`;
}
