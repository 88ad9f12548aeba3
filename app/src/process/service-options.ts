// Options that every service has: its HTTP and gRPC servers, request logging, external labels.
import { Labels } from "@deucalion/model";
import { AppError } from "../errors.ts";
import type { FlagValues } from "../flags/flag-spec.ts";
import type { grpcServerFlags, httpFlags } from "../flags/groups.ts";

/** The HTTP server. */
export interface HttpOptions {
  /** host:port; port 0 takes a free one. */
  readonly address: string;
  /** 0 closes at once. */
  readonly gracePeriodMs: number;
  /** Path of the web configuration; "" for none. */
  readonly configFile: string;
}

/** The gRPC server. */
export interface GrpcServerOptions {
  readonly address: string;
  readonly gracePeriodMs: number;
  readonly maxConnectionAgeMs: number;
  /** `null` is plain text. Paths; files are read again when they change. */
  readonly tls: GrpcTlsOptions | null;
}

export interface GrpcTlsOptions {
  readonly certFile: string;
  readonly keyFile: string;
  /** "" takes every client. */
  readonly clientCaFile: string;
  readonly minVersion: "1.0" | "1.1" | "1.2" | "1.3";
  readonly ciphers: readonly string[];
  readonly curves: readonly string[];
}

export function httpOptions(values: FlagValues<typeof httpFlags>): HttpOptions {
  return {
    address: values["http-address"],
    gracePeriodMs: values["http-grace-period"],
    configFile: values["http.config"],
  };
}

/** Throws APP_CONFIG if only half of a certificate is given. */
export function grpcServerOptions(values: FlagValues<typeof grpcServerFlags>): GrpcServerOptions {
  const certFile = values["grpc-server-tls-cert"];
  const keyFile = values["grpc-server-tls-key"];
  const clientCaFile = values["grpc-server-tls-client-ca"];
  if ((certFile === "") !== (keyFile === "")) {
    throw new AppError(
      "APP_CONFIG",
      "setup gRPC server: both server key and certificate must be provided",
    );
  }
  if (certFile === "" && clientCaFile !== "") {
    throw new AppError(
      "APP_CONFIG",
      "setup gRPC server: when a client CA is used a server key and certificate must also be provided",
    );
  }
  return {
    address: values["grpc-address"],
    gracePeriodMs: values["grpc-grace-period"],
    maxConnectionAgeMs: values["grpc-server-max-connection-age"],
    tls:
      certFile === ""
        ? null
        : {
            certFile,
            keyFile,
            clientCaFile,
            minVersion: values["grpc-server-tls-min-version"],
            ciphers: values["grpc-server-tls-ciphers"],
            curves: values["grpc-server-tls-curves"],
          },
  };
}

/** Limits of one Series call; 0 is no limit. */
export interface SeriesLimits {
  readonly series: number;
  readonly samples: number;
}

/** Unquotes a Go string: double quotes with escapes, or backticks. Throws APP_CONFIG. */
export function unquoteGo(text: string): string {
  if (/^`[^`]*`$/.test(text)) return text.slice(1, -1);
  if (/^"(?:[^"\\\n]|\\.)*"$/.test(text)) {
    const body = text
      .slice(1, -1)
      .replace(
        /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))/g,
        (_, x, u, big, octal, single: string) => {
          if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
          const hex = x ?? u ?? big;
          if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
          const plain: Record<string, string> = {
            a: "\u0007",
            b: "\b",
            f: "\f",
            n: "\n",
            r: "\r",
            t: "\t",
            v: "\v",
          };
          return plain[single] ?? single;
        },
      );
    return body;
  }
  throw new AppError("APP_CONFIG", `invalid quoted value ${text}`);
}

/** Reads `name="value"` flags. Throws APP_CONFIG. */
export function parseExternalLabels(texts: readonly string[]): Labels {
  const pairs: [string, string][] = [];
  for (const text of texts) {
    const at = text.indexOf("=");
    if (at <= 0) throw new AppError("APP_CONFIG", `unrecognized label ${JSON.stringify(text)}`);
    const name = text.slice(0, at);
    pairs.push([name, unquoteGo(text.slice(at + 1))]);
  }
  return Labels.from(pairs);
}
