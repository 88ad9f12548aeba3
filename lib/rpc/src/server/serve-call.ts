// One incoming call: reads the request, runs the handler, sends messages and the status.
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { TLSSocket } from "node:tls";
import { CodedError, messageOf } from "@deucalion/base";
import { RpcError } from "../errors.ts";
import { FrameParser } from "../frame/frame-parser.ts";
import { encodeGrpcMessage, Status, statusOf } from "../status.ts";
import { parseTimeout } from "../timeout-header.ts";
import type { ServerOptions } from "./server-options.ts";
import type { Method, ServerCall, ServerCallObserver, ServerInterceptor } from "./service.ts";
import { SlabSink } from "./slab-sink.ts";

const typeLabels: Record<Method["kind"], string> = {
  unary: "unary",
  stream: "server_stream",
  duplex: "bidi_stream",
};

/** Requests as they arrive, with the stream paused while nobody reads. */
class RequestReader implements AsyncIterable<Uint8Array> {
  readonly #stream: ServerHttp2Stream;
  #pending: Uint8Array[] = [];
  #ended = false;
  #error: unknown = null;
  #wake: (() => void) | null = null;

  constructor(stream: ServerHttp2Stream, parser: FrameParser, received: (bytes: number) => void) {
    this.#stream = stream;
    stream.on("data", (data: Buffer) => {
      const before = this.#pending.length;
      try {
        parser.push(data, this.#pending);
      } catch (error) {
        this.#end(error);
        return;
      }
      for (let i = before; i < this.#pending.length; i++) received(this.#pending[i]!.length);
      if (this.#pending.length > 16) stream.pause();
      if (this.#pending.length > before) this.#notify();
    });
    stream.on("end", () => {
      this.#end(
        parser.idle ? null : new RpcError("RPC_FRAME", "grpc: stream ended within a message"),
      );
    });
    stream.on("close", () => {
      if (!this.#ended) this.#end(new RpcError("RPC_CANCELLED", "context canceled"));
    });
  }

  #end(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#notify();
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }

  /** What has arrived since, as soon as there is something; null at the end. */
  async #some(): Promise<Uint8Array[] | null> {
    for (;;) {
      const messages = this.#pending;
      if (messages.length > 0) {
        this.#pending = [];
        this.#stream.resume();
        return messages;
      }
      if (this.#ended) {
        if (this.#error !== null) throw this.#error;
        return null;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    for (let some = await this.#some(); some !== null; some = await this.#some()) yield* some;
  }

  /** The one message of a request that has one, when all of it is there. */
  async only(): Promise<Uint8Array> {
    let only: Uint8Array | undefined;
    for (let some = await this.#some(); some !== null; some = await this.#some()) {
      if (only !== undefined || some.length > 1) {
        throw new RpcError("RPC_INTERNAL", "more than one message in a request that has one");
      }
      only = some[0];
    }
    if (only === undefined) throw new RpcError("RPC_INTERNAL", "request has no message");
    return only;
  }
}

/** Answers with nothing but a status. */
export function refuse(stream: ServerHttp2Stream, status: number, message: string): void {
  if (stream.destroyed || stream.headersSent) return;
  stream.respond(
    {
      ":status": 200,
      "content-type": "application/grpc",
      "grpc-status": String(status),
      "grpc-message": encodeGrpcMessage(message),
    },
    { endStream: true },
  );
}

/** Runs a call to its end. Never throws. */
export async function serveCall(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  path: string,
  method: Method,
  options: ServerOptions,
  interceptors: readonly ServerInterceptor[],
): Promise<void> {
  const started = performance.now();
  const aborter = new AbortController();
  const call = describeCall(stream, headers, path, aborter.signal);
  const [service, name] = path.slice(1).split("/") as [string, string];
  const observers: ServerCallObserver[] = interceptors.map((intercept) =>
    intercept({ service, method: name, type: typeLabels[method.kind], call }),
  );
  const parser = new FrameParser(options.messageBytesMax);
  parser.encoding = headerText(headers["grpc-encoding"]) || "identity";
  const compressed = parser.encoding === "snappy";
  const trailers: Record<string, string> = {};
  const begin = (): void => {
    if (stream.destroyed) return;
    stream.on("wantTrailers", () => stream.sendTrailers(trailers));
    stream.respond(
      {
        ":status": 200,
        "content-type": headerText(headers["content-type"]) || "application/grpc",
        ...(compressed ? { "grpc-encoding": "snappy" } : {}),
      },
      { waitForTrailers: true },
    );
  };
  const sink = new SlabSink(stream, compressed, options.unsentBytesMax, begin, (bytes) => {
    for (const observer of observers) observer.sent?.(bytes);
  });
  const leave = (reason: unknown): void => {
    aborter.abort(reason);
    sink.abandon(reason);
  };
  stream.on("error", () => undefined); // "close" follows
  const onClose = (): void => leave(new RpcError("RPC_CANCELLED", "context canceled"));
  stream.once("close", onClose);
  const expire = (): void =>
    leave(new RpcError("RPC_DEADLINE_EXCEEDED", "context deadline exceeded"));
  const left = call.deadline === null ? 0 : call.deadline - Date.now();
  const timer =
    call.deadline === null
      ? undefined
      : setTimeout(expire, Math.min(Math.max(left, 0), 2_147_483_647));
  const requests = new RequestReader(stream, parser, (bytes) => {
    for (const observer of observers) observer.received?.(bytes);
  });
  let error: unknown = null;
  try {
    let handle = (): Promise<void> => run(method, requests, call, sink);
    for (const observer of observers) {
      if (observer.around === undefined) continue;
      const inner = handle;
      handle = () => observer.around!(inner);
    }
    await untilAborted(handle(), call.signal);
  } catch (thrown) {
    error = call.signal.aborted ? call.signal.reason : thrown;
  }
  clearTimeout(timer);
  stream.off("close", onClose);
  const panic = error instanceof Error && isPanic(error);
  const status = error === null ? Status.ok : panic ? Status.internal : statusOf(error);
  if (!stream.destroyed) {
    if (stream.headersSent || status === Status.ok) {
      if (!stream.headersSent) begin();
      sink.flush();
      trailers["grpc-status"] = String(status);
      if (status !== Status.ok) trailers["grpc-message"] = encodeGrpcMessage(messageOf(error));
      stream.end();
    } else {
      refuse(stream, status, messageOf(error));
    }
    // The rest of a request nobody reads must not keep the stream open.
    if (!stream.readableEnded) stream.resume();
  }
  const seconds = (performance.now() - started) / 1000;
  for (const observer of observers) observer.done?.({ status, error, seconds, panic });
}

/** The handler's outcome, or the reason of the abort if that comes first; the handler then ends on its own. */
function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    work.then(resolve, reject);
  });
}

async function run(
  method: Method,
  requests: RequestReader,
  call: ServerCall,
  sink: SlabSink,
): Promise<void> {
  switch (method.kind) {
    case "unary": {
      const answer = await method.handle(await requests.only(), call);
      await sink.send(answer);
      return;
    }
    case "stream":
      await method.handle(await requests.only(), call, sink);
      return;
    case "duplex":
      await method.handle(requests, call, sink);
  }
}

/** Errors that the language throws are mistakes of ours; errors with a code, or made on purpose, are not. */
function isPanic(error: Error): boolean {
  if (error instanceof CodedError) return false;
  return (
    error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError
  );
}

function headerText(value: string | string[] | undefined): string {
  return Array.isArray(value) ? (value[0] ?? "") : (value ?? "");
}

function describeCall(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  path: string,
  signal: AbortSignal,
): ServerCall {
  const timeout = parseTimeout(headerText(headers["grpc-timeout"]));
  const socket = stream.session?.socket as TLSSocket | undefined;
  const peer =
    socket?.remoteAddress === undefined ? "" : `${socket.remoteAddress}:${socket.remotePort}`;
  const certificate =
    socket?.encrypted === true
      ? (socket.getPeerCertificate() as unknown as Record<string, unknown>)
      : null;
  return {
    path,
    metadata: headers,
    signal,
    deadline: timeout === undefined ? null : Date.now() + timeout,
    peer,
    certificate: certificate !== null && Object.keys(certificate).length > 0 ? certificate : null,
  };
}

/** How a stream is cut off when a server stops at once. */
export const abortCode = constants.NGHTTP2_CANCEL;
