// Whether a store keeps the condition that an object must not be there yet: those that speak S3 differ.
import { randomUUID } from "node:crypto";
import { type Log, messageOf } from "@deucalion/base";
import { type Bucket, ObjstoreError } from "@deucalion/objstore";
import { leaseFolder } from "./leases.ts";

/**
 * True if of two creations of one object the second is refused. Where the provider does not say so itself it is tried,
 * with an object that is deleted again. False where the store cannot be asked.
 */
export async function createsConditionally(
  bucket: Bucket,
  log: Log,
  signal: AbortSignal,
): Promise<boolean> {
  if (bucket.conditionalCreate) return true;
  const name = `${leaseFolder}/trial/${randomUUID()}`;
  const create = (): Promise<void> =>
    bucket.upload(name, new TextEncoder().encode("{}"), { ifAbsent: true }, signal);
  try {
    await create();
  } catch (thrown) {
    signal.throwIfAborted();
    log.debug("the store takes no condition", { err: messageOf(thrown) });
    return false;
  }
  try {
    await create();
    return false;
  } catch (thrown) {
    signal.throwIfAborted();
    return thrown instanceof ObjstoreError && thrown.code === "OBJSTORE_EXISTS";
  } finally {
    await bucket.delete(name, signal).catch((thrown: unknown) => {
      log.warn("removing the object of a trial failed", { name, err: messageOf(thrown) });
    });
  }
}
