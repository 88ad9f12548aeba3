// Server reflection (v1 and v1alpha): tells tools which services there are and what their messages look like.
import { messageField, repeated, scalarField } from "../proto/field.ts";
import { defineMessage, type MessageType } from "../proto/message-type.ts";
import { fileDescriptor, type ProtoFile } from "../proto/proto-file.ts";
import { duplex, type Service } from "../server/service.ts";

interface ReflectionRequest {
  host: string;
  fileByFilename?: string;
  fileContainingSymbol?: string;
  fileContainingExtension?: { containingType: string; extensionNumber: number };
  allExtensionNumbersOfType?: string;
  listServices?: string;
}

interface ReflectionResponse {
  validHost: string;
  originalRequest: ReflectionRequest;
  fileDescriptorResponse?: { fileDescriptorProto: readonly Uint8Array[] };
  listServicesResponse?: { service: readonly { name: string }[] };
  errorResponse?: { errorCode: number; errorMessage: string };
}

interface ReflectionMessages {
  readonly request: MessageType<ReflectionRequest>;
  readonly response: MessageType<ReflectionResponse>;
  readonly file: ProtoFile;
  readonly service: string;
}

function reflectionMessages(version: string): ReflectionMessages {
  const pkg = `grpc.reflection.${version}`;
  const one = { oneof: "message_request" };
  const answer = { oneof: "message_response" };
  const extension = defineMessage<object>(`${pkg}.ExtensionRequest`, [
    scalarField(1, "containing_type", "string"),
    scalarField(2, "extension_number", "int32"),
  ]);
  const request = defineMessage<ReflectionRequest>(`${pkg}.ServerReflectionRequest`, [
    scalarField(1, "host", "string"),
    scalarField(3, "file_by_filename", "string", one),
    scalarField(4, "file_containing_symbol", "string", one),
    messageField(5, "file_containing_extension", () => extension, one),
    scalarField(6, "all_extension_numbers_of_type", "string", one),
    scalarField(7, "list_services", "string", one),
  ]);
  const files = defineMessage<object>(`${pkg}.FileDescriptorResponse`, [
    repeated(scalarField(1, "file_descriptor_proto", "bytes")),
  ]);
  const serviceName = defineMessage<object>(`${pkg}.ServiceResponse`, [
    scalarField(1, "name", "string"),
  ]);
  const services = defineMessage<object>(`${pkg}.ListServiceResponse`, [
    repeated(messageField(1, "service", () => serviceName)),
  ]);
  const failure = defineMessage<object>(`${pkg}.ErrorResponse`, [
    scalarField(1, "error_code", "int32"),
    scalarField(2, "error_message", "string"),
  ]);
  const response = defineMessage<ReflectionResponse>(`${pkg}.ServerReflectionResponse`, [
    scalarField(1, "valid_host", "string"),
    messageField(2, "original_request", () => request),
    messageField(4, "file_descriptor_response", () => files, answer),
    messageField(6, "list_services_response", () => services, answer),
    messageField(7, "error_response", () => failure, answer),
  ]);
  const service = `${pkg}.ServerReflection`;
  const rpc = {
    name: "ServerReflectionInfo",
    request,
    response,
    clientStreaming: true,
    serverStreaming: true,
  };
  const file: ProtoFile = {
    path: `grpc/reflection/${version}/reflection.proto`,
    package: pkg,
    imports: [],
    enums: [],
    messages: [extension, request, files, serviceName, services, failure, response],
    services: [{ name: service, rpcs: [rpc] }],
  };
  return { request, response, file, service };
}

/** Symbols and paths of files, their imports included. */
class FileIndex {
  readonly #byPath = new Map<string, ProtoFile>();
  readonly #bySymbol = new Map<string, ProtoFile>();

  constructor(files: readonly ProtoFile[]) {
    for (const file of files) this.#add(file);
  }

  #add(file: ProtoFile): void {
    if (this.#byPath.has(file.path)) return;
    this.#byPath.set(file.path, file);
    for (const item of [...file.messages, ...file.enums, ...file.services])
      this.#bySymbol.set(item.name, file);
    for (const service of file.services) {
      for (const rpc of service.rpcs) this.#bySymbol.set(`${service.name}.${rpc.name}`, file);
    }
    for (const item of file.imports) this.#add(item);
  }

  byPath(path: string): Uint8Array[] | null {
    return closure(this.#byPath.get(path));
  }
  bySymbol(symbol: string): Uint8Array[] | null {
    return closure(this.#bySymbol.get(symbol));
  }
}

function closure(file: ProtoFile | undefined): Uint8Array[] | null {
  if (file === undefined) return null;
  const seen = new Set<ProtoFile>();
  const walk = (item: ProtoFile): void => {
    if (seen.has(item)) return;
    seen.add(item);
    item.imports.forEach(walk);
  };
  walk(file);
  return [...seen].map(fileDescriptor);
}

/** The reflection services for what a server serves. `files` describe its services; their imports are found. */
export function reflectionServices(
  serviceNames: () => readonly string[],
  files: readonly ProtoFile[],
): Service[] {
  const versions = ["v1", "v1alpha"].map(reflectionMessages);
  const index = new FileIndex([...files, ...versions.map((version) => version.file)]);
  return versions.map(({ request, response, service }) => ({
    name: service,
    methods: {
      ServerReflectionInfo: duplex(async (requests, _call, sink) => {
        for await (const data of requests) {
          const asked = request.decode(data);
          await sink.send(response.encode(answerTo(asked, index, serviceNames())));
        }
      }),
    },
  }));
}

function answerTo(
  asked: ReflectionRequest,
  index: FileIndex,
  names: readonly string[],
): ReflectionResponse {
  const answer: ReflectionResponse = { validHost: asked.host, originalRequest: asked };
  if (asked.listServices !== undefined) {
    answer.listServicesResponse = { service: [...names].sort().map((name) => ({ name })) };
    return answer;
  }
  const found =
    asked.fileByFilename !== undefined
      ? index.byPath(asked.fileByFilename)
      : asked.fileContainingSymbol !== undefined
        ? index.bySymbol(asked.fileContainingSymbol)
        : null;
  if (found === null) answer.errorResponse = { errorCode: 5, errorMessage: "not found" };
  else answer.fileDescriptorResponse = { fileDescriptorProto: found };
  return answer;
}
