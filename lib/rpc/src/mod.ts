// Public names of @deucalion/rpc.
export type { Caller, CallOptions, Metadata, ServerStream } from "./client/caller.ts";
export type { ChannelState } from "./client/channel.ts";
export { Channel } from "./client/channel.ts";
export { ChannelGroup } from "./client/channel-group.ts";
export type { ClientCallObserver, ClientInterceptor } from "./client/client-interceptor.ts";
export type { ClientOptions, ClientTls } from "./client/client-options.ts";
export { clientDefaults, clientTlsDefaults } from "./client/client-options.ts";
export type { MethodConfig, RetryPolicy, ServiceConfig } from "./client/service-config.ts";
export { parseServiceConfig, serviceConfigDefaults } from "./client/service-config.ts";
export type { Target } from "./client/target.ts";
export { parseTarget } from "./client/target.ts";
export { decodeSnappyStream, encodeSnappyStream } from "./compress/snappy-stream.ts";
export type { RpcErrorCode } from "./errors.ts";
export { RpcError } from "./errors.ts";
export type { Compression } from "./frame/frame.ts";
export { encodeFrame } from "./frame/frame.ts";
export { FrameParser } from "./frame/frame-parser.ts";
export { Health, HealthCheckRequest, HealthCheckResponse, healthFile } from "./health/health.ts";
export type { EnumType, Field, FieldExtra, ScalarKind } from "./proto/field.ts";
export { enumField, mapField, messageField, repeated, scalarField } from "./proto/field.ts";
export type { MessageExtra, MessageType } from "./proto/message-type.ts";
export { defineMessage } from "./proto/message-type.ts";
export type { ProtoFile, RpcSpec, ServiceSpec } from "./proto/proto-file.ts";
export { fileDescriptor, protoText } from "./proto/proto-file.ts";
export { ProtoReader, Wire } from "./proto/proto-reader.ts";
export { ProtoWriter, uvarintBytes } from "./proto/proto-writer.ts";
export { reflectionServices } from "./reflection/reflection.ts";
export type { ServerDeps } from "./server/grpc-server.ts";
export { GrpcServer } from "./server/grpc-server.ts";
export type { ServerOptions, ServerTls } from "./server/server-options.ts";
export { serverDefaults } from "./server/server-options.ts";
export type {
  DuplexHandler,
  MessageSink,
  Method,
  ServerCall,
  ServerCallObserver,
  ServerInterceptor,
  Service,
  StreamHandler,
  UnaryHandler,
} from "./server/service.ts";
export { duplex, serverStream, unary } from "./server/service.ts";
export type { GrpcStatus } from "./status.ts";
export {
  decodeGrpcMessage,
  encodeGrpcMessage,
  errorOfStatus,
  goErrorText,
  Status,
  statusNames,
  statusOf,
} from "./status.ts";
export { formatTimeout, parseTimeout } from "./timeout-header.ts";
