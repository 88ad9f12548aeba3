// Headers that a remote-write target is sent: those of `headers`, and those of `http_headers`.
import { readFileSync } from "node:fs";
import { messageOf } from "@deucalion/base";
import { AppError } from "../../errors.ts";
import { fieldsOf, textField, textsField } from "../clients/yaml-fields.ts";
import { RuleError } from "../errors.ts";

/** Set by us, or by those between us and the target. */
const reserved = [
  "host",
  "content-encoding",
  "content-length",
  "content-type",
  "user-agent",
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "www-authenticate",
  "accept-encoding",
  "x-prometheus-remote-write-version",
  "x-prometheus-remote-read-version",
  "x-amz-date",
  "x-amz-security-token",
  "x-amz-content-sha256",
];

/** A header with all of its values; files are read anew for each request. */
export interface HeaderValues {
  readonly name: string;
  readonly values: readonly string[];
  readonly files: readonly string[];
}

function entriesOf(value: unknown, where: string): [string, unknown][] {
  if (value === undefined || value === null) return [];
  if (typeof value !== "object" || Array.isArray(value)) {
    throw new AppError("APP_CONFIG", `${where}: must be a mapping`);
  }
  return Object.entries(value);
}

function check(name: string, where: string): void {
  const low = name.toLowerCase();
  if (low === "authorization") {
    const sections = "basic_auth, authorization, oauth2, sigv4, azuread or google_iam";
    const text = `authorization header must be changed via the ${sections} parameter`;
    throw new AppError("APP_CONFIG", `${where}: ${text}`);
  }
  if (reserved.includes(low)) {
    const text = `${name} is a reserved header. It must not be changed`;
    throw new AppError("APP_CONFIG", `${where}: ${text}`);
  }
}

/** Reads `headers`, and `http_headers` with lists of values, secrets and files. Throws APP_CONFIG. */
export function readHeaders(plain: unknown, lists: unknown, where: string): HeaderValues[] {
  const out: HeaderValues[] = [];
  for (const [name, value] of entriesOf(plain, `${where}.headers`)) {
    check(name, where);
    out.push({ name, values: [textField(value, `${where}.headers.${name}`)], files: [] });
  }
  for (const [name, value] of entriesOf(lists, `${where}.http_headers`)) {
    check(name, where);
    const place = `${where}.http_headers.${name}`;
    const fields = fieldsOf(value, place, ["values", "secrets", "files"]);
    const texts = (key: string): readonly string[] => textsField(fields[key], `${place}.${key}`);
    out.push({ name, values: [...texts("values"), ...texts("secrets")], files: texts("files") });
  }
  return out;
}

/** In lower case; several values of a name are joined. Throws RULE_AUTH where a file cannot be read. */
export function headersNow(headers: readonly HeaderValues[]): Record<string, string> {
  const out: Record<string, string> = {};
  for (const { name, values, files } of headers) {
    const read = files.map((file) => {
      try {
        return readFileSync(file, "utf8").trim();
      } catch (cause) {
        const text = `unable to read headers file ${file}: ${messageOf(cause)}`;
        throw new RuleError("RULE_AUTH", text, { status: 0 }, { cause });
      }
    });
    const all = [...values, ...read];
    if (all.length > 0) out[name.toLowerCase()] = all.join(", ");
  }
  return out;
}
