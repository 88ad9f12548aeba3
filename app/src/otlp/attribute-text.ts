// Values of attributes as text, as labels have them.
import { formatGoFloat } from "@deucalion/kernels";

export type AttributeValue =
  | null
  | string
  | boolean
  | number
  | { readonly int: string }
  | { readonly bytes: Uint8Array }
  | { readonly pairs: readonly (readonly [string, AttributeValue])[] }
  | readonly AttributeValue[];

/** Text as it is; lists and maps as JSON, bytes in base64. */
export function attributeText(value: AttributeValue): string {
  if (value === null) return "";
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return String(value);
  if (typeof value === "number") return formatGoFloat(value);
  if ("int" in value) return value.int;
  if ("bytes" in value) return Buffer.from(value.bytes).toString("base64");
  return JSON.stringify(plain(value));
}

function plain(value: AttributeValue): unknown {
  if (value === null || typeof value !== "object") return value;
  if ("int" in value) return Number(value.int);
  if ("bytes" in value) return Buffer.from(value.bytes).toString("base64");
  if ("pairs" in value)
    return Object.fromEntries(value.pairs.map(([key, one]) => [key, plain(one)]));
  return value.map(plain);
}
