// Options of a gRPC client, with the defaults of Thanos' clients.
import type { Compression } from "../frame/frame.ts";
import type { ClientInterceptor } from "./client-interceptor.ts";

export interface ClientTls {
  /** PEM files; read at each connect, so that renewed ones are used. "" is not given. */
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  /** Name to ask for and to verify; "" is the host of the address. */
  readonly serverName: string;
  readonly insecureSkipVerify: boolean;
  readonly minVersion: "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";
}

export const clientTlsDefaults: ClientTls = {
  caFile: "",
  certFile: "",
  keyFile: "",
  serverName: "",
  insecureSkipVerify: false,
  minVersion: "TLSv1.3",
};

export interface ClientOptions {
  /** null speaks plain HTTP/2. */
  readonly tls: ClientTls | null;
  readonly compression: Compression;
  /** HTTP/2 window of a stream and of the connection, in bytes. */
  readonly windowBytes: number;
  /** Messages that wait to be read, per call, before the stream is paused. */
  readonly pendingBytesMax: number;
  readonly messageBytesMax: number;
  /** Ping after so long without a byte while calls are open. */
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
  readonly connectTimeoutMs: number;
  /** Pause before the second attempt to connect; grows to `backoffMaxMs`. */
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  readonly userAgent: string;
  /** Told of every call; null for nobody. */
  readonly interceptor: ClientInterceptor | null;
}

export const clientDefaults: ClientOptions = {
  tls: null,
  compression: "none",
  windowBytes: 8 << 20,
  pendingBytesMax: 8 << 20,
  messageBytesMax: 2_147_483_647,
  keepaliveMs: 10_000,
  keepaliveTimeoutMs: 5000,
  connectTimeoutMs: 20_000,
  backoffMinMs: 500,
  backoffMaxMs: 10_000,
  userAgent: "deucalion",
  interceptor: null,
};
