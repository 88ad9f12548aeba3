// Decodes YAML nodes into fields of known types, with the errors that Go's YAML library gives.
import { quoteGo } from "@deucalion/promql";
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseAllDocuments,
  type Scalar,
} from "yaml";

/** Where a value stands, counted from 1; Go counts columns in characters. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** An error that ends the decoding at once. */
export class DecodeFailure extends Error {}

export type Decode<T> = (node: Node | null) => T;

/** A text with its documents. */
export interface ParsedYaml {
  /** Null for an empty text. */
  readonly root: Node | null;
  readonly document: Document | null;
  readonly documents: number;
  readonly lines: LineCounter;
  /** Syntax errors in our library's words. */
  readonly problem: string | null;
}

/** Continuations of quoted texts that are repaired, and how far they are moved in. */
const repairsMax = 500;
const repairIndent = " ".repeat(80);

interface Attempt {
  readonly documents: readonly Document[];
  readonly lines: LineCounter;
}

function attempt(text: string): Attempt {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, {
    lineCounter: lines,
    uniqueKeys: false,
    prettyErrors: false,
    strict: false,
    logLevel: "silent",
  });
  return { documents: Array.isArray(documents) ? (documents as Document[]) : [], lines };
}

/**
 * Go's library takes quoted texts whose next lines are not indented; ours ends them there. Blanks in front of these lines
 * mean nothing, so they are put there. Null where there is nothing to repair.
 */
function repaired(text: string, { documents }: Attempt): string | null {
  const error = documents[0]?.errors[0];
  if (error?.code !== "MISSING_CHAR" || !error.message.includes("quote")) return null;
  const end = text.indexOf("\n", error.pos[0]);
  if (end < 0 || end + 1 >= text.length || text.startsWith(repairIndent, end + 1)) return null;
  return `${text.slice(0, end + 1)}${repairIndent}${text.slice(end + 1)}`;
}

export function parseYaml(given: string): ParsedYaml {
  let text = given;
  let parsed = attempt(text);
  for (let i = 0; i < repairsMax; i++) {
    const better = repaired(text, parsed);
    if (better === null) break;
    text = better;
    parsed = attempt(text);
  }
  const { documents, lines } = parsed;
  const document = documents[0];
  if (document === undefined)
    return { root: null, document: null, documents: 0, lines, problem: null };
  const error = document.errors[0];
  const problem =
    error === undefined ? null : `yaml: line ${lines.linePos(error.pos[0]).line}: ${error.message}`;
  const root = document.contents as Node | null;
  return { root, document, documents: documents.length, lines, problem };
}

/** What a scalar without quotes stands for. */
function plainTag(text: string): string {
  if (/^(~|null|Null|NULL|)$/.test(text)) return "!!null";
  if (/^(true|True|TRUE|false|False|FALSE)$/.test(text)) return "!!bool";
  if (/^[-+]?(0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*)$/.test(text)) return "!!int";
  if (/^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/.test(text)) return "!!float";
  if (/^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$/.test(text)) return "!!float";
  if (/^\d{4}-\d\d?-\d\d?([Tt ]+\d\d?:\d\d:\d\d.*)?$/.test(text)) return "!!timestamp";
  return "!!str";
}

/** Reads values; wrong types are collected, the field keeps its zero value. */
export class YamlDecoder {
  readonly errors: string[] = [];
  readonly #yaml: ParsedYaml;
  /** Unknown fields are errors. */
  readonly #strict: boolean;

  constructor(yaml: ParsedYaml, strict: boolean) {
    this.#yaml = yaml;
    this.#strict = strict;
  }

  place(node: Node | null): Place {
    const start = node?.range?.[0];
    if (start === undefined) return { line: 0, column: 0 };
    const { line, col } = this.#yaml.lines.linePos(start);
    return { line, column: col };
  }

  /** The node behind aliases. */
  resolve(node: Node | null): Node | null {
    let at = node;
    for (let i = 0; i < 100 && at !== null && isAlias(at); i++)
      at = (at.resolve(this.#yaml.document!) as Node | undefined) ?? null;
    return at;
  }

  #tag(node: Node): string {
    if (isMap(node)) return "!!map";
    if (isSeq(node)) return "!!seq";
    const scalar = node as Scalar;
    if (scalar.tag?.startsWith("tag:yaml.org,2002:") === true)
      return `!!${scalar.tag.slice("tag:yaml.org,2002:".length)}`;
    return scalar.type === "PLAIN" ? plainTag(scalar.source ?? "") : "!!str";
  }

  #text(node: Node): string {
    const scalar = node as Scalar;
    return scalar.type === "PLAIN" ? (scalar.source ?? "") : String(scalar.value);
  }

  isNull(node: Node | null): boolean {
    return node === null || (isScalar(node) && this.#tag(node) === "!!null");
  }

  #mismatch(node: Node, type: string): void {
    const tag = this.#tag(node);
    let shown = "";
    if (isScalar(node)) {
      const text = this.#text(node);
      shown = Buffer.byteLength(text) > 10 ? ` \`${text.slice(0, 7)}...\`` : ` \`${text}\``;
    }
    const { line } = this.place(node);
    this.errors.push(`line ${line}: cannot unmarshal ${tag}${shown} into ${type}`);
  }

  /** Any scalar as it is written. */
  text(given: Node | null): string {
    const node = this.resolve(given);
    if (node === null || this.isNull(node)) return "";
    if (isScalar(node)) return this.#text(node);
    this.#mismatch(node, "string");
    return "";
  }

  integer(given: Node | null): number {
    const node = this.resolve(given);
    if (node === null || this.isNull(node)) return 0;
    const tag = this.#tag(node);
    if (tag === "!!int" || tag === "!!float") {
      const value = Number(
        this.#text(node)
          .replaceAll("_", "")
          .replace(/^([-+]?)0([0-7]+)$/, "$10o$2"),
      );
      if (Number.isFinite(value)) return Math.trunc(value);
    }
    this.#mismatch(node, "int");
    return 0;
  }

  float(given: Node | null): number {
    const node = this.resolve(given);
    if (node === null || this.isNull(node)) return 0;
    const text = isScalar(node) ? this.#text(node) : "";
    const tag = this.#tag(node);
    if (/^[-+]?\.inf$/i.test(text) && tag === "!!float")
      return text.startsWith("-") ? -Infinity : Infinity;
    if (/^\.nan$/i.test(text) && tag === "!!float") return Number.NaN;
    if (tag === "!!int" || tag === "!!float") return Number(text.replaceAll("_", ""));
    this.#mismatch(node, "float64");
    return 0;
  }

  boolean(given: Node | null): boolean {
    const node = this.resolve(given);
    if (node === null || this.isNull(node)) return false;
    const text = isScalar(node) ? this.#text(node) : "";
    if (this.#tag(node) === "!!bool") return text.toLowerCase() === "true";
    if (isScalar(node) && /^(y|yes|on)$/i.test(text)) return true;
    if (isScalar(node) && /^(n|no|off)$/i.test(text)) return false;
    this.#mismatch(node, "bool");
    return false;
  }

  list<T>(given: Node | null, type: string, item: Decode<T>): T[] {
    const node = this.resolve(given);
    if (node === null || this.isNull(node)) return [];
    if (isSeq(node)) return node.items.map((one) => item(one as Node | null));
    this.#mismatch(node, type);
    return [];
  }

  /** A map of strings, in the order of the file. */
  texts(given: Node | null): Map<string, string> {
    const out = new Map<string, string>();
    for (const [key, value] of this.#pairs(given, "map[string]string")) {
      const before = this.errors.length;
      const text = this.text(value);
      if (this.errors.length === before) out.set(key, text);
    }
    return out;
  }

  /** Calls the function of each field that is there. */
  struct(given: Node | null, type: string, fields: Readonly<Record<string, Decode<void>>>): void {
    for (const [key, value, at] of this.#pairs(given, type)) {
      if (Object.hasOwn(fields, key)) fields[key]!(value);
      else if (this.#strict)
        this.errors.push(`line ${this.place(at).line}: field ${key} not found in type ${type}`);
    }
  }

  #pairs(given: Node | null, type: string): [string, Node | null, Node][] {
    const node = this.resolve(given);
    if (node === null || this.isNull(node)) return [];
    if (!isMap(node)) {
      this.#mismatch(node, type);
      return [];
    }
    const items = node.items as Pair<Node, Node | null>[];
    if (!this.#uniqueKeys(items)) return [];
    const own: [string, Node | null, Node][] = [];
    const merged: Node[] = [];
    for (const { key, value } of items) {
      const text = this.text(key);
      if (text === "<<" && isScalar(key) && key.type === "PLAIN") {
        if (value !== null) merged.push(value);
      } else own.push([text, value, key]);
    }
    for (const one of merged) this.#merge(one, own);
    return own;
  }

  #uniqueKeys(items: readonly Pair<Node, Node | null>[]): boolean {
    const seen = new Map<string, number>();
    let unique = true;
    for (const { key } of items) {
      const text = this.text(key);
      const { line } = this.place(key);
      const first = seen.get(text);
      if (first === undefined) seen.set(text, line);
      else {
        unique = false;
        const quoted = quoteGo(text);
        this.errors.push(`line ${line}: mapping key ${quoted} already defined at line ${first}`);
      }
    }
    return unique;
  }

  /** Fields of a merged map, where the map itself has none of the name. */
  #merge(given: Node, own: [string, Node | null, Node][]): void {
    const node = this.resolve(given);
    if (node === null) return;
    if (isSeq(node)) {
      for (const one of node.items) this.#merge(one as Node, own);
      return;
    }
    if (!isMap(node))
      throw new DecodeFailure("yaml: map merge requires map or sequence of maps as the value");
    const names = new Set(own.map(([name]) => name));
    for (const entry of this.#pairs(node, "")) if (!names.has(entry[0])) own.push(entry);
  }
}

/** Collected errors as one, or null. */
export function typeErrors(errors: readonly string[]): string | null {
  if (errors.length === 0) return null;
  return `yaml: unmarshal errors:\n${errors.map((error) => `  ${error}`).join("\n")}`;
}
