// Azure's signature by the key of the account.
import { createHmac } from "node:crypto";

const signedHeaders = [
  "content-encoding",
  "content-language",
  "content-length",
  "content-md5",
  "content-type",
  "date",
  "if-modified-since",
  "if-match",
  "if-none-match",
  "if-unmodified-since",
  "range",
];

/** The text that is signed. Header names in lower case. */
export function stringToSign(
  method: string,
  url: URL,
  headers: Readonly<Record<string, string>>,
  account: string,
): string {
  const plain = signedHeaders.map((name) => {
    const value = headers[name] ?? "";
    return name === "content-length" && value === "0" ? "" : value;
  });
  const own = Object.keys(headers)
    .filter((name) => name.startsWith("x-ms-"))
    .sort()
    .map((name) => `${name}:${headers[name]!.trim()}`);
  const parameters = new Map<string, string[]>();
  for (const [name, value] of url.searchParams) {
    const key = name.toLowerCase();
    parameters.set(key, [...(parameters.get(key) ?? []), value]);
  }
  const resource = [
    `/${account}${url.pathname}`,
    ...[...parameters.keys()]
      .sort()
      .map((name) => `${name}:${parameters.get(name)!.sort().join(",")}`),
  ];
  return [method, ...plain, ...own, ...resource].join("\n");
}

/** The value of the header Authorization. `key` is base64. */
export function sharedKeyAuthorization(account: string, key: string, text: string): string {
  const hmac = createHmac("sha256", Buffer.from(key, "base64")).update(text, "utf8");
  return `SharedKey ${account}:${hmac.digest("base64")}`;
}
