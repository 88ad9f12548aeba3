// One HTTP request and its response, as handlers see them.
import type { IncomingMessage, ServerResponse } from "node:http";
import { ulid } from "ulid";
import type { Span } from "../process/tracing.ts";
import { ApiError } from "./answers/api-error.ts";
import { FormValues } from "./requests/form-values.ts";

/** Largest form body; larger ones are refused with 413. */
export const formBytesMax = 10 * 1024 * 1024;

function bodyTooLarge(): ApiError {
  return new ApiError("too_large", "http: request body too large");
}

/** One request. Made by the server, owned by the handler until it returns. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly params: Readonly<Record<string, string | undefined>>;
  readonly span: Span;
  /** From X-Request-ID, or made here. */
  readonly requestId: string;
  /** Aborted when the client goes away before the answer is complete. */
  readonly signal: AbortSignal;
  readonly #gone = new AbortController();
  #form: Promise<FormValues> | undefined;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    url: { readonly path: string; readonly query: URLSearchParams },
    params: Readonly<Record<string, string | undefined>>,
    span: Span,
  ) {
    this.request = request;
    this.response = response;
    this.path = url.path;
    this.query = url.query;
    this.params = params;
    this.span = span;
    this.requestId = this.header("x-request-id") || ulid(undefined, Math.random);
    this.signal = this.#gone.signal;
    response.on("close", () => {
      // A response of HTTP/2 does not tell what was sent, only that it was ended.
      if (!(response.writableFinished ?? response.writableEnded))
        this.#gone.abort(new Error("the client closed the connection"));
    });
  }

  get method(): string {
    return this.request.method ?? "GET";
  }

  /** The first value of a header, "" where there is none. */
  header(name: string): string {
    const value = this.request.headers[name.toLowerCase()];
    return (Array.isArray(value) ? value[0] : value) ?? "";
  }

  /** Parameters of URL and form body; the body is read once. Throws ApiError. */
  form(): Promise<FormValues> {
    this.#form ??= this.#readForm();
    return this.#form;
  }

  async #readForm(): Promise<FormValues> {
    const type = this.header("content-type").split(";")[0]!.trim().toLowerCase();
    const withBody = this.method === "POST" || this.method === "PUT" || this.method === "PATCH";
    if (!withBody || type !== "application/x-www-form-urlencoded") {
      return new FormValues(this.query, new URLSearchParams());
    }
    const body = await this.body(formBytesMax);
    return new FormValues(this.query, new URLSearchParams(body.toString("utf8")));
  }

  /** The whole body. Throws ApiError for one longer than `bytesMax`. */
  async body(bytesMax: number): Promise<Buffer> {
    // Whoever announces too much need not send it first.
    if (Number(this.header("content-length")) > bytesMax) throw bodyTooLarge();
    const parts: Buffer[] = [];
    let bytes = 0;
    for await (const part of this.request as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes > bytesMax) throw bodyTooLarge();
      parts.push(part);
    }
    return Buffer.concat(parts, bytes);
  }
}
