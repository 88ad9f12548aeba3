// A call that is given up when it takes too long, with the words that name the endpoint.
import { formatGoDuration } from "@deucalion/base";
import type { SourceContext } from "@deucalion/model";
import { goErrorText } from "@deucalion/rpc";
import { StoreApiError } from "../errors.ts";

export interface CallBounds {
  /** 0 is no limit. */
  readonly timeoutMs: number;
  /** Milliseconds since the epoch; Infinity is none. */
  readonly deadline: number;
  /** Who is asked, for the message. */
  readonly name: () => string;
}

/** Runs `work` with a context whose signal also aborts when time is up; then throws STOREAPI_TIMEOUT. */
export async function withinTime<T>(
  context: SourceContext,
  bounds: CallBounds,
  work: (context: SourceContext) => Promise<T>,
): Promise<T> {
  const timeout = bounds.timeoutMs > 0 ? bounds.timeoutMs : Number.POSITIVE_INFINITY;
  const limit = Math.min(timeout, bounds.deadline - Date.now());
  if (limit === Number.POSITIVE_INFINITY) return work(context);
  const aborter = new AbortController();
  const stop = (): void => aborter.abort(context.signal.reason);
  context.signal.addEventListener("abort", stop, { once: true });
  if (context.signal.aborted) stop();
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_, reject) => {
    const expire = (): void => {
      const text = `failed to receive any data in ${formatGoDuration(Math.round(limit))} from ${bounds.name()}`;
      const error = new StoreApiError("STOREAPI_TIMEOUT", text);
      reject(error);
      aborter.abort(error);
    };
    timer = setTimeout(expire, Math.min(Math.max(limit, 0), 2_147_483_647));
  });
  try {
    return await Promise.race([work({ ...context, signal: aborter.signal }), expired]);
  } finally {
    clearTimeout(timer);
    context.signal.removeEventListener("abort", stop);
  }
}

/** What went wrong at `name`, for people; a timeout already names it. */
export function failureText(what: string, name: string, error: unknown): string {
  if (error instanceof StoreApiError && error.code === "STOREAPI_TIMEOUT") return error.message;
  return `${what} ${name}: ${goErrorText(error)}`;
}
