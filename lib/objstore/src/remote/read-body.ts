// Reads bodies of answers piece by piece, and gives up those that bring nothing.
import { Readable } from "node:stream";

const nothingArrived = (ms: number): Error => new Error(`nothing arrived for ${ms} ms`);

/**
 * Hands the pieces of `body` to `take`, which may look at each until it returns, and must not throw. Done at the end of the body; throws what
 * broke it, the reason of `signal`, or that nothing arrived for `timeoutMs`. Then no more pieces come; the body is left
 * to the caller.
 */
export async function readBody(
  body: AsyncIterable<Uint8Array>,
  timeoutMs: number,
  signal: AbortSignal,
  take: (piece: Uint8Array) => void,
): Promise<void> {
  if (body instanceof Readable) return readStream(body, timeoutMs, signal, take);
  for await (const piece of bodyPieces(body, timeoutMs, signal)) take(piece);
}

/** By events: iterating costs a dozen promises for each piece, and most bodies have one. */
function readStream(
  body: Readable,
  timeoutMs: number,
  signal: AbortSignal,
  take: (piece: Uint8Array) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const over = (error: unknown): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      body.off("data", data);
      body.off("end", ended);
      body.off("close", closed);
      if (error === undefined) resolve();
      else reject(error);
    };
    const data = (piece: Uint8Array): void => {
      timer.refresh();
      take(piece);
    };
    const ended = (): void => over(undefined);
    const closed = (): void => over(new Error("the connection was closed"));
    const abort = (): void => over(signal.reason);
    const timer = setTimeout(() => over(nothingArrived(timeoutMs)), timeoutMs);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    body.on("end", ended);
    body.on("close", closed);
    // Stays: a body that is dropped may fail once more.
    body.on("error", over);
    body.on("data", data);
    if (body.destroyed) over(body.errored ?? new Error("the connection was closed"));
  });
}

/** The pieces of `body` one after the other; throws as `readBody` does. */
export async function* bodyPieces(
  body: AsyncIterable<Uint8Array>,
  timeoutMs: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const iterator = body[Symbol.asyncIterator]();
  let over = false;
  try {
    for (;;) {
      let stop: () => void = () => undefined;
      const stopped = new Promise<never>((_, reject) => {
        const timer = setTimeout(() => reject(nothingArrived(timeoutMs)), timeoutMs);
        const abort = (): void => reject(signal.reason as Error);
        signal.addEventListener("abort", abort, { once: true });
        stop = () => {
          clearTimeout(timer);
          signal.removeEventListener("abort", abort);
        };
      });
      signal.throwIfAborted();
      const next = await Promise.race([iterator.next(), stopped]).finally(stop);
      over = next.done === true;
      if (over) return;
      yield next.value as Uint8Array;
    }
  } finally {
    // The iterator of a body that hangs would never come back: it is left to whoever drops the connection.
    if (!over) void Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}
