// TLS options of a gRPC server.
import type { ServerTls } from "@deucalion/rpc";
import type { GrpcTlsOptions } from "../process/service-options.ts";
import { cipherList, curveList, tlsVersion } from "../process/tls-names.ts";

/** Throws APP_CONFIG for names that are not known. */
export function serverTls(options: GrpcTlsOptions): ServerTls {
  return {
    certFile: options.certFile,
    keyFile: options.keyFile,
    clientCaFile: options.clientCaFile,
    minVersion: tlsVersion(options.minVersion),
    ciphers: cipherList(options.ciphers),
    curves: curveList(options.curves),
  };
}
