// Strict reading of YAML sections: a key that is not known is an error that names it.
import { messageOf, parsePromDuration } from "@deucalion/base";
import { parse } from "yaml";
import { AppError } from "../../errors.ts";

export type YamlFields = Readonly<Record<string, unknown>>;

function fail(where: string, reason: string, cause?: unknown): never {
  throw new AppError("APP_CONFIG", `${where}: ${reason}`, {}, { cause });
}

/** Parses YAML. Throws APP_CONFIG, saying where the text came from. */
export function parseYaml(text: string, where: string): unknown {
  try {
    return parse(text) as unknown;
  } catch (cause) {
    return fail(where, messageOf(cause), cause);
  }
}

/** A mapping with only these keys; nothing counts as an empty one. Throws APP_CONFIG. */
export function fieldsOf(value: unknown, where: string, known: readonly string[]): YamlFields {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) return fail(where, "must be a mapping");
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) fail(where, `field ${key} not found`);
  }
  return value as YamlFields;
}

/** A list; nothing counts as an empty one. Throws APP_CONFIG. */
export function listField(value: unknown, where: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : fail(where, "must be a list");
}

/** A text, or `fallback` where there is none. Throws APP_CONFIG. */
export function textField(value: unknown, where: string, fallback = ""): string {
  if (value === undefined || value === null) return fallback;
  return typeof value === "object" ? fail(where, "must be a string") : String(value);
}

/** A list of texts. Throws APP_CONFIG. */
export function textsField(value: unknown, where: string): readonly string[] {
  return listField(value, where).map((item, i) => textField(item, `${where}[${i}]`));
}

/** True or false. Throws APP_CONFIG. */
export function booleanField(value: unknown, where: string, fallback: boolean): boolean {
  if (value === undefined || value === null) return fallback;
  return typeof value === "boolean" ? value : fail(where, "must be true or false");
}

/** A whole number of at least `least`. Throws APP_CONFIG. */
export function integerField(
  value: unknown,
  where: string,
  fallback: number,
  least: number,
): number {
  if (value === undefined || value === null) return fallback;
  if (typeof value === "number" && Number.isInteger(value) && value >= least) return value;
  return fail(where, `must be a whole number of at least ${least}`);
}

/** A Prometheus duration in ms. Throws APP_CONFIG. */
export function durationField(value: unknown, where: string, fallbackMs: number): number {
  if (value === undefined || value === null) return fallbackMs;
  try {
    return parsePromDuration(String(value));
  } catch (cause) {
    return fail(where, messageOf(cause), cause);
  }
}
