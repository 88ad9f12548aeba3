// Cuts what is to be uploaded into parts of one size.
import { open, stat } from "node:fs/promises";
import type { UploadBody } from "../bucket.ts";
import { ObjstoreError } from "../errors.ts";

/** Bytes of the body, where that is known before it is read. */
export async function bodyBytes(body: UploadBody): Promise<number | undefined> {
  if (body instanceof Uint8Array) return body.length;
  return "path" in body ? (await stat(body.path)).size : undefined;
}

/**
 * Parts of exactly `partBytes`, the last one shorter; an empty body gives one empty part. Parts belong to the caller,
 * but are views of `body` where that is bytes. Throws OBJSTORE_IO if a file changes its size while it is read.
 */
export async function* bodyParts(body: UploadBody, partBytes: number): AsyncGenerator<Uint8Array> {
  if (body instanceof Uint8Array) {
    for (let at = 0; at === 0 || at < body.length; at += partBytes)
      yield body.subarray(at, at + partBytes);
  } else if ("path" in body) {
    yield* fileParts(body.path, partBytes);
  } else {
    let parts: Uint8Array[] = [];
    let bytes = 0;
    let given = false;
    for await (let piece of body) {
      while (bytes + piece.length >= partBytes) {
        const take = partBytes - bytes;
        yield Buffer.concat([...parts, piece.subarray(0, take)]);
        given = true;
        piece = piece.subarray(take);
        parts = [];
        bytes = 0;
      }
      if (piece.length > 0) {
        parts.push(piece.slice());
        bytes += piece.length;
      }
    }
    if (bytes > 0 || !given) yield Buffer.concat(parts);
  }
}

/** A body that is shorter than a part, or parts of which only the last is shorter. */
export type WholeOrParts =
  | { readonly whole: Uint8Array; readonly parts?: undefined }
  | { readonly whole?: undefined; readonly parts: AsyncGenerator<Uint8Array> };

/** Reads as much of a body as tells whether it is to be sent at once. As `bodyParts`. */
export async function wholeOrParts(body: UploadBody, partBytes: number): Promise<WholeOrParts> {
  const parts = bodyParts(body, partBytes);
  const first = await parts.next();
  if (first.done === true) return { whole: new Uint8Array(0) };
  if (first.value.length < partBytes) {
    await parts.return(undefined);
    return { whole: first.value };
  }
  const all = (async function* () {
    yield first.value;
    yield* parts;
  })();
  return { parts: all };
}

async function* fileParts(path: string, partBytes: number): AsyncGenerator<Uint8Array> {
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    for (let at = 0; at === 0 || at < size; at += partBytes) {
      const part = Buffer.allocUnsafeSlow(Math.min(partBytes, size - at));
      for (let got = 0; got < part.length; ) {
        const { bytesRead } = await handle.read(part, got, part.length - got, at + got);
        if (bytesRead === 0)
          throw new ObjstoreError("OBJSTORE_IO", `${path} became shorter while it was uploaded`);
        got += bytesRead;
      }
      yield part;
    }
  } finally {
    await handle.close();
  }
}

/** Runs `work` over the parts, `concurrency` at once, and stops at the first error. Part numbers begin at 1. */
export async function eachPart(
  parts: AsyncGenerator<Uint8Array>,
  concurrency: number,
  work: (part: Uint8Array, number: number) => Promise<void>,
): Promise<void> {
  let number = 0;
  let failed: { error: unknown } | undefined;
  const running = new Set<Promise<void>>();
  try {
    for await (const part of parts) {
      number++;
      const run = work(part, number)
        .catch((error: unknown) => {
          failed ??= { error };
        })
        .finally(() => running.delete(run));
      running.add(run);
      if (running.size >= concurrency) await Promise.race(running);
      if (failed !== undefined) break;
    }
  } finally {
    await Promise.all(running);
  }
  if (failed !== undefined) throw failed.error;
}
