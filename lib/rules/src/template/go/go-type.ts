// Types, kinds and truth of values.
import {
  GoComplex,
  GoInteger,
  GoInterface,
  GoMap,
  GoPointer,
  GoSlice,
  GoStruct,
  GoText,
  type GoValue,
} from "./go-value.ts";

export type GoKind =
  | "invalid"
  | "bool"
  | "int"
  | "uint"
  | "float"
  | "complex"
  | "string"
  | "interface"
  | "map"
  | "slice"
  | "struct"
  | "pointer";

export function kindOf(value: GoValue): GoKind {
  if (value === undefined) return "invalid";
  if (value === null || value instanceof GoInterface) return "interface";
  if (typeof value === "string" || value instanceof GoText) return "string";
  if (typeof value === "number") return "float";
  if (typeof value === "bigint") return "int";
  if (typeof value === "boolean") return "bool";
  if (value instanceof GoInteger) return value.signed ? "int" : "uint";
  if (value instanceof GoComplex) return "complex";
  if (value instanceof GoMap) return "map";
  if (value instanceof GoSlice) return "slice";
  return value instanceof GoStruct ? "struct" : "pointer";
}

/** The type as Go prints it. */
export function typeOfValue(value: GoValue): string {
  if (value === undefined) return "<nil>";
  if (value === null || value instanceof GoInterface) return "interface {}";
  if (typeof value === "string") return "string";
  if (typeof value === "number") return "float64";
  if (typeof value === "bigint") return "int";
  if (typeof value === "boolean") return "bool";
  return value instanceof GoComplex ? "complex128" : value.type;
}

/** What an interface holds; undefined for a nil one. */
export function unwrap(value: GoValue): Exclude<GoValue, null | GoInterface> {
  if (value === null) return undefined;
  if (!(value instanceof GoInterface)) return value;
  return value.inner === null ? undefined : value.inner;
}

/** Follows interfaces and pointers; `isNil` if one of them is nil. */
export function indirect(value: GoValue): { readonly value: GoValue; readonly isNil: boolean } {
  let at = value;
  for (;;) {
    if (at === null) return { value: at, isNil: true };
    if (at instanceof GoInterface) {
      if (at.inner === null) return { value: at, isNil: true };
      at = at.inner;
    } else if (at instanceof GoPointer) {
      if (at.target === null) return { value: at, isNil: true };
      at = at.target;
    } else return { value: at, isNil: false };
  }
}

export function isTrue(value: GoValue): boolean {
  const inner = unwrap(value);
  if (inner === undefined) return false;
  if (typeof inner === "string") return inner !== "";
  if (typeof inner === "number") return inner !== 0;
  if (typeof inner === "bigint") return inner !== 0n;
  if (typeof inner === "boolean") return inner;
  if (inner instanceof GoInteger) return inner.value !== 0n;
  if (inner instanceof GoText) return inner.text !== "";
  if (inner instanceof GoMap) return inner.entries.size > 0;
  if (inner instanceof GoSlice) return inner.items.length > 0;
  if (inner instanceof GoComplex) return inner.real !== 0 || inner.imaginary !== 0;
  return inner instanceof GoStruct || inner.target !== null;
}

/** The integer of an int or uint, or null. */
export function integerOf(value: GoValue): bigint | null {
  if (typeof value === "bigint") return value;
  return value instanceof GoInteger ? value.value : null;
}

/** The text of a string of any string type, or null. */
export function textOf(value: GoValue): string | null {
  if (typeof value === "string") return value;
  return value instanceof GoText ? value.text : null;
}
