// One running call: sends the request, collects messages, ends with a status.
import {
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from "node:http2";
import { RpcError } from "../errors.ts";
import { encodeFrame } from "../frame/frame.ts";
import { FrameParser } from "../frame/frame-parser.ts";
import {
  decodeGrpcMessage,
  errorOfStatus,
  type GrpcStatus,
  Status,
  statusOf,
  statusOfHttp,
} from "../status.ts";
import { formatTimeout } from "../timeout-header.ts";
import type { CallOptions, ServerStream } from "./caller.ts";
import { type ClientCallObserver, observeCall } from "./client-interceptor.ts";
import type { ClientOptions } from "./client-options.ts";
import type { Connection } from "./connection.ts";

/** Times that a call is begun anew before it is given up. */
const restartsMax = 5;

/** How to get a connection, bounded by the call's own signal. */
export type Connect = (waitForReady: boolean, signal: AbortSignal) => Promise<Connection>;

export class ClientStream implements ServerStream {
  readonly #options: ClientOptions;
  readonly #parser: FrameParser;
  readonly #aborter = new AbortController();
  readonly #begin: () => void;
  readonly #observer: ClientCallObserver | null;
  readonly #begun = performance.now();
  #restarts = 0;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #stream: ClientHttp2Stream | null = null;
  #connection: Connection | null = null;
  #ended = false;
  /** What trailers said; undefined before they come. Buffered data may still have to be read then. */
  #status: unknown;
  #dataEnded = false;
  #error: unknown = null;
  #wake: (() => void) | null = null;
  #timer: NodeJS.Timeout | undefined;
  #unlisten: () => void = () => undefined;
  /** True once a response header or message has come: the call must not be repeated. */
  answered = false;

  constructor(
    connect: Connect,
    path: string,
    request: Uint8Array,
    options: ClientOptions,
    call: CallOptions,
  ) {
    this.#options = options;
    this.#parser = new FrameParser(options.messageBytesMax);
    this.#observer = observeCall(options.interceptor, path, call.unary === true);
    this.#bound(call);
    this.#begin = () => {
      connect(call.waitForReady === true, this.#aborter.signal).then(
        (connection) => this.#open(connection, path, request, call),
        (error: unknown) => this.#finish(error),
      );
    };
    if (!this.#ended) this.#begin();
  }

  /** Starts again on another connection, if the far side certainly has not seen the call. */
  #restart(): boolean {
    if (this.answered || this.#status !== undefined || this.#restarts++ >= restartsMax)
      return false;
    this.#stream = null;
    this.#connection = null;
    this.#dataEnded = false;
    this.#begin();
    return true;
  }

  /** Deadline and abort signal. */
  #bound(call: CallOptions): void {
    const signal = call.signal;
    if (signal !== undefined) {
      if (signal.aborted) {
        this.#finish(signal.reason);
        return;
      }
      const onAbort = (): void => this.cancel(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      this.#unlisten = () => signal.removeEventListener("abort", onAbort);
    }
    if (call.timeoutMs !== undefined) {
      const expire = (): void =>
        this.cancel(new RpcError("RPC_DEADLINE_EXCEEDED", "context deadline exceeded"));
      this.#timer = setTimeout(expire, Math.min(call.timeoutMs, 2_147_483_647));
    }
  }

  #open(connection: Connection, path: string, request: Uint8Array, call: CallOptions): void {
    if (this.#ended) return;
    const headers: OutgoingHttpHeaders = {
      ":method": "POST",
      ":path": path,
      te: "trailers",
      "content-type": "application/grpc",
      "user-agent": this.#options.userAgent,
      "grpc-accept-encoding": "identity,snappy",
      ...call.metadata,
      ...this.#observer?.metadata,
    };
    if (this.#options.compression === "snappy") headers["grpc-encoding"] = "snappy";
    if (call.timeoutMs !== undefined) headers["grpc-timeout"] = formatTimeout(call.timeoutMs);
    let stream: ClientHttp2Stream;
    try {
      stream = connection.session.request(headers);
    } catch (cause) {
      if (this.#restart()) return;
      this.#finish(new RpcError("RPC_UNAVAILABLE", "transport is closing", {}, { cause }));
      return;
    }
    this.#connection = connection;
    this.#stream = stream;
    connection.callOpened();
    stream.on("response", (received) => this.#onHeaders(received));
    stream.on("trailers", (received) => this.#onStatus(received));
    stream.on("data", (data: Buffer) => this.#onData(data));
    stream.on("end", () => {
      if (this.#stream !== stream) return;
      this.#dataEnded = true;
      if (this.#status !== undefined) this.#finish(this.#status);
    });
    stream.on("error", () => undefined); // "close" follows and knows why
    stream.on("close", () => {
      connection.callClosed();
      if (this.#stream === stream) this.#onClose(stream, connection);
    });
    stream.end(encodeFrame(request, this.#options.compression));
    if (this.#restarts === 0) this.#observer?.sent();
  }

  #onHeaders(headers: IncomingHttpHeaders & { ":status"?: number | undefined }): void {
    // A status at once, without anything before it, is no answer: the call may be tried again.
    this.answered = headers["grpc-status"] === undefined;
    if (this.#connection !== null) this.#connection.activity++;
    const http = headers[":status"] ?? 0;
    const type = headers["content-type"] ?? "";
    if (headers["grpc-status"] !== undefined) this.#onStatus(headers);
    else if (http !== 200 || !type.startsWith("application/grpc")) {
      const text = `unexpected HTTP status code received from server: ${http}; content-type ${JSON.stringify(type)}`;
      this.cancel(errorOfStatus(http === 200 ? Status.unknown : statusOfHttp(http), text));
    } else {
      const encoding = headers["grpc-encoding"];
      this.#parser.encoding = typeof encoding === "string" ? encoding : "identity";
    }
  }

  #onData(data: Buffer): void {
    if (this.#connection !== null) this.#connection.activity++;
    if (this.#ended) return;
    const before = this.#pending.length;
    try {
      this.#parser.push(data, this.#pending);
    } catch (error) {
      this.cancel(error);
      return;
    }
    if (this.#pending.length > before) this.#observer?.received(this.#pending.length - before);
    this.#pendingBytes += data.length;
    if (this.#pendingBytes > this.#options.pendingBytesMax) this.#stream?.pause();
    if (this.#pending.length > 0) this.#notify();
  }

  #onStatus(headers: IncomingHttpHeaders): void {
    const status = Number(headers["grpc-status"] ?? Status.unknown);
    const text = headers["grpc-message"];
    this.#status =
      status === Status.ok
        ? null
        : errorOfStatus(status, decodeGrpcMessage(typeof text === "string" ? text : ""));
    if (this.#dataEnded) this.#finish(this.#status);
  }

  #onClose(stream: ClientHttp2Stream, connection: Connection): void {
    if (this.#ended) return;
    if (this.#status !== undefined) {
      this.#finish(this.#status);
      return;
    }
    const { failure } = connection;
    const code = stream.rstCode;
    const unseen =
      code === constants.NGHTTP2_REFUSED_STREAM || (stream.id ?? 0) > connection.lastStreamId;
    if (unseen && this.#restart()) return;
    if (failure !== null) {
      this.#finish(new RpcError("RPC_UNAVAILABLE", failure.message, {}, { cause: failure }));
    } else if (code === constants.NGHTTP2_REFUSED_STREAM || stream.session?.destroyed === true) {
      this.#finish(new RpcError("RPC_UNAVAILABLE", "transport is closing", { code }));
    } else if (code === constants.NGHTTP2_CANCEL) {
      this.#finish(
        new RpcError("RPC_CANCELLED", "stream terminated by RST_STREAM with error code: CANCEL"),
      );
    } else if (code === constants.NGHTTP2_ENHANCE_YOUR_CALM) {
      this.#finish(
        new RpcError("RPC_RESOURCE_EXHAUSTED", "the far side asks to slow down", { code }),
      );
    } else if (code === constants.NGHTTP2_NO_ERROR) {
      this.#finish(
        new RpcError("RPC_INTERNAL", "server closed the stream without sending trailers"),
      );
    } else {
      this.#finish(
        new RpcError("RPC_INTERNAL", `stream terminated by RST_STREAM with error code: ${code}`, {
          code,
        }),
      );
    }
  }

  #finish(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error =
      error === null && !this.#parser.idle
        ? new RpcError("RPC_FRAME", "grpc: stream ended within a message")
        : error;
    clearTimeout(this.#timer);
    this.#unlisten();
    // Only who waits for a connection listens.
    if (this.#connection === null) this.#aborter.abort(this.#error);
    this.#observer?.done({
      status: this.#outcome(),
      seconds: (performance.now() - this.#begun) / 1000,
    });
    this.#notify();
  }

  /** What the caller gave as reason to stop is no status. */
  #outcome(): GrpcStatus {
    if (this.#error === null) return Status.ok;
    return this.#error instanceof RpcError ? statusOf(this.#error) : Status.cancelled;
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }

  cancel(reason?: unknown): void {
    // Every reader cancels at its end: an error with a stack is made only for calls that still run.
    if (this.#ended) return;
    this.#pending = [];
    this.#finish(reason === undefined ? new RpcError("RPC_CANCELLED", "context canceled") : reason);
    this.#stream?.close(constants.NGHTTP2_CANCEL);
  }

  async read(): Promise<readonly Uint8Array[] | null> {
    for (;;) {
      if (this.#pending.length > 0) {
        const messages = this.#pending;
        this.#pending = [];
        this.#pendingBytes = 0;
        this.answered = true;
        this.#stream?.resume();
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
    try {
      for (let some = await this.read(); some !== null; some = await this.read()) yield* some;
    } finally {
      this.cancel();
    }
  }
}

/** The only message of a unary call. */
export async function onlyMessage(stream: ServerStream): Promise<Uint8Array> {
  const messages: Uint8Array[] = [];
  for (let some = await stream.read(); some !== null; some = await stream.read()) {
    messages.push(...some);
    if (messages.length > 1) {
      const error = new RpcError(
        "RPC_INTERNAL",
        "more than one message in the answer to a unary call",
      );
      stream.cancel(error);
      throw error;
    }
  }
  const message = messages[0];
  if (message === undefined) {
    throw new RpcError("RPC_INTERNAL", "no message in the answer to a unary call");
  }
  return message;
}
