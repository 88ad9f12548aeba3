// A loop that lets others run: for work that grows with the number of series.
import type { QueryLimits } from "../limits.ts";

/** Items between two looks at the clock. */
const stride = 64;

/** Visits all items in order; when the thread has been held for long, timers, sockets and other queries get a turn. */
export async function eachItem<T>(
  items: readonly T[],
  limits: QueryLimits,
  visit: (item: T, index: number) => void,
): Promise<void> {
  for (let i = 0; i < items.length; i++) {
    if (i % stride === stride - 1 && limits.due()) await limits.breathe();
    visit(items[i]!, i);
  }
}
