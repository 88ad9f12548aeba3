// For object stores that cannot create conditionally: one instance at a time, or a clear refusal.
import { hostname } from "node:os";
import { type Log, messageOf } from "@deucalion/base";
import { type Bucket, isNotFound } from "@deucalion/objstore";
import { BlocksError } from "../../errors.ts";

export const instanceFolder = "deucalion/instances";

export interface SoloDeps {
  readonly bucket: Bucket;
  readonly now: () => number;
  readonly log: Log;
}

/**
 * Says that this instance lives and looks for others that do. Both say so before they look, so that of two which start
 * together at least one steps back. Throws BLOCKS_LEASE beside a live one. Returns how to end the claim.
 */
export async function claimSolo(
  name: string,
  ttlMs: number,
  { bucket, now, log }: SoloDeps,
  signal: AbortSignal,
): Promise<() => Promise<void>> {
  const own = `${instanceFolder}/${name}.json`;
  const write = (until: AbortSignal): Promise<void> => {
    const record = JSON.stringify({ host: hostname(), pid: process.pid, renewed: now() });
    return bucket.upload(own, new TextEncoder().encode(record), {}, until);
  };
  const never = new AbortController().signal;
  const remove = async (): Promise<void> => {
    await bucket.delete(own, never).catch((thrown: unknown) => {
      if (!isNotFound(thrown)) log.warn("ending a claim failed", { err: messageOf(thrown) });
    });
  };
  await write(signal);
  for await (const entry of bucket.iter(`${instanceFolder}/`, {}, signal)) {
    if (entry.name === own) continue;
    const renewed = await renewedOf(bucket, entry.name, signal);
    if (now() - renewed >= ttlMs) continue;
    await remove();
    const text = `another instance (${entry.name}) works on this bucket, and this object store has no way to share it`;
    throw new BlocksError("BLOCKS_LEASE", text, { other: entry.name });
  }
  const timer = setInterval(() => {
    write(never).catch((thrown: unknown) => {
      log.warn("renewing the claim failed", { err: messageOf(thrown) });
    });
  }, ttlMs / 4);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await remove();
  };
}

async function renewedOf(bucket: Bucket, name: string, signal: AbortSignal): Promise<number> {
  try {
    const text = new TextDecoder().decode(await bucket.get(name, signal));
    const { renewed } = JSON.parse(text) as { renewed?: unknown };
    return typeof renewed === "number" ? renewed : 0;
  } catch (thrown) {
    if (isNotFound(thrown) || thrown instanceof SyntaxError) return 0;
    throw thrown;
  }
}
