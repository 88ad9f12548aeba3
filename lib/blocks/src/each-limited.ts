// Bounded concurrency over a list.

/**
 * Runs `work` for every item, at most `limit` at once. The first error stops new work and is thrown after what is
 * running has ended.
 */
export async function eachLimited<T>(
  items: Iterable<T> | AsyncIterable<T>,
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator =
    Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  let failed = false;
  let failure: unknown;
  let done = false;
  // An async generator queues concurrent next() calls itself, so workers may share it.
  const worker = async (): Promise<void> => {
    while (!failed && !done) {
      try {
        const next = await iterator.next();
        if (next.done === true) {
          done = true;
          return;
        }
        await work(next.value);
      } catch (error) {
        if (!failed) failure = error;
        failed = true;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, limit) }, worker));
  if (failed) {
    await iterator.return?.();
    throw failure;
  }
}
