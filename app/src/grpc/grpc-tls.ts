// TLS options of a gRPC server, from Go's names to OpenSSL's.
import { getCiphers } from "node:tls";
import type { ServerTls } from "@deucalion/rpc";
import { AppError } from "../errors.ts";
import type { GrpcTlsOptions } from "../process/service-options.ts";

const curves: Readonly<Record<string, string>> = {
  CurveP256: "P-256",
  CurveP384: "P-384",
  CurveP521: "P-521",
  X25519: "X25519",
};

const versions = { "1.0": "TLSv1", "1.1": "TLSv1.1", "1.2": "TLSv1.2", "1.3": "TLSv1.3" } as const;

/** `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256` as `ECDHE-RSA-AES128-GCM-SHA256`; TLS 1.3 suites keep their names. */
function cipherName(go: string): string {
  if (!go.includes("_WITH_")) return go;
  return go
    .replace(/^TLS_/, "")
    .replace("_WITH_", "_")
    .replace(/AES_(\d+)/, "AES$1")
    .replace("CHACHA20_POLY1305_SHA256", "CHACHA20_POLY1305")
    .replace(/^RSA_/, "")
    .replace(/_CBC_/, "_")
    .replaceAll("_", "-");
}

/** Throws APP_CONFIG for names that are not known. */
export function serverTls(options: GrpcTlsOptions): ServerTls {
  const known = new Set(getCiphers());
  const ciphers = options.ciphers.map((name) => {
    const cipher = cipherName(name);
    if (!known.has(cipher.toLowerCase()))
      throw new AppError("APP_CONFIG", `unknown or insecure cipher suite ${name}`, { name });
    return cipher;
  });
  const groups = options.curves.map((name) => {
    const curve = curves[name];
    if (curve === undefined) throw new AppError("APP_CONFIG", `unknown curve ${name}`, { name });
    return curve;
  });
  return {
    certFile: options.certFile,
    keyFile: options.keyFile,
    clientCaFile: options.clientCaFile,
    minVersion: versions[options.minVersion],
    ciphers: ciphers.join(":"),
    curves: groups.join(":"),
  };
}
