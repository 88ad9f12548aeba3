// Options of a gRPC server, with Thanos' defaults.

export interface ServerTls {
  /** PEM files, read again at a handshake after they changed. */
  readonly certFile: string;
  readonly keyFile: string;
  /** If given, callers must show a certificate signed by one of these; "" is none. */
  readonly clientCaFile: string;
  readonly minVersion: "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";
  /** OpenSSL names, `a:b`; "" is Node's choice. */
  readonly ciphers: string;
  readonly curves: string;
}

export interface ServerOptions {
  readonly tls: ServerTls | null;
  readonly messageBytesMax: number;
  /** Connections are asked to go after this time, give or take a tenth; 0 is never. */
  readonly connectionAgeMaxMs: number;
  readonly windowBytes: number;
  /** Bytes written for one call and not yet taken by the socket before its handler has to wait. */
  readonly unsentBytesMax: number;
  /** Calls at once on one connection. */
  readonly streamsMax: number;
}

export const serverDefaults: ServerOptions = {
  tls: null,
  messageBytesMax: 2_147_483_647,
  connectionAgeMaxMs: 3_600_000,
  windowBytes: 8 << 20,
  unsentBytesMax: 512 << 10,
  streamsMax: 4_294_967_295,
};
