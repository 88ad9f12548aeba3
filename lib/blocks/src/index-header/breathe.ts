// Long scans of local files leave room for other work.
import { setImmediate } from "node:timers/promises";

/** Bytes scanned between two breaths: a few milliseconds. */
export const scanBytes: number = 4 << 20;

/** Lets everything that waits run once. */
export async function breathe(): Promise<void> {
  await setImmediate();
}
