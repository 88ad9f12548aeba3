// Names of cipher suites, curves and versions of TLS: from Go's, which configurations use, to OpenSSL's.
import { getCiphers, type SecureVersion } from "node:tls";
import { AppError } from "../errors.ts";

const curves: Readonly<Record<string, string>> = {
  CurveP256: "P-256",
  CurveP384: "P-384",
  CurveP521: "P-521",
  X25519: "X25519",
};

const versions: Readonly<Record<string, SecureVersion>> = {
  "1.0": "TLSv1",
  "1.1": "TLSv1.1",
  "1.2": "TLSv1.2",
  "1.3": "TLSv1.3",
  TLS10: "TLSv1",
  TLS11: "TLSv1.1",
  TLS12: "TLSv1.2",
  TLS13: "TLSv1.3",
};

/** `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256` as `ECDHE-RSA-AES128-GCM-SHA256`; suites of TLS 1.3 keep their names. */
function cipherName(name: string): string {
  if (!name.includes("_WITH_")) return name;
  return name
    .replace(/^TLS_/, "")
    .replace("_WITH_", "_")
    .replace(/AES_(\d+)/, "AES$1")
    .replace("CHACHA20_POLY1305_SHA256", "CHACHA20_POLY1305")
    .replace(/^RSA_/, "")
    .replace("_CBC_", "_")
    .replaceAll("_", "-");
}

/** A list for `ciphers`. Throws APP_CONFIG for suites that this OpenSSL does not have. */
export function cipherList(names: readonly string[]): string {
  const known = new Set(getCiphers());
  return names
    .map((name) => {
      const cipher = cipherName(name);
      if (known.has(cipher.toLowerCase())) return cipher;
      throw new AppError("APP_CONFIG", `unknown or insecure cipher suite ${name}`, { name });
    })
    .join(":");
}

/** A list for `ecdhCurve`. Throws APP_CONFIG for curves that are not known. */
export function curveList(names: readonly string[]): string {
  return names
    .map((name) => {
      const curve = curves[name];
      if (curve !== undefined) return curve;
      throw new AppError("APP_CONFIG", `unknown curve ${name}`, { name });
    })
    .join(":");
}

/** `1.2` (flags) and `TLS12` (files) as `TLSv1.2`. Throws APP_CONFIG. */
export function tlsVersion(name: string): SecureVersion {
  const version = versions[name];
  if (version === undefined)
    throw new AppError("APP_CONFIG", `unknown TLS version ${name}`, { name });
  return version;
}
