// A .proto file made of tables: its text for people, its descriptor for reflection.
import type { EnumType, Field } from "./field.ts";
import type { MessageType } from "./message-type.ts";
import { ProtoWriter } from "./proto-writer.ts";

export interface RpcSpec {
  readonly name: string;
  readonly request: MessageType<unknown>;
  readonly response: MessageType<unknown>;
  readonly clientStreaming?: boolean;
  readonly serverStreaming?: boolean;
}

export interface ServiceSpec {
  /** Full name, `thanos.Store`. */
  readonly name: string;
  readonly rpcs: readonly RpcSpec[];
}

export interface ProtoFile {
  /** As imported: `thanos/store.proto`. */
  readonly path: string;
  readonly package: string;
  readonly imports: readonly ProtoFile[];
  readonly enums: readonly EnumType[];
  /** Any message type; nested ones (`thanos.Chunk.Encoding`) are not supported, enums may be. */
  readonly messages: readonly MessageType<unknown>[];
  readonly services: readonly ServiceSpec[];
}

const scalarNumbers: Readonly<Record<string, number>> = {
  double: 1,
  int64: 3,
  uint64: 4,
  int32: 5,
  bool: 8,
  string: 9,
  bytes: 12,
  uint32: 13,
  sint32: 17,
  sint64: 18,
};

function local(name: string, pkg: string): string {
  return name.startsWith(`${pkg}.`) ? name.slice(pkg.length + 1) : name;
}

function typeText(field: Field, pkg: string): string {
  if (field.kind === "map") return `map<string, ${local(field.message!().name, pkg)}>`;
  if (field.kind === "message") return local(field.message!().name, pkg);
  if (field.kind === "enum") return local(field.enum!.name, pkg);
  return field.kind;
}

function enumText(type: EnumType, indent: string): string[] {
  const values = Object.entries(type.values).map(
    ([name, number]) => `${indent}  ${name} = ${number};`,
  );
  return [
    `${indent}enum ${type.name.slice(type.name.lastIndexOf(".") + 1)} {`,
    ...values,
    `${indent}}`,
  ];
}

function messageText(type: MessageType<unknown>, file: ProtoFile): string[] {
  const nested = file.enums.filter((item) => item.name.startsWith(`${type.name}.`));
  const lines = [`message ${local(type.name, file.package)} {`];
  for (const item of nested) lines.push(...enumText(item, "  "));
  let oneof: string | null = null;
  for (const field of type.fields) {
    if (field.oneof !== oneof) {
      if (oneof !== null) lines.push("  }");
      if (field.oneof !== null) lines.push(`  oneof ${field.oneof} {`);
      oneof = field.oneof;
    }
    const label = field.repeated ? "repeated " : "";
    const indent = oneof === null ? "  " : "    ";
    lines.push(
      `${indent}${label}${typeText(field, file.package)} ${field.name} = ${field.number};`,
    );
  }
  if (oneof !== null) lines.push("  }");
  return [...lines, "}"];
}

/** The text of a .proto file. */
export function protoText(file: ProtoFile): string {
  const lines = [
    "// Written from the tables of this package; a test keeps the two equal.",
    'syntax = "proto3";',
    "",
    `package ${file.package};`,
  ];
  if (file.imports.length > 0) lines.push("");
  for (const item of file.imports) lines.push(`import "${item.path}";`);
  for (const service of file.services) {
    lines.push("", `service ${local(service.name, file.package)} {`);
    for (const rpc of service.rpcs) {
      const request = `${rpc.clientStreaming === true ? "stream " : ""}${local(rpc.request.name, file.package)}`;
      const response = `${rpc.serverStreaming === true ? "stream " : ""}${local(rpc.response.name, file.package)}`;
      lines.push(`  rpc ${rpc.name}(${request}) returns (${response});`);
    }
    lines.push("}");
  }
  const inside = (item: EnumType) => file.messages.some((m) => item.name.startsWith(`${m.name}.`));
  for (const item of file.enums) if (!inside(item)) lines.push("", ...enumText(item, ""));
  for (const type of file.messages) lines.push("", ...messageText(type, file));
  return `${lines.join("\n")}\n`;
}

function writeEnum(out: ProtoWriter, field: number, type: EnumType): void {
  const mark = out.open(field);
  out.string(1, type.name.slice(type.name.lastIndexOf(".") + 1));
  for (const [name, number] of Object.entries(type.values)) {
    const value = out.open(2);
    out.string(1, name);
    out.tag(2, 0);
    out.svarint(number);
    out.close(value);
  }
  out.close(mark);
}

function writeDescriptorField(
  out: ProtoWriter,
  field: Field,
  parent: string,
  oneofs: readonly string[],
): void {
  const mark = out.open(2);
  out.string(1, field.name);
  out.tag(3, 0);
  out.uvarint(field.number);
  out.tag(4, 0);
  out.uvarint(field.repeated || field.kind === "map" ? 3 : 1);
  out.tag(5, 0);
  if (field.kind === "enum") out.uvarint(14);
  else if (field.kind === "message" || field.kind === "map") out.uvarint(11);
  else out.uvarint(scalarNumbers[field.kind]!);
  if (field.kind === "enum") out.string(6, `.${field.enum!.name}`);
  if (field.kind === "message") out.string(6, `.${field.message!().name}`);
  if (field.kind === "map") out.string(6, `.${parent}.${entryName(field)}`);
  if (field.oneof !== null) {
    out.tag(9, 0);
    out.uvarint(oneofs.indexOf(field.oneof));
  }
  out.close(mark);
}

function entryName(field: Field): string {
  const camel = field.name.replace(/(^|_)([a-z])/g, (_, __, letter: string) =>
    letter.toUpperCase(),
  );
  return `${camel}Entry`;
}

/** The nested message that a map field stands for. */
function writeMapEntry(out: ProtoWriter, field: Field): void {
  const mark = out.open(3);
  out.string(1, entryName(field));
  const key: Field = {
    ...field,
    number: 1,
    name: "key",
    kind: "string",
    repeated: false,
    oneof: null,
  };
  const value: Field = {
    ...field,
    number: 2,
    name: "value",
    kind: "message",
    repeated: false,
    oneof: null,
  };
  writeDescriptorField(out, key, "", []);
  writeDescriptorField(out, value, "", []);
  const options = out.open(7);
  out.tag(7, 0);
  out.uvarint(1);
  out.close(options);
  out.close(mark);
}

function writeMessage(out: ProtoWriter, type: MessageType<unknown>, file: ProtoFile): void {
  const mark = out.open(4);
  out.string(1, local(type.name, file.package));
  const oneofs = [...new Set(type.fields.flatMap((field) => field.oneof ?? []))];
  for (const field of type.fields) writeDescriptorField(out, field, type.name, oneofs);
  for (const field of type.fields) if (field.kind === "map") writeMapEntry(out, field);
  for (const item of file.enums) if (item.name.startsWith(`${type.name}.`)) writeEnum(out, 4, item);
  for (const name of oneofs) {
    const oneof = out.open(8);
    out.string(1, name);
    out.close(oneof);
  }
  out.close(mark);
}

function writeService(out: ProtoWriter, service: ServiceSpec, file: ProtoFile): void {
  const mark = out.open(6);
  out.string(1, local(service.name, file.package));
  for (const rpc of service.rpcs) {
    const method = out.open(2);
    out.string(1, rpc.name);
    out.string(2, `.${rpc.request.name}`);
    out.string(3, `.${rpc.response.name}`);
    if (rpc.clientStreaming === true) out.raw(Uint8Array.of(0x28, 1));
    if (rpc.serverStreaming === true) out.raw(Uint8Array.of(0x30, 1));
    out.close(method);
  }
  out.close(mark);
}

/** The file as an encoded google.protobuf.FileDescriptorProto. */
export function fileDescriptor(file: ProtoFile): Uint8Array {
  const out = new ProtoWriter(1024);
  out.string(1, file.path);
  out.string(2, file.package);
  for (const item of file.imports) out.string(3, item.path);
  const inside = (item: EnumType) => file.messages.some((m) => item.name.startsWith(`${m.name}.`));
  for (const type of file.messages) writeMessage(out, type, file);
  for (const item of file.enums) if (!inside(item)) writeEnum(out, 5, item);
  for (const service of file.services) writeService(out, service, file);
  out.string(12, "proto3");
  return out.finish();
}
