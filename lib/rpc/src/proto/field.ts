// Descriptions of protobuf fields: the tables from which messages are read, written, printed and described.
import type { MessageType } from "./message-type.ts";

export type ScalarKind =
  | "int32"
  | "int64"
  | "uint32"
  | "uint64"
  | "sint32"
  | "sint64"
  | "bool"
  | "double"
  | "string"
  | "bytes";

/** An enum; on the wire and in memory a number. */
export interface EnumType {
  /** Full name, `thanos.PartialResponseStrategy`. */
  readonly name: string;
  readonly values: Readonly<Record<string, number>>;
  /** How JSON shows it: as Go's plain number, as its name, or as its name in lower case. */
  readonly json: "number" | "name" | "lower";
}

export interface Field {
  readonly number: number;
  /** Name in the .proto text. */
  readonly name: string;
  /** Property of the decoded object. */
  readonly key: string;
  readonly kind: ScalarKind | "enum" | "message" | "map";
  readonly repeated: boolean;
  readonly oneof: string | null;
  /** Name in JSON; null leaves the field out. */
  readonly json: string | null;
  /** JSON shows it even if it has its default value. */
  readonly jsonKeep: boolean;
  /** A message that is always there: read as empty where it is absent, and always written. */
  readonly nonNull: boolean;
  readonly enum: EnumType | null;
  /** Type of a message field, or of the values of a map with string keys. */
  readonly message: (() => MessageType<unknown>) | null;
}

/** What differs from the rule: key in camel case, JSON name as in the .proto text, defaults left out of JSON. */
export interface FieldExtra {
  readonly key?: string;
  readonly oneof?: string;
  readonly json?: string | null;
  readonly jsonKeep?: boolean;
  readonly nonNull?: boolean;
}

function make(
  number: number,
  name: string,
  kind: Field["kind"],
  extra: FieldExtra,
  more: Partial<Field> = {},
): Field {
  return {
    number,
    name,
    key: extra.key ?? name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    kind,
    repeated: false,
    oneof: extra.oneof ?? null,
    json: extra.json === undefined ? name : extra.json,
    jsonKeep: extra.jsonKeep ?? false,
    nonNull: extra.nonNull ?? false,
    enum: null,
    message: null,
    ...more,
  };
}

export function scalarField(
  number: number,
  name: string,
  kind: ScalarKind,
  extra: FieldExtra = {},
): Field {
  return make(number, name, kind, extra);
}

export function enumField(
  number: number,
  name: string,
  type: EnumType,
  extra: FieldExtra = {},
): Field {
  return make(number, name, "enum", extra, { enum: type });
}

/** `type` is a function so that messages may refer to each other. */
export function messageField<T>(
  number: number,
  name: string,
  type: () => MessageType<T>,
  extra: FieldExtra = {},
): Field {
  return make(number, name, "message", extra, { message: type as () => MessageType<unknown> });
}

/** `map<string, type>`; in memory a Map. */
export function mapField<T>(
  number: number,
  name: string,
  type: () => MessageType<T>,
  extra: FieldExtra = {},
): Field {
  return make(number, name, "map", extra, { message: type as () => MessageType<unknown> });
}

/** The same field, repeated; numbers are packed. In memory an array. */
export function repeated(field: Field): Field {
  return { ...field, repeated: true };
}
