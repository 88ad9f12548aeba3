// One value as a verb of Go's fmt prints it.
import { describeRune, quoteGo, quoteRune } from "@deucalion/promql";
import { byBytes } from "./by-bytes.ts";
import { formatFloat } from "./go-float.ts";
import { integerOf, kindOf, typeOfValue } from "./go-type.ts";
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

/** Flags, width and precision of one verb. */
export interface Form {
  plus: boolean;
  minus: boolean;
  sharp: boolean;
  space: boolean;
  zero: boolean;
  width: number | null;
  precision: number | null;
  plusV: boolean;
  sharpV: boolean;
}

/** A verb without flags. */
export function noForm(): Form {
  return {
    plus: false,
    minus: false,
    sharp: false,
    space: false,
    zero: false,
    width: null,
    precision: null,
    plusV: false,
    sharpV: false,
  };
}

/** `%+q`: what is not ASCII becomes an escape. */
function escapeBeyondAscii(literal: string): string {
  return literal.replace(/[\u0080-\u{10ffff}]/gu, (char) => {
    const code = char.codePointAt(0)!;
    const digits = code.toString(16);
    return code < 0x10000 ? `\\u${digits.padStart(4, "0")}` : `\\U${digits.padStart(8, "0")}`;
  });
}

function pad(text: string, form: Form): string {
  if (form.width === null) return text;
  const missing = form.width - [...text].length;
  if (missing <= 0) return text;
  if (form.minus) return text + " ".repeat(missing);
  return (form.zero ? "0" : " ").repeat(missing) + text;
}

function truncated(text: string, form: Form): string {
  return form.precision === null ? text : [...text].slice(0, form.precision).join("");
}

function quoted(text: string, form: Form): string {
  const cut = truncated(text, form);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: Go names them.
  if (form.sharp && !/[\u0000-\u0008\u000a-\u001f`\u007f\ufeff\ud800-\udfff]/u.test(cut))
    return pad(`\`${cut}\``, form);
  return pad(form.plus ? escapeBeyondAscii(quoteGo(cut)) : quoteGo(cut), form);
}

function hexText(text: string, form: Form, upper: boolean): string {
  let bytes = Buffer.from(text);
  if (form.precision !== null) bytes = bytes.subarray(0, form.precision);
  const prefix = form.sharp ? (upper ? "0X" : "0x") : "";
  const pairs = [...bytes].map((byte) => {
    const digits = byte.toString(16).padStart(2, "0");
    return upper ? digits.toUpperCase() : digits;
  });
  const body = form.space
    ? pairs.map((pair) => prefix + pair).join(" ")
    : (pairs.length > 0 ? prefix : "") + pairs.join("");
  return pad(body, form);
}

function textForm(text: string, verb: string, form: Form): string | null {
  switch (verb) {
    case "v":
      return form.sharpV ? quoted(text, form) : pad(truncated(text, form), form);
    case "s":
      return pad(truncated(text, form), form);
    case "x":
    case "X":
      return hexText(text, form, verb === "X");
    case "q":
      return quoted(text, form);
    default:
      return null;
  }
}

const bases: Readonly<Record<string, number>> = { v: 10, d: 10, b: 2, o: 8, O: 8, x: 16, X: 16 };

function integerForm(value: bigint, signed: boolean, verb: string, form: Form): string | null {
  if (verb === "c" || verb === "q" || verb === "U") return runeForm(value, verb, form);
  let base = bases[verb];
  if (base === undefined) return null;
  let { sharp } = form;
  if (verb === "v" && form.sharpV && !signed) {
    base = 16;
    sharp = true;
  }
  const negative = value < 0n;
  const sign = negative ? "-" : form.plus ? "+" : form.space ? " " : "";
  let digits = (negative ? -value : value).toString(base);
  let least = 0;
  if (form.precision !== null) {
    least = form.precision;
    if (least === 0 && value === 0n) return " ".repeat(form.width ?? 0);
  } else if (form.zero && !form.minus && form.width !== null) least = form.width - sign.length;
  digits = digits.padStart(least, "0");
  if (verb === "X") digits = digits.toUpperCase();
  if (sharp) {
    if (base === 2) digits = `0b${digits}`;
    else if (base === 8 && !digits.startsWith("0")) digits = `0${digits}`;
    else if (base === 16) digits = (verb === "X" ? "0X" : "0x") + digits;
  }
  if (verb === "O") digits = `0o${digits}`;
  return pad(sign + digits, { ...form, zero: false });
}

function runeForm(value: bigint, verb: string, form: Form): string {
  const valid = value >= 0n && value <= 0x10ffffn && !(value >= 0xd800n && value <= 0xdfffn);
  const rune = valid ? Number(value) : 0xfffd;
  if (verb === "c") return pad(String.fromCodePoint(rune), form);
  if (verb === "q")
    return pad(form.plus ? escapeBeyondAscii(quoteRune(rune)) : quoteRune(rune), form);
  const digits = BigInt.asUintN(64, value).toString(16).toUpperCase();
  const code = `U+${digits.padStart(Math.max(4, form.precision ?? 0), "0")}`;
  const char = form.sharp && valid ? describeRune(rune).slice(describeRune(rune).indexOf(" ")) : "";
  return pad(char.startsWith(" ") ? code + char : code, { ...form, zero: false });
}

function floatForm(value: number, verb: string, form: Form): string | null {
  const letter = verb === "v" ? "g" : verb === "F" ? "f" : verb;
  if (!"bgGxXfeE".includes(letter)) return null;
  const precision = form.precision ?? ("feE".includes(letter) ? 6 : -1);
  let text = formatFloat(value, letter, precision);
  if (text[0] !== "-" && text[0] !== "+") text = `+${text}`;
  if (form.space && text[0] === "+" && !form.plus) text = ` ${text.slice(1)}`;
  if (!Number.isFinite(value)) {
    if (Number.isNaN(value) && !form.space && !form.plus) text = text.slice(1);
    // A plus sign that nobody asked for stays in front of Inf.
    return pad(text, { ...form, zero: false });
  }
  if (form.sharp && letter !== "b") text = withPoint(text, letter, precision);
  if (form.plus || text[0] !== "+") {
    if (form.zero && !form.minus && form.width !== null && form.width > text.length)
      return text[0] + text.slice(1).padStart(form.width - 1, "0");
    return pad(text, form);
  }
  return pad(text.slice(1), form);
}

/** `%#g` keeps the point and the zeros behind it. */
function withPoint(text: string, letter: string, precision: number): string {
  let digits = "vgGx".includes(letter) ? (precision === -1 ? 6 : precision) : 0;
  const at = text.search(letter === "x" || letter === "X" ? /[pP]/ : /[eEpP]/);
  let number = at < 0 ? text : text.slice(0, at);
  const tail = at < 0 ? "" : text.slice(at);
  const significant = number.slice(1).replace(".", "").replace(/^0+/, "");
  digits -= significant.length;
  if (!number.includes(".")) {
    if (number.length === 2 && number[1] === "0") digits--;
    number += ".";
  }
  return number + "0".repeat(Math.max(0, digits)) + tail;
}

function complexForm({ real, imaginary }: GoComplex, verb: string, form: Form): string | null {
  if (!"vbgGxXfFeE".includes(verb)) return null;
  return `(${floatForm(real, verb, form)}${floatForm(imaginary, verb, { ...form, plus: true })}i)`;
}

/** The result of `String()` where the type has it. */
function stringerText(value: GoValue): string | null {
  if (value instanceof GoPointer) return value.target === null ? null : value.target.text;
  if (value instanceof GoInteger) return value.text;
  // Histograms only have it as pointers.
  return value instanceof GoStruct && value.type === "time.Time" ? value.text : null;
}

function badVerb(value: GoValue, verb: string, form: Form): string {
  if (value === undefined || value === null) return `%!${verb}(<nil>)`;
  return `%!${verb}(${typeOfValue(value)}=${printValue(value, "v", form, 0, true)})`;
}

/** An operand of Sprint and its like. */
export function printArg(given: GoValue, verb: string, form: Form): string {
  const value = given instanceof GoInterface ? given.inner : given;
  if (value === undefined || value === null)
    return verb === "T" || verb === "v" ? pad("<nil>", form) : badVerb(value, verb, form);
  if (verb === "T") return pad(truncated(typeOfValue(value), form), form);
  if (verb === "p" || verb === "w") return badVerb(value, verb, form);
  return printValue(value, verb, form, 0, false);
}

function printValue(
  given: GoValue,
  verb: string,
  form: Form,
  depth: number,
  erroring: boolean,
): string {
  const value = given instanceof GoInterface ? given.inner : given;
  if (value === undefined || value === null)
    return verb === "v" ? "<nil>" : badVerb(value, verb, form);
  if (!erroring && !form.sharpV && "vsxXq".includes(verb)) {
    const text = stringerText(value);
    if (text !== null) return textForm(text, verb, form) ?? text;
    if (value instanceof GoPointer && value.target === null && value.type !== "*template.sample")
      return "<nil>";
  }
  const simple = simpleForm(value, verb, form);
  if (simple !== undefined) return simple ?? badVerb(value, verb, form);
  const inside = (one: GoValue): string => printValue(one, verb, form, depth + 1, erroring);
  if (value instanceof GoMap) return mapForm(value, form, inside);
  if (value instanceof GoSlice) {
    const items = value.items.map(inside);
    return form.sharpV ? `${value.type}{${items.join(", ")}}` : `[${items.join(" ")}]`;
  }
  if (value instanceof GoStruct) return structForm(value, form, inside);
  if (value instanceof GoPointer) {
    if (depth === 0 && value.target instanceof GoStruct) return `&${inside(value.target)}`;
    // Addresses differ from run to run in Go, too.
    return value.target === null ? pad("<nil>", form) : "0xc000012345";
  }
  return `?${typeOfValue(value)}?`;
}

/** Undefined for values with parts; null where the verb does not fit. */
function simpleForm(value: GoValue, verb: string, form: Form): string | null | undefined {
  if (typeof value === "string") return textForm(value, verb, form);
  if (value instanceof GoText) return textForm(value.text, verb, form);
  if (typeof value === "boolean")
    return verb === "t" || verb === "v" ? pad(String(value), form) : null;
  if (typeof value === "number") return floatForm(value, verb, form);
  if (value instanceof GoComplex) return complexForm(value, verb, form);
  const integer = integerOf(value);
  if (integer === null) return undefined;
  return integerForm(integer, kindOf(value) === "int", verb, form);
}

function mapForm(map: GoMap, form: Form, inside: (one: GoValue) => string): string {
  const keys = [...map.entries.keys()].sort(byBytes);
  const pairs = keys.map((key) => `${inside(key)}:${inside(map.entries.get(key))}`);
  return form.sharpV ? `${map.type}{${pairs.join(", ")}}` : `map[${pairs.join(" ")}]`;
}

function structForm(struct: GoStruct, form: Form, inside: (one: GoValue) => string): string {
  const named = form.plusV || form.sharpV;
  const fields = [...struct.fields].map(([name, value]) =>
    named ? `${name}:${inside(value)}` : inside(value),
  );
  if (form.sharpV) return `${struct.type}{${fields.join(", ")}}`;
  return `{${fields.join(" ")}}`;
}
