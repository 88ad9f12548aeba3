// Amazon's signature, version 4, of requests with a body to any service but S3.
//
//   string to sign:     AWS4-HMAC-SHA256 \n date \n scope \n SHA-256(canonical request)
//   canonical request:  method \n path, encoded twice \n query \n headers \n their names \n SHA-256(body)
import { createHash, createHmac } from "node:crypto";

export interface AmazonIdentity {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export interface ToSign {
  readonly method: string;
  readonly url: URL;
  /** All that is signed, in lower case; `host` and those of the signature are added. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string;
}

export interface SigningScope {
  readonly region: string;
  readonly service: string;
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function canonicalQuery(params: URLSearchParams): string {
  return [...params]
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([a, x], [b, y]) => compare(a, b) || compare(x, y))
    .map((pair) => pair.join("="))
    .join("&");
}

/** Headers to be added to the request: its date, its signature, and the session's token. */
export function signV4(
  { method, url, headers, body }: ToSign,
  { region, service }: SigningScope,
  { accessKeyId, secretAccessKey, sessionToken }: AmazonIdentity,
  nowMs: number,
): Record<string, string> {
  const date = new Date(nowMs).toISOString().replace(/[-:]|\.\d{3}/g, "");
  const day = date.slice(0, 8);
  const added = {
    "x-amz-date": date,
    ...(sessionToken === undefined ? {} : { "x-amz-security-token": sessionToken }),
  };
  const all: Record<string, string> = { ...headers, host: url.host, ...added };
  const names = Object.keys(all).sort();
  const lines = names.map((name) => `${name}:${all[name]!.trim().replace(/ {2,}/g, " ")}\n`);
  const path = url.pathname.split("/").map(encode).join("/");
  const canonical = [
    method,
    path,
    canonicalQuery(url.searchParams),
    lines.join(""),
    names.join(";"),
    createHash("sha256").update(body).digest("hex"),
  ].join("\n");
  const scope = `${day}/${region}/${service}/aws4_request`;
  const digest = createHash("sha256").update(canonical).digest("hex");
  const key = hmac(
    hmac(hmac(hmac(`AWS4${secretAccessKey}`, day), region), service),
    "aws4_request",
  );
  const signature = hmac(key, `AWS4-HMAC-SHA256\n${date}\n${scope}\n${digest}`).toString("hex");
  return {
    ...added,
    authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names.join(";")}, Signature=${signature}`,
  };
}
