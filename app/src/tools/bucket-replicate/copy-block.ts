// Copies one block from bucket to bucket.
import type { Log } from "@deucalion/base";
import { type Bucket, isNotFound } from "@deucalion/objstore";

export interface CopyEvents {
  alreadyReplicated(): void;
  objectReplicated(): void;
  blockReplicated(): void;
}

export interface CopyDeps {
  readonly from: Bucket;
  readonly to: Bucket;
  readonly log: Log;
  readonly events: CopyEvents;
}

/**
 * Makes the target have the block: chunks, index, and last meta.json, byte by byte. A block whose meta.json is there
 * and equal is done. Marks stay where they are.
 */
export async function copyBlock(id: string, deps: CopyDeps, signal: AbortSignal): Promise<void> {
  const { from, to, log, events } = deps;
  const metaName = `${id}/meta.json`;
  const meta = await from.get(metaName, signal);
  const there = await to.get(metaName, signal).catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
  if (there !== undefined && Buffer.compare(meta, there) === 0) {
    log.debug("skipping block as already replicated", { block_uuid: id });
    events.alreadyReplicated();
    return;
  }
  for await (const { name } of from.iter(`${id}/chunks/`, {}, signal))
    await copyObject(name, deps, signal);
  await copyObject(`${id}/index`, deps, signal);
  await to.upload(metaName, meta, {}, signal);
  log.info("block replicated", { block_uuid: id });
  events.blockReplicated();
}

/** An object that is there in the same size is left: files of a block never change. */
async function copyObject(name: string, deps: CopyDeps, signal: AbortSignal): Promise<void> {
  const { from, to, log, events } = deps;
  const { size } = await from.attributes(name, signal);
  const there = await to.attributes(name, signal).catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
  if (there?.size === size) {
    log.debug("skipping object as already replicated", { object: name });
    return;
  }
  await to.upload(name, from.stream(name, signal), {}, signal);
  log.info("object replicated", { object: name });
  events.objectReplicated();
}
