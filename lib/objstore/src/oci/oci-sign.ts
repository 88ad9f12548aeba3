// Oracle's signature of requests, by an RSA key.
import { createHash, createPrivateKey, type KeyObject, sign } from "node:crypto";
import { messageOf } from "@deucalion/base";
import { ObjstoreError } from "../errors.ts";
import type { Authorize } from "../http/http-transport.ts";
import type { OciKey } from "./oci-config.ts";

/** Signs `date (request-target) host`, and for JSON bodies their hash too. Throws OBJSTORE_CONFIG for a bad key. */
export function ociAuthorize(
  { keyId, privateKey, passphrase }: OciKey,
  now: () => number,
): Authorize {
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: privateKey, ...(passphrase === "" ? {} : { passphrase }) });
  } catch (cause) {
    throw new ObjstoreError("OBJSTORE_CONFIG", `privatekey: ${messageOf(cause)}`, {}, { cause });
  }
  return ({ method, url, headers = {}, body }) => {
    const extra: Record<string, string> = { date: new Date(now()).toUTCString(), host: url.host };
    const names = ["date", "(request-target)", "host"];
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
  };
}
