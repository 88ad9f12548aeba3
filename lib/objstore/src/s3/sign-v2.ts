// Signature version 2, for stores that know no younger one (`signature_version2`).
import { createHmac } from "node:crypto";

/** What is signed of a request. Header names in lower case. */
export interface SignedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
}

/** Query parameters that are part of the resource. */
const resourceParameters = new Set([
  "acl",
  "delete",
  "lifecycle",
  "location",
  "logging",
  "notification",
  "partNumber",
  "policy",
  "requestPayment",
  "response-cache-control",
  "response-content-disposition",
  "response-content-encoding",
  "response-content-language",
  "response-content-type",
  "response-expires",
  "tagging",
  "torrent",
  "uploadId",
  "uploads",
  "versionId",
  "versioning",
  "versions",
  "website",
]);

/** The text that is signed. `bucketInHost` is the bucket where it is part of the host's name, else "". */
export function stringToSignV2(request: SignedRequest, bucketInHost: string): string {
  const { headers } = request;
  const amazon = Object.keys(headers)
    .filter((name) => name.startsWith("x-amz-"))
    .sort()
    .map((name) => `${name}:${headers[name]!.trim().replace(/\s*\n\s*/g, " ")}\n`)
    .join("");
  const parameters = Object.keys(request.query)
    .filter((name) => resourceParameters.has(name))
    .sort()
    .map((name) => {
      const value = request.query[name];
      return value === "" || value === null || value === undefined
        ? name
        : `${name}=${String(value)}`;
    })
    .join("&");
  const bucket = bucketInHost === "" ? "" : `/${bucketInHost}`;
  return [
    request.method,
    headers["content-md5"] ?? "",
    headers["content-type"] ?? "",
    headers["x-amz-date"] === undefined ? (headers.date ?? "") : "",
    `${amazon}${bucket}${request.path}${parameters === "" ? "" : `?${parameters}`}`,
  ].join("\n");
}

/** The value of the header Authorization. */
export function authorizationV2(id: string, secret: string, text: string): string {
  return `AWS ${id}:${createHmac("sha1", secret).update(text, "utf8").digest("base64")}`;
}
