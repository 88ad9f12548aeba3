// Runs work with a signal that aborts with another one or after a time; leaves nothing behind on the other one.

/** `work` gets a signal of its own; its reason after `ms` is an error with `message`. */
export async function withinDeadline<T>(
  signal: AbortSignal,
  ms: number,
  message: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const own = new AbortController();
  const onAbort = (): void => own.abort(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  const timer = setTimeout(() => own.abort(new Error(message)), ms);
  try {
    return await work(own.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}
