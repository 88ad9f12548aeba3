// Values and literals as arguments: what Go assigns to which type.

import { typeOfValue } from "./go/go-type.ts";
import {
  GoComplex,
  GoFailure,
  GoInteger,
  GoInterface,
  GoPointer,
  GoSlice,
  type GoValue,
} from "./go/go-value.ts";
import type { NumberNode, Operand } from "./parse/node.ts";
import { nodeText } from "./parse/node-text.ts";

const queryResult = "template.queryResult";

function typeName(type: string): string {
  return type === "any" ? "interface {}" : type;
}

/** The nil of a type, or undefined if it has none; a nil that is no value at all is undefined for "value". */
function nilOf(type: string): GoPointer | GoSlice | null | undefined {
  if (type === "any") return null;
  if (type.startsWith("*")) return new GoPointer(type, null);
  return type === queryResult ? new GoSlice(type, []) : undefined;
}

/** The literal `nil` as an argument; `type` null is a receiver. Throws GoFailure. */
export function nilArgument(type: string | null): GoValue {
  if (type === "value") return undefined;
  const value = type === null ? undefined : nilOf(type);
  if (value === undefined) throw new GoFailure(`cannot assign nil to ${type ?? ""}`);
  return value;
}

/** A value as a type wants it: interfaces are unwrapped and one pointer is followed. Throws GoFailure. */
export function assignable(value: GoValue, type: string): GoValue {
  if (type === "value") return value;
  if (value === undefined) {
    const nil = nilOf(type);
    if (nil === undefined) throw new GoFailure(`invalid value; expected ${typeName(type)}`);
    return nil;
  }
  if (type === "any" || typeOfValue(value) === type) return value;
  let inner = value;
  if (value instanceof GoInterface && value.inner !== null) {
    inner = value.inner;
    if (typeOfValue(inner) === type) return inner;
  }
  if (inner instanceof GoPointer && inner.type === `*${type}`) {
    if (inner.target === null) throw new GoFailure(`dereference of nil pointer of type ${type}`);
    return inner.target;
  }
  throw new GoFailure(`wrong type for value; expected ${type}; got ${typeOfValue(inner)}`);
}

/** A number where nothing says which type it is to be. Throws GoFailure. */
export function constantOf({ text, complex, float, integer, unsigned }: NumberNode): GoValue {
  if (complex !== null) return new GoComplex(complex.real, complex.imaginary);
  const hex = /^0[xX][^pP]+$/.test(text);
  if (float !== null && !hex && !text.startsWith("'") && /[.eEpP]/.test(text)) return float;
  if (integer !== null) return integer;
  if (unsigned !== null) throw new GoFailure(`${text} overflows int`);
  return undefined;
}

const integerTypes: ReadonlySet<string> = new Set(["int", "int64", "time.Duration", "time.Month"]);

/** A literal as an argument; `type` null is a receiver. Throws GoFailure. */
export function literalArgument(type: string | null, node: Operand): GoValue {
  if (type === "any" || type === "value" || type === null) {
    if (node.kind === "bool") return node.value;
    if (node.kind === "number") return constantOf(node);
    return node.kind === "string" ? node.text : undefined;
  }
  const expected = (what: string): GoFailure =>
    new GoFailure(`expected ${what}; found ${nodeText(node)}`);
  if (type === "string") {
    if (node.kind === "string") return node.text;
    throw expected("string");
  }
  if (type === "bool") {
    if (node.kind === "bool") return node.value;
    throw expected("bool");
  }
  if (type === "float64") {
    if (node.kind === "number" && node.float !== null) return node.float;
    throw expected("float");
  }
  if (integerTypes.has(type)) {
    if (node.kind !== "number" || node.integer === null) throw expected("integer");
    return type === "int" ? node.integer : new GoInteger(type, true, node.integer);
  }
  throw new GoFailure(`can't handle ${nodeText(node)} for arg of type ${type}`);
}
