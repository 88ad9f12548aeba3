// A bucket in memory, for tests.
import { readFile } from "node:fs/promises";
import type {
  Bucket,
  ListEntry,
  ListOptions,
  ObjectAttributes,
  UploadBody,
  UploadOptions,
} from "../bucket.ts";
import { ObjstoreError } from "../errors.ts";
import { checkObjectName, checkPrefix } from "../object-name.ts";

interface StoredObject {
  readonly data: Uint8Array;
  readonly lastModifiedMs: number;
}

/** Objects in a map. Answers are copies. */
export class MemoryBucket implements Bucket {
  readonly name = "memory";
  readonly conditionalCreate = true;
  readonly #objects = new Map<string, StoredObject>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  #object(name: string, signal: AbortSignal): StoredObject {
    signal.throwIfAborted();
    checkObjectName(name);
    const object = this.#objects.get(name);
    if (object === undefined)
      throw new ObjstoreError("OBJSTORE_NOT_FOUND", `object does not exist: ${name}`, { name });
    return object;
  }

  async get(name: string, signal: AbortSignal): Promise<Uint8Array> {
    return this.#object(name, signal).data.slice();
  }

  async *stream(name: string, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const { data } = this.#object(name, signal);
    for (let at = 0; at < data.length; at += 65_536) {
      signal.throwIfAborted();
      yield data.slice(at, at + 65_536);
    }
  }

  async getRange(
    name: string,
    offset: number,
    length: number,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    return this.#object(name, signal).data.slice(offset, offset + length);
  }

  async attributes(name: string, signal: AbortSignal): Promise<ObjectAttributes> {
    const { data, lastModifiedMs } = this.#object(name, signal);
    return { size: data.length, lastModifiedMs };
  }

  async exists(name: string, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    checkObjectName(name);
    return this.#objects.has(name);
  }

  async *iter(prefix: string, options: ListOptions, signal: AbortSignal): AsyncIterable<ListEntry> {
    signal.throwIfAborted();
    const folder = checkPrefix(prefix);
    const start = folder === "" ? "" : `${folder}/`;
    const seen = new Map<string, ListEntry>();
    for (const [name, { data, lastModifiedMs }] of this.#objects) {
      if (!name.startsWith(start)) continue;
      const slash = options.recursive === true ? -1 : name.indexOf("/", start.length);
      if (slash >= 0) seen.set(name.slice(0, slash + 1), { name: name.slice(0, slash + 1) });
      else seen.set(name, { name, attributes: { size: data.length, lastModifiedMs } });
    }
    const names = [...seen.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    for (const name of names) {
      signal.throwIfAborted();
      yield seen.get(name)!;
    }
  }

  async upload(
    name: string,
    body: UploadBody,
    options: UploadOptions,
    signal: AbortSignal,
  ): Promise<void> {
    signal.throwIfAborted();
    checkObjectName(name);
    const data = await bytesOf(body, signal);
    if (options.ifAbsent === true && this.#objects.has(name))
      throw new ObjstoreError("OBJSTORE_EXISTS", `object exists: ${name}`, { name });
    this.#objects.set(name, { data, lastModifiedMs: this.#now() });
  }

  async delete(name: string, signal: AbortSignal): Promise<void> {
    this.#object(name, signal);
    this.#objects.delete(name);
  }

  async close(): Promise<void> {}
}

async function bytesOf(body: UploadBody, signal: AbortSignal): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body.slice();
  if ("path" in body) return new Uint8Array(await readFile(body.path, { signal }));
  const pieces: Uint8Array[] = [];
  for await (const piece of body) {
    signal.throwIfAborted();
    pieces.push(piece.slice());
  }
  return new Uint8Array(Buffer.concat(pieces));
}
