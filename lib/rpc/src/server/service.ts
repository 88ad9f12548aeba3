// What a gRPC server serves: services, methods, and what a handler gets.
import type { IncomingHttpHeaders } from "node:http2";

/** One call as the handler sees it. */
export interface ServerCall {
  /** `/package.Service/Method`. */
  readonly path: string;
  /** Request headers; keys are lower case. */
  readonly metadata: IncomingHttpHeaders;
  /** Aborts when the caller cancels or leaves, or the deadline passes. */
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch; null without a deadline. */
  readonly deadline: number | null;
  /** Address of the caller. */
  readonly peer: string;
  /** Subject's first organisation or common name and so on of the caller's certificate; null without one. */
  readonly certificate: Readonly<Record<string, unknown>> | null;
}

/**
 * Where a streaming handler puts its messages. `send` copies the message, so its memory may be used again at once,
 * and returns a promise to wait for when the receiver is slow.
 */
export interface MessageSink {
  send(message: Uint8Array): Promise<void> | undefined;
}

export type UnaryHandler = (request: Uint8Array, call: ServerCall) => Promise<Uint8Array>;
export type StreamHandler = (
  request: Uint8Array,
  call: ServerCall,
  sink: MessageSink,
) => Promise<void>;
export type DuplexHandler = (
  requests: AsyncIterable<Uint8Array>,
  call: ServerCall,
  sink: MessageSink,
) => Promise<void>;

export type Method =
  | { readonly kind: "unary"; readonly handle: UnaryHandler }
  | { readonly kind: "stream"; readonly handle: StreamHandler }
  | { readonly kind: "duplex"; readonly handle: DuplexHandler };

export function unary(handle: UnaryHandler): Method {
  return { kind: "unary", handle };
}
export function serverStream(handle: StreamHandler): Method {
  return { kind: "stream", handle };
}
export function duplex(handle: DuplexHandler): Method {
  return { kind: "duplex", handle };
}

export interface Service {
  /** Full name, `thanos.Store`. */
  readonly name: string;
  readonly methods: Readonly<Record<string, Method>>;
}

/** Hooks of metrics, logs and traces; each call gets an observer of its own. */
export type ServerInterceptor = (call: {
  readonly service: string;
  readonly method: string;
  /** `unary`, `server_stream`, `bidi_stream`: the `grpc_type` label. */
  readonly type: string;
  readonly call: ServerCall;
}) => ServerCallObserver;

export interface ServerCallObserver {
  /** Runs the handler: a trace makes it a part of its span. */
  around?(handle: () => Promise<void>): Promise<void>;
  received?(bytes: number): void;
  sent?(bytes: number): void;
  /** `panic`: the handler broke a promise of its own. */
  done?(outcome: { status: number; error: unknown; seconds: number; panic: boolean }): void;
}
