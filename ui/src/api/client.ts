// The HTTP API over fetch: the envelope, its errors, and the server's clock.
import { signal } from "@preact/signals";
import { baseUrl, config } from "../config.ts";
import { type Messages, sortMessages } from "./messages.ts";

/** What went wrong with a call. */
export type ApiErrorCode =
  | "UI_UNREACHABLE" // no answer at all
  | "UI_HTTP" // an answer that is not the API's
  | "UI_API"; // an error that the API tells

/** A failed call. `status` is 0 and `type` empty where there are none. */
export class ApiError extends Error {
  readonly code: ApiErrorCode;
  readonly status: number;
  readonly type: string;

  constructor(code: ApiErrorCode, message: string, status = 0, type = "") {
    super(message);
    this.name = "ApiError";
    this.code = code;
    this.status = status;
    this.type = type;
  }
}

/** A good answer. */
export interface Answer<T> {
  readonly data: T;
  readonly messages: Messages;
  /** From the request to the last byte, in milliseconds. */
  readonly ms: number;
  /** Length of the JSON text in characters. */
  readonly chars: number;
}

/** A parameter; a list repeats it, null leaves it out. */
export type Params = Readonly<Record<string, string | number | readonly string[] | null>>;

/** How far this browser's clock is ahead of the server's, in milliseconds; null while unknown. */
export const clockDriftMs = signal<number | null>(null);
/** Since when the server has not answered, in milliseconds since 1970; null while it answers. */
export const lostSince = signal<number | null>(null);

interface CallOptions {
  readonly signal?: AbortSignal;
  readonly post?: boolean;
  readonly tenant?: string;
}

function encode(params: Params): URLSearchParams {
  const out = new URLSearchParams();
  for (const [key, value] of Object.entries(params)) {
    if (value === null) continue;
    if (typeof value === "object") for (const one of value) out.append(key, one);
    else out.append(key, String(value));
  }
  return out;
}

function noteClock(response: Response, sentMs: number): void {
  const date = Date.parse(response.headers.get("Date") ?? "");
  if (Number.isNaN(date)) return;
  // The header has whole seconds and may be up to the round trip old.
  const now = Date.now();
  const drift = now - date;
  const slack = 1500 + (now - sentMs);
  clockDriftMs.value = Math.abs(drift) <= slack ? 0 : drift;
}

interface Envelope {
  readonly status?: string;
  readonly data?: unknown;
  readonly error?: string;
  readonly errorType?: string;
  readonly warnings?: string[];
  readonly infos?: string[];
}

/**
 * Calls `api/v1/<path>`. Throws an ApiError, or the signal's AbortError. `T` is what the caller expects `data` to be.
 */
export async function call<T>(
  path: string,
  params: Params = {},
  options: CallOptions = {},
): Promise<Answer<T>> {
  const url = new URL(`api/v1/${path}`, baseUrl);
  const query = encode(params);
  const headers: Record<string, string> = { Accept: "application/json" };
  const tenant = options.tenant ?? "";
  if (tenant !== "") headers[config.tenantHeader] = tenant;
  const init: RequestInit = { headers };
  if (options.signal !== undefined) init.signal = options.signal;
  if (options.post === true) {
    init.method = "POST";
    init.body = query;
  } else url.search = query.toString();
  const sentMs = Date.now();
  const started = performance.now();
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, init);
    text = await response.text();
  } catch (error) {
    if (options.signal?.aborted === true) throw error;
    lostSince.value ??= Date.now();
    throw new ApiError("UI_UNREACHABLE", "the server does not answer");
  }
  lostSince.value = null;
  noteClock(response, sentMs);
  const ms = performance.now() - started;
  let envelope: Envelope;
  try {
    envelope = JSON.parse(text) as Envelope;
  } catch {
    const words = text.trim().slice(0, 300);
    throw new ApiError("UI_HTTP", words || response.statusText, response.status);
  }
  if (envelope.status !== "success") {
    const message = envelope.error ?? (response.statusText || "unknown error");
    throw new ApiError("UI_API", message, response.status, envelope.errorType ?? "");
  }
  return {
    data: envelope.data as T,
    messages: sortMessages(envelope.warnings, envelope.infos),
    ms,
    chars: text.length,
  };
}
