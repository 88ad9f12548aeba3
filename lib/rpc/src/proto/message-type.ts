// Messages described by tables: reading, writing and JSON for everything that is not hot.
import { RpcError } from "../errors.ts";
import type { Field } from "./field.ts";
import { ProtoReader, Wire } from "./proto-reader.ts";
import { ProtoWriter } from "./proto-writer.ts";

/** A message type. Decoded values are plain objects with every scalar present; absent messages are missing keys. */
export interface MessageType<T> {
  /** Full name, `thanos.info.InfoResponse`. */
  readonly name: string;
  readonly fields: readonly Field[];
  /** Unknown fields are skipped; malformed input throws RPC_PROTO. */
  decode(data: Uint8Array): T;
  read(reader: ProtoReader, depth: number): T;
  encode(value: T): Uint8Array;
  write(value: T, out: ProtoWriter): void;
  toJson(value: T): unknown;
}

/** Deviations from the table: own reading and writing (label sets), or own JSON. */
export interface MessageExtra<T> {
  readonly read?: (reader: ProtoReader) => T;
  readonly write?: (value: T, out: ProtoWriter) => void;
  readonly toJson?: (value: T, plain: () => Record<string, unknown>) => unknown;
}

/** Messages nest at most so deep; deeper input is malformed. */
const depthMax = 64;

type Values = Record<string, unknown>;

/** Defines a message by its table. `T` must name each field's key; nothing checks that but the tests. */
export function defineMessage<T>(
  name: string,
  fields: readonly Field[],
  extra: MessageExtra<T> = {},
): MessageType<T> {
  const byNumber = new Map(fields.map((field) => [field.number, field]));
  const type: MessageType<T> = {
    name,
    fields,
    decode: (data) => type.read(new ProtoReader(data), 0),
    read(reader, depth) {
      if (depth > depthMax)
        throw new RpcError("RPC_PROTO", "protobuf: messages nest too deep", { name });
      if (extra.read !== undefined) return extra.read(reader);
      const out: Values = {};
      for (const field of fields) if (hasDefault(field)) out[field.key] = defaultOf(field);
      while (reader.next()) {
        const field = byNumber.get(reader.field);
        if (field === undefined) reader.skip();
        else readField(field, reader, out, fields, depth);
      }
      return out as T;
    },
    encode(value) {
      const out = new ProtoWriter();
      type.write(value, out);
      return out.finish();
    },
    write(value, out) {
      if (extra.write !== undefined) extra.write(value, out);
      else for (const field of fields) writeField(field, (value as Values)[field.key], out);
    },
    toJson(value) {
      const plain = () => plainJson(fields, value as Values);
      return extra.toJson === undefined ? plain() : extra.toJson(value, plain);
    },
  };
  return type;
}

function hasDefault(field: Field): boolean {
  return (
    field.repeated || field.kind === "map" || (field.oneof === null && field.kind !== "message")
  );
}

function defaultOf(field: Field): unknown {
  if (field.repeated) return [];
  switch (field.kind) {
    case "map":
      return new Map();
    case "message":
      return field.message!().decode(new Uint8Array(0));
    case "string":
      return "";
    case "bytes":
      return new Uint8Array(0);
    case "bool":
      return false;
    default:
      return 0;
  }
}

function readScalar(field: Field, reader: ProtoReader): unknown {
  switch (field.kind) {
    case "int32":
    case "int64":
    case "enum":
      return reader.int();
    case "uint32":
    case "uint64":
      return reader.uint();
    case "sint32":
    case "sint64":
      return reader.zigzag();
    case "bool":
      return reader.bool();
    case "double":
      return reader.double();
    case "string":
      return reader.string();
    default:
      return new Uint8Array(reader.bytes());
  }
}

function isPackable(field: Field): boolean {
  return field.kind !== "string" && field.kind !== "bytes" && field.kind !== "message";
}

function readPacked(field: Field, reader: ProtoReader, into: unknown[]): void {
  const inner = reader.message();
  inner.wire = field.kind === "double" ? Wire.fixed64 : Wire.varint;
  while (inner.at < inner.end) into.push(readScalar(field, inner));
}

function readField(
  field: Field,
  reader: ProtoReader,
  out: Values,
  fields: readonly Field[],
  depth: number,
): void {
  if (field.kind === "map") {
    const [key, value] = readEntry(field, reader.message(), depth);
    (out[field.key] as Map<string, unknown>).set(key, value);
    return;
  }
  if (field.repeated && isPackable(field) && reader.wire === Wire.bytes) {
    readPacked(field, reader, out[field.key] as unknown[]);
    return;
  }
  const value =
    field.kind === "message"
      ? field.message!().read(reader.message(), depth + 1)
      : readScalar(field, reader);
  if (field.repeated) {
    (out[field.key] as unknown[]).push(value);
    return;
  }
  if (field.oneof !== null) {
    for (const other of fields) if (other.oneof === field.oneof) delete out[other.key];
  }
  out[field.key] = value;
}

function readEntry(field: Field, reader: ProtoReader, depth: number): [string, unknown] {
  let key = "";
  let value: unknown;
  while (reader.next()) {
    if (reader.field === 1) key = reader.string();
    else if (reader.field === 2) value = field.message!().read(reader.message(), depth + 1);
    else reader.skip();
  }
  return [key, value ?? field.message!().decode(new Uint8Array(0))];
}

function putScalar(field: Field, value: unknown, out: ProtoWriter): void {
  switch (field.kind) {
    case "int32":
    case "int64":
    case "enum":
      out.svarint(value as number);
      return;
    case "uint32":
    case "uint64":
      out.uvarint(value as number);
      return;
    case "sint32":
    case "sint64":
      out.zigzag(value as number);
      return;
    case "bool":
      out.uvarint(value === true ? 1 : 0);
      return;
    default:
      out.double(value as number);
  }
}

function writeOne(field: Field, value: unknown, out: ProtoWriter): void {
  switch (field.kind) {
    case "string":
      out.string(field.number, value as string);
      return;
    case "bytes":
      out.bytes(field.number, value as Uint8Array);
      return;
    case "message": {
      const mark = out.open(field.number);
      field.message!().write(value, out);
      out.close(mark);
      return;
    }
    default:
      out.tag(field.number, field.kind === "double" ? Wire.fixed64 : Wire.varint);
      putScalar(field, value, out);
  }
}

function isDefault(field: Field, value: unknown): boolean {
  switch (field.kind) {
    case "message":
      return false;
    case "bytes":
      return (value as Uint8Array).length === 0;
    case "double":
      return Object.is(value, 0);
    default:
      return value === 0 || value === "" || value === false;
  }
}

function writeField(field: Field, value: unknown, out: ProtoWriter): void {
  if (value === undefined || value === null) return;
  if (field.kind === "map") {
    for (const [key, item] of value as Map<string, unknown>) {
      const entry = out.open(field.number);
      out.string(1, key);
      const mark = out.open(2);
      field.message!().write(item, out);
      out.close(mark);
      out.close(entry);
    }
    return;
  }
  if (!field.repeated) {
    if (field.oneof !== null || !isDefault(field, value)) writeOne(field, value, out);
    return;
  }
  const items = value as readonly unknown[];
  if (!isPackable(field)) {
    for (const item of items) writeOne(field, item, out);
  } else if (items.length > 0) {
    const mark = out.open(field.number);
    for (const item of items) putScalar(field, item, out);
    out.close(mark);
  }
}

function jsonOf(field: Field, value: unknown): unknown {
  if (field.kind === "message") return field.message!().toJson(value);
  if (field.kind === "bytes") return Buffer.from(value as Uint8Array).toString("base64");
  if (field.kind !== "enum" || field.enum!.json === "number") return value;
  const name = Object.entries(field.enum!.values).find(([, number]) => number === value)?.[0];
  if (name === undefined) return value;
  return field.enum!.json === "lower" ? name.toLowerCase() : name;
}

function plainJson(fields: readonly Field[], value: Values): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const field of fields) {
    const item = value[field.key];
    if (field.json === null || item === undefined) continue;
    if (field.kind === "map") {
      const entries = [...(item as Map<string, unknown>)];
      if (entries.length === 0 && !field.jsonKeep) continue;
      out[field.json] = Object.fromEntries(
        entries.map(([k, v]) => [k, field.message!().toJson(v)]),
      );
    } else if (field.repeated) {
      const items = item as readonly unknown[];
      if (items.length > 0 || field.jsonKeep)
        out[field.json] = items.map((one) => jsonOf(field, one));
    } else if (field.jsonKeep || field.oneof !== null || !isDefault(field, item)) {
      out[field.json] = jsonOf(field, item);
    }
  }
  return out;
}
