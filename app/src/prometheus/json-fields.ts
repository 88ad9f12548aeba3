// Reads fields of JSON whose shape another program promises; what is missing or of another type is the type's zero.
import { Labels } from "@deucalion/model";

export type Json = Readonly<Record<string, unknown>>;

export function objectOf(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Json)
    : {};
}

export function listOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.map(objectOf) : [];
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Numbers may come as texts. */
export function numberOf(value: unknown): number {
  const number = typeof value === "string" ? Number(value.replace("Inf", "Infinity")) : value;
  return typeof number === "number" ? number : 0;
}

/** A map of strings as labels, with others set over it. */
export function labelsOf(value: unknown, over: Labels = Labels.empty): Labels {
  const own = Object.entries(objectOf(value)).map(([name, text]) => [name, String(text)] as const);
  return Labels.from([...own, ...over]);
}
