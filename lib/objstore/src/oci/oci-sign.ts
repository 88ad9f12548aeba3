// Oracle's signature of requests, by an RSA key.
import { createHash, createPrivateKey, type KeyObject, sign } from "node:crypto";
import { messageOf } from "@deucalion/base";
import { ObjstoreError } from "../errors.ts";
import type { Authorize, StoreRequest } from "../http/http-transport.ts";
import type { OciKey } from "./oci-config.ts";

/** A key, and the name under which Oracle knows it. */
export interface OciSigningKey {
  readonly keyId: string;
  readonly key: KeyObject;
}

/** Reads a key as settings have it. Throws OBJSTORE_CONFIG for a bad one. */
export function ociSigningKey({ keyId, privateKey, passphrase }: OciKey): OciSigningKey {
  try {
    const key = createPrivateKey({
      key: privateKey,
      ...(passphrase === "" ? {} : { passphrase }),
    });
    return { keyId, key };
  } catch (cause) {
    throw new ObjstoreError("OBJSTORE_CONFIG", `privatekey: ${messageOf(cause)}`, {}, { cause });
  }
}

/** Headers that sign `date (request-target) host`, and for JSON bodies their hash too. The service of tokens wants no host. */
export function signOci(
  { method, url, headers = {}, body }: Omit<StoreRequest, "signal">,
  { keyId, key }: OciSigningKey,
  nowMs: number,
  { host }: { readonly host: boolean },
): Record<string, string> {
  const extra: Record<string, string> = { date: new Date(nowMs).toUTCString(), host: url.host };
  const names = ["date", "(request-target)", ...(host ? ["host"] : [])];
  // Bodies of objects are not signed, as Oracle's own clients do it.
  if (headers["content-type"] === "application/json") {
    const data = body ?? new Uint8Array(0);
    extra["x-content-sha256"] = createHash("sha256").update(data).digest("base64");
    extra["content-length"] = String(data.length);
    names.push("content-length", "content-type", "x-content-sha256");
  }
  const all: Readonly<Record<string, string>> = { ...headers, ...extra };
  const target = `${method.toLowerCase()} ${url.pathname}${url.search}`;
  const text = names
    .map((name) => `${name}: ${name === "(request-target)" ? target : all[name]}`)
    .join("\n");
  const signature = sign("sha256", Buffer.from(text), key).toString("base64");
  return {
    ...extra,
    authorization: `Signature version="1",keyId="${keyId}",algorithm="rsa-sha256",headers="${names.join(" ")}",signature="${signature}"`,
  };
}

/** Signs every request with the key of that moment. */
export function ociAuthorize(
  keys: () => OciSigningKey | Promise<OciSigningKey>,
  now: () => number,
): Authorize {
  return async (request) => signOci(request, await keys(), now(), { host: true });
}
