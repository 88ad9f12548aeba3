// How much memory data may take, from what the machine or the container has.
import { totalmem } from "node:os";

/** Memory that this process may use, in bytes. */
function availableBytes(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 && constrained < totalmem() ? constrained : totalmem();
}

/** The least that is left for data, in bytes. */
const leastBytes = 64 << 20;

/** `ratio` (`--auto-gomemlimit.ratio`) of the memory, less what the process takes anyway; half of it where null. */
export function memoryBudget(ratio: number | null): number {
  if (ratio === null) return Math.floor(availableBytes() / 2);
  return Math.max(leastBytes, Math.floor(availableBytes() * ratio) - process.memoryUsage.rss());
}
