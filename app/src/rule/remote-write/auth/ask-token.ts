// Requests to servers that give access tokens (RFC 6749, section 5), read as golang.org/x/oauth2 reads them.
import { messageOf } from "@deucalion/base";
import { type HttpClient, readBody } from "../../../prometheus/http-client.ts";
import { RuleError } from "../../errors.ts";
import type { Expiring } from "./expiring.ts";

const answerBytesMax = 1 << 20;
/** Longer lives mean this. */
const secondsMax = 2 ** 31 - 1;

export interface TokenCall {
  readonly method: "GET" | "POST";
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as a form. */
  readonly form?: URLSearchParams;
}

/** What a server gave. */
export interface GivenToken {
  readonly type: string;
  readonly text: string;
  /** Seconds that it lives; 0 if nothing was said. */
  readonly lifeSeconds: number;
}

function refused(text: string, cause?: unknown): never {
  throw new RuleError("RULE_AUTH", text, { status: 0 }, { cause });
}

function textOf(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

function fieldsOf(text: string, contentType: string): Record<string, unknown> | null {
  const type = contentType.split(";")[0]!.trim().toLowerCase();
  if (type === "application/x-www-form-urlencoded" || type === "text/plain") {
    return Object.fromEntries(new URLSearchParams(text));
  }
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === "object" && json !== null ? (json as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** Some write the type in lower case and mean it otherwise. */
function typeOf(type: string): string {
  const known = ["Bearer", "MAC", "Basic"].find(
    (name) => name.toLowerCase() === type.toLowerCase(),
  );
  return known ?? (type === "" ? "Bearer" : type);
}

/** Throws RULE_AUTH, with what the server says of it. */
export async function askToken(
  client: HttpClient,
  { method, url, headers, form }: TokenCall,
  signal: AbortSignal,
): Promise<GivenToken> {
  let status = 0;
  let contentType = "";
  let text = "";
  try {
    const body = form === undefined ? {} : { body: form.toString() };
    const type = form === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" };
    const response = await client.send({
      method,
      url,
      headers: { ...type, ...headers },
      ...body,
      signal,
    });
    status = response.statusCode ?? 0;
    contentType = response.headers["content-type"] ?? "";
    text = (await readBody(response, answerBytesMax)).toString("utf8");
  } catch (cause) {
    refused(`no access token from ${url.host}: ${messageOf(cause)}`, cause);
  }
  const fields = fieldsOf(text, contentType);
  const code = textOf(fields?.error);
  if (code !== "") {
    const about = textOf(fields?.error_description);
    refused(
      `no access token from ${url.host}: ${JSON.stringify(code)}${about === "" ? "" : ` ${JSON.stringify(about)}`}`,
    );
  }
  if (status < 200 || status > 299) {
    refused(
      `no access token from ${url.host}: HTTP status ${status}: ${text.split("\n")[0]!.slice(0, 256)}`,
    );
  }
  if (fields === null) refused(`no access token from ${url.host}: the answer is not JSON`);
  const token = textOf(fields.access_token);
  if (token === "") refused(`no access token from ${url.host}: the answer has no access_token`);
  const seconds = Number(textOf(fields.expires_in));
  return {
    type: typeOf(textOf(fields.token_type)),
    text: token,
    lifeSeconds: seconds > 0 ? Math.min(secondsMax, seconds) : 0,
  };
}

/** The value of `authorization`, asked for again ten seconds before the token ends. */
export function keptToEnd({ type, text, lifeSeconds }: GivenToken, now: number): Expiring<string> {
  const endMs = lifeSeconds === 0 ? Number.POSITIVE_INFINITY : now + lifeSeconds * 1000;
  return { value: `${type} ${text}`, renewAtMs: endMs - 10_000 };
}

/** The value of `authorization`, asked for again at half of the token's life. */
export function keptToHalf({ type, text, lifeSeconds }: GivenToken, now: number): Expiring<string> {
  return { value: `${type} ${text}`, renewAtMs: now + lifeSeconds * 500 };
}
