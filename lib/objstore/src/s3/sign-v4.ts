// Amazon's signature, version 4, of requests without a body.
import { createHash, createHmac } from "node:crypto";

export interface SigningIdentity {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** SHA-256 of nothing. */
export const emptyBodyHash = createHash("sha256").digest("hex");

/** `YYYYMMDDTHHMMSSZ` */
export function amzDate(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d{3}/g, "");
}

/** An object name as it stands in a path, and in what is signed. */
export function encodeKey(name: string): string {
  return encodeURIComponent(name).replace(/[!'()*]|%2F/g, (c) =>
    c === "%2F" ? "/" : `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Signs requests of one identity in one region; the key of a day is made once. */
export class SignerV4 {
  readonly #region: string;
  #key: { readonly of: string; readonly bytes: Buffer } | undefined;

  constructor(region: string) {
    this.#region = region;
  }

  #keyOf(secret: string, day: string): Buffer {
    const of = `${secret} ${day}`;
    if (this.#key?.of !== of) {
      const hmac = (key: string | Buffer, text: string): Buffer =>
        createHmac("sha256", key).update(text).digest();
      const dated = hmac(`AWS4${secret}`, day);
      const bytes = hmac(hmac(hmac(dated, this.#region), "s3"), "aws4_request");
      this.#key = { of, bytes };
    }
    return this.#key.bytes;
  }

  /**
   * The value of `authorization`. `headers` are all that is signed, in lower case, `x-amz-date` among them; `path` and
   * `query` are encoded, the query's parameters in order of their names.
   */
  sign(
    method: string,
    path: string,
    query: string,
    headers: Readonly<Record<string, string>>,
    { accessKeyId, secretAccessKey }: SigningIdentity,
  ): string {
    const date = headers["x-amz-date"] ?? "";
    const day = date.slice(0, 8);
    const names = Object.keys(headers).sort();
    const signed = names.join(";");
    const lines = names.map((name) => `${name}:${headers[name]?.trim()}\n`).join("");
    const hash = headers["x-amz-content-sha256"] ?? emptyBodyHash;
    const canonical = `${method}\n${path}\n${query}\n${lines}\n${signed}\n${hash}`;
    const scope = `${day}/${this.#region}/s3/aws4_request`;
    const digest = createHash("sha256").update(canonical).digest("hex");
    const signature = createHmac("sha256", this.#keyOf(secretAccessKey, day))
      .update(`AWS4-HMAC-SHA256\n${date}\n${scope}\n${digest}`)
      .digest("hex");
    return `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope},SignedHeaders=${signed},Signature=${signature}`;
  }
}
