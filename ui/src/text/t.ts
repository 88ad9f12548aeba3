// Looks texts up and fills them in, as a string or around elements.
import type { ComponentChild } from "preact";
import { en, type TextKey } from "./en.ts";

/** The text of `key`, with `{name}` replaced by `values.name`. */
export function t(key: TextKey, values?: Readonly<Record<string, string | number>>): string {
  const text: string = en[key];
  if (values === undefined) return text;
  return text.replace(/\{(\w+)\}/g, (all, name: string) => String(values[name] ?? all));
}

/** The text of `key` as children of an element, with `{name}` replaced by elements. */
export function tx(
  key: TextKey,
  values: Readonly<Record<string, ComponentChild>>,
): ComponentChild[] {
  return en[key].split(/\{(\w+)\}/).map((part, i) => (i % 2 === 0 ? part : values[part]));
}

/** One of two texts by number: `one` for exactly 1. */
export function plural(n: number, one: TextKey, many: TextKey, shown: string | number = n): string {
  return t(n === 1 ? one : many, { n: shown });
}
