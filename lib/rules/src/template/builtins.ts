// The functions that every Go template has.

import { byBytes } from "./go/by-bytes.ts";
import { sprint, sprintf, sprintln } from "./go/go-print.ts";
import { indirect, integerOf, isTrue, kindOf, textOf, typeOfValue, unwrap } from "./go/go-type.ts";
import {
  type GoComplex,
  GoFailure,
  type GoFunction,
  GoInteger,
  GoMap,
  GoPointer,
  GoSlice,
  GoStruct,
  type GoValue,
} from "./go/go-value.ts";
import { isPrintableRune } from "./go/runes.ts";

const unreachable = (): GoValue => undefined;

/** A string's bytes: Go counts and cuts those. */
function bytesOf(text: string): Buffer {
  return Buffer.from(text);
}

function indexArg(index: GoValue, capacity: number): number {
  const value = integerOf(index);
  if (value === null) {
    throw new GoFailure(
      index === undefined
        ? "cannot index slice/array with nil"
        : `cannot index slice/array with type ${typeOfValue(index)}`,
    );
  }
  if (value < 0n || value > BigInt(capacity)) throw new GoFailure(`index out of range: ${value}`);
  return Number(value);
}

/** The index right behind the end passes the check and then fails in the reading. */
function outOfRange(what: string): GoFailure {
  return new GoFailure(`reflect: ${what} index out of range`);
}

function index(args: GoValue[]): GoValue {
  let item: GoValue = unwrap(args[0]);
  if (item === undefined) throw new GoFailure("index of untyped nil");
  for (const given of args.slice(1)) {
    const at = unwrap(given);
    const { value, isNil } = indirect(item);
    if (isNil) throw new GoFailure("index of nil pointer");
    const text = textOf(value);
    if (text !== null) {
      const bytes = bytesOf(text);
      const i = indexArg(at, bytes.length);
      if (i >= bytes.length) throw outOfRange("string");
      item = new GoInteger("uint8", false, BigInt(bytes[i]!));
    } else if (value instanceof GoSlice) {
      const i = indexArg(at, value.items.length);
      if (i >= value.items.length) throw outOfRange("slice");
      item = value.items[i];
    } else if (value instanceof GoMap) {
      if (at === undefined) throw new GoFailure("value is nil; should be of type string");
      if (typeof at !== "string")
        throw new GoFailure(`value has type ${typeOfValue(at)}; should be string`);
      item = value.get(at);
    } else {
      throw new GoFailure(`can't index item of type ${typeOfValue(value)}`);
    }
  }
  return item;
}

function slice(args: GoValue[]): GoValue {
  const item = unwrap(args[0]);
  if (item === undefined) throw new GoFailure("slice of untyped nil");
  const { value, isNil } = indirect(item);
  if (isNil) throw new GoFailure("slice of nil pointer");
  const indexes = args.slice(1);
  if (indexes.length > 3) throw new GoFailure(`too many slice indexes: ${indexes.length}`);
  const text = textOf(value);
  const isSlice = value instanceof GoSlice;
  if (text !== null && indexes.length === 3) throw new GoFailure("cannot 3-index slice a string");
  if (text === null && !isSlice)
    throw new GoFailure(`can't slice item of type ${typeOfValue(value)}`);
  const bytes = text === null ? Buffer.alloc(0) : bytesOf(text);
  const length = isSlice ? value.items.length : bytes.length;
  const places = [0, length, length];
  indexes.forEach((given, i) => {
    places[i] = indexArg(given, length);
  });
  const [from, to, max] = places as [number, number, number];
  if (from > to) throw new GoFailure(`invalid slice index: ${from} > ${to}`);
  if (indexes.length === 3 && to > max) throw new GoFailure(`invalid slice index: ${to} > ${max}`);
  if (isSlice) return new GoSlice(value.type, value.items.slice(from, to));
  return bytes.subarray(from, to).toString("utf8");
}

function length(args: GoValue[]): GoValue {
  const { value, isNil } = indirect(args[0]);
  if (isNil) throw new GoFailure("len of nil pointer");
  const text = textOf(value);
  if (text !== null) return BigInt(Buffer.byteLength(text));
  if (value instanceof GoMap) return BigInt(value.entries.size);
  if (value instanceof GoSlice) return BigInt(value.items.length);
  if (value === undefined) throw new GoFailure("reflect: call of reflect.Value.Type on zero Value");
  throw new GoFailure(`len of type ${typeOfValue(value)}`);
}

function call(args: GoValue[]): GoValue {
  const name = typeof args[0] === "string" ? args[0] : "";
  const target = unwrap(args[1]);
  if (target === undefined) throw new GoFailure("call of nil");
  throw new GoFailure(`non-function ${name} of type ${typeOfValue(target)}`);
}

type Basic = "bool" | "int" | "uint" | "float" | "complex" | "string" | "invalid";

function basicKind(value: GoValue): Basic {
  const kind = kindOf(value);
  return kind === "bool" ||
    kind === "int" ||
    kind === "uint" ||
    kind === "float" ||
    kind === "complex" ||
    kind === "string"
    ? kind
    : "invalid";
}

function incompatible(a: GoValue, b: GoValue): GoFailure {
  return new GoFailure(
    `incompatible types for comparison: ${typeOfValue(a)} and ${typeOfValue(b)}`,
  );
}

function sameBasic(kind: Basic, a: GoValue, b: GoValue): boolean {
  if (kind === "string") return textOf(a) === textOf(b);
  if (kind === "int" || kind === "uint") return integerOf(a) === integerOf(b);
  if (kind === "complex") {
    const x = a as GoComplex;
    const y = b as GoComplex;
    return x.real === y.real && x.imaginary === y.imaginary;
  }
  return a === b;
}

function isNilValue(value: GoValue): boolean {
  return value === undefined || (value instanceof GoPointer && value.target === null);
}

function equalOthers(a: GoValue, b: GoValue): boolean {
  if (kindOf(a) !== kindOf(b) && a !== undefined && b !== undefined)
    throw new GoFailure(
      `non-comparable types ${sprint([a])}: ${typeOfValue(a)}, ${typeOfValue(b)}: ${sprint([b])}`,
    );
  if (isNilValue(a) || isNilValue(b)) return isNilValue(a) === isNilValue(b);
  const comparable =
    b instanceof GoPointer || (b instanceof GoStruct && b.text !== null && b.type === "time.Time");
  if (!comparable) throw new GoFailure(`non-comparable type ${sprint([b])}: ${typeOfValue(b)}`);
  if (a instanceof GoStruct && b instanceof GoStruct) return a.text === b.text;
  return a === b;
}

function equal(args: GoValue[]): boolean {
  const first = unwrap(args[0]);
  if (args.length < 2) throw new GoFailure("missing argument for comparison");
  const kind = basicKind(first);
  for (const given of args.slice(1)) {
    const other = unwrap(given);
    const otherKind = basicKind(other);
    let same = false;
    if (kind === otherKind) {
      same = kind === "invalid" ? equalOthers(first, other) : sameBasic(kind, first, other);
    } else if (integerOf(first) !== null && integerOf(other) !== null) {
      same = integerOf(first) === integerOf(other);
    } else if (first !== undefined && other !== undefined) throw incompatible(first, other);
    if (same) return true;
  }
  return false;
}

function less(args: GoValue[]): boolean {
  const a = unwrap(args[0]);
  const b = unwrap(args[1]);
  const kind = basicKind(a);
  const bad = () => new GoFailure("invalid type for comparison");
  if (kind === "invalid" || basicKind(b) === "invalid") throw bad();
  const x = integerOf(a);
  const y = integerOf(b);
  if (x !== null && y !== null) return x < y;
  if (kind !== basicKind(b)) throw incompatible(a, b);
  if (kind === "float") return (a as number) < (b as number);
  if (kind === "string") return byBytes(textOf(a)!, textOf(b)!) < 0;
  throw bad();
}

const lessOrEqual = (args: GoValue[]): boolean => less(args) || equal(args);

/** Arguments as one text, for the escapers. */
function joined(args: readonly GoValue[]): string {
  const values = args.map((arg) => {
    const inner = unwrap(arg);
    const value = inner instanceof GoPointer ? indirect(inner).value : inner;
    return value === undefined ? "<no value>" : value;
  });
  if (values.length === 1 && typeof values[0] === "string") return values[0];
  return sprint(values);
}

const htmlEscapes: Readonly<Record<string, string>> = {
  "\0": "\ufffd",
  '"': "&#34;",
  "'": "&#39;",
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
};

function escapeHtml(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: Go replaces it.
  return text.replace(/[\u0000"'&<>]/g, (char) => htmlEscapes[char]!);
}

const scriptEscapes: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "'": "\\'",
  '"': '\\"',
  "<": "\\u003C",
  ">": "\\u003E",
  "&": "\\u0026",
  "=": "\\u003D",
};

function escapeScript(text: string): string {
  let out = "";
  for (const char of text) {
    const code = char.codePointAt(0)!;
    const known = scriptEscapes[char];
    if (known !== undefined) out += known;
    else if (code < 0x20 || (code >= 0x80 && !isPrintableRune(code)))
      out += `\\u${code.toString(16).toUpperCase().padStart(4, "0")}`;
    else out += char;
  }
  return out;
}

/** Go's `url.QueryEscape`. */
export function escapeQuery(text: string): string {
  let out = "";
  for (const byte of bytesOf(text)) {
    const char = String.fromCharCode(byte);
    if (/[A-Za-z0-9\-_.~]/.test(char)) out += char;
    else out += byte === 0x20 ? "+" : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return out;
}

const variadicAny = { params: ["any"], variadic: true } as const;
const two = { params: ["value", "value"] } as const;

/** By name. `and`, `or` and `call` are seen to where functions are called. */
export const builtins: Readonly<Record<string, GoFunction>> = {
  __proto__: null as never,
  and: { params: ["value", "value"], variadic: true, call: unreachable },
  or: { params: ["value", "value"], variadic: true, call: unreachable },
  call: { params: ["value", "value"], variadic: true, call },
  html: { ...variadicAny, call: (args) => escapeHtml(joined(args)) },
  js: { ...variadicAny, call: (args) => escapeScript(joined(args)) },
  urlquery: { ...variadicAny, call: (args) => escapeQuery(joined(args)) },
  index: { params: ["value", "value"], variadic: true, call: index },
  slice: { params: ["value", "value"], variadic: true, call: slice },
  len: { params: ["value"], call: length },
  not: { params: ["value"], call: (args) => !isTrue(args[0]) },
  print: { ...variadicAny, call: sprint },
  println: { ...variadicAny, call: sprintln },
  printf: {
    params: ["string", "any"],
    variadic: true,
    call: ([format, ...args]) => sprintf(format as string, args),
  },
  eq: { params: ["value", "value"], variadic: true, call: equal },
  ne: { ...two, call: (args) => !equal(args) },
  lt: { ...two, call: less },
  le: { ...two, call: lessOrEqual },
  gt: { ...two, call: (args) => !lessOrEqual(args) },
  ge: { ...two, call: (args) => !less(args) },
};

/** True for a function of this table, and not one of the same name that replaces it. */
export function isBuiltin(target: GoFunction): boolean {
  return builtinSet.has(target);
}

const builtinSet: ReadonlySet<GoFunction> = new Set(Object.values(builtins));
