// FILESYSTEM: a folder as a bucket. Objects are files; a file is complete or absent.
import { randomBytes } from "node:crypto";
import { constants, read } from "node:fs";
import {
  copyFile,
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  rename,
  stat,
  unlink,
} from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
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
import { OpenFiles } from "./open-files.ts";
import { FolderReader } from "./read-folder.ts";
import { removeEmptyFolders, StaleUploads, temporaryMark } from "./stale-uploads.ts";

const pieceBytes = 1 << 20;
/** Files kept open for range reads. */
const openFilesMax = 128;

/**
 * A bucket in a local folder. The folder is made when the first object is written. Temporary files of killed uploads that a
 * listing met are removed by the next upload or deletion, when they are a day old.
 */
export class FilesystemBucket implements Bucket {
  readonly name: string;
  readonly conditionalCreate = true;
  readonly takesFiles = true;
  readonly #root: string;
  readonly #folders = new FolderReader();
  readonly #openFiles = new OpenFiles(openFilesMax);

  readonly #stale: StaleUploads;

  /** `now` gives the time in ms. */
  constructor(directory: string, now: () => number = Date.now) {
    this.#root = resolve(directory);
    this.#stale = new StaleUploads(this.#root, now);
    this.name = `fs: ${this.#root}`;
  }

  #path(name: string): string {
    checkObjectName(name);
    return join(this.#root, name);
  }

  async #open(name: string, signal: AbortSignal): Promise<{ handle: FileHandle; size: number }> {
    signal.throwIfAborted();
    const path = this.#path(name);
    const handle = await open(path, constants.O_RDONLY).catch((cause) => fail(name, cause));
    try {
      const info = await handle.stat();
      if (!info.isFile()) throw notFound(name);
      return { handle, size: info.size };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async get(name: string, signal: AbortSignal): Promise<Uint8Array> {
    const { handle, size } = await this.#open(name, signal);
    try {
      return await readFully(handle, name, 0, ownBytes(size), signal);
    } finally {
      await handle.close();
    }
  }

  async *stream(name: string, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const { handle, size } = await this.#open(name, signal);
    try {
      for (let at = 0; at < size; at += pieceBytes) {
        const piece = ownBytes(Math.min(pieceBytes, size - at));
        yield await readFully(handle, name, at, piece, signal);
      }
    } finally {
      await handle.close();
    }
  }

  async getRange(
    name: string,
    offset: number,
    length: number,
    signal: AbortSignal,
    allocate: (length: number) => Uint8Array = ownBytes,
  ): Promise<Uint8Array> {
    signal.throwIfAborted();
    const path = this.#path(name);
    try {
      return await this.#openFiles.with(path, (handle, size) => {
        const count = Math.max(0, Math.min(length, size - offset));
        return readFully(handle, name, offset, allocate(count), signal);
      });
    } catch (error) {
      if (signal.aborted || error instanceof ObjstoreError) throw error;
      return fail(name, error);
    }
  }

  async attributes(name: string, signal: AbortSignal): Promise<ObjectAttributes> {
    signal.throwIfAborted();
    const info = await stat(this.#path(name)).catch((cause) => fail(name, cause));
    if (!info.isFile()) throw notFound(name);
    return { size: info.size, lastModifiedMs: info.mtimeMs };
  }

  async exists(name: string, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    try {
      return (await stat(this.#path(name))).isFile();
    } catch (error) {
      if (isMissing(error)) return false;
      throw new ObjstoreError("OBJSTORE_IO", `stat ${name}`, { name }, { cause: error });
    }
  }

  async *iter(prefix: string, options: ListOptions, signal: AbortSignal): AsyncIterable<ListEntry> {
    yield* this.#list(checkPrefix(prefix), options.recursive === true, signal);
  }

  async *#list(folder: string, recursive: boolean, signal: AbortSignal): AsyncIterable<ListEntry> {
    signal.throwIfAborted();
    const found = await this.#folders.read(join(this.#root, folder)).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw new ObjstoreError("OBJSTORE_IO", `list ${folder}`, { folder }, { cause: error });
    });
    const prefix = folder === "" ? "" : `${folder}/`;
    const entries: { key: string; name: string; attributes?: ObjectAttributes }[] = [];
    // A link's target counts, as it does for readers.
    for (const { name: base, stats } of found) {
      if (base.includes(temporaryMark)) {
        if (stats.isFile()) this.#stale.note(join(this.#root, folder, base), stats);
        continue;
      }
      const name = prefix + base;
      if (stats.isFile()) {
        const attributes = { size: stats.size, lastModifiedMs: stats.mtimeMs };
        entries.push({ key: name, name, attributes });
      } else if (stats.isDirectory()) entries.push({ key: `${name}/`, name });
    }
    // Strings compare as their bytes do, but for characters that come after the first half of a pair.
    if (entries.some(({ key }) => /[\ud800-\uffff]/.test(key)))
      entries.sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
    else entries.sort((a, b) => (a.key < b.key ? -1 : 1));
    for (const entry of entries) {
      signal.throwIfAborted();
      if (entry.attributes !== undefined) yield { name: entry.name, attributes: entry.attributes };
      else if (recursive) yield* this.#list(entry.name, true, signal);
      else if (await this.#holdsFile(entry.name)) yield { name: `${entry.name}/` };
      else await this.#stale.noteBelow(join(this.#root, entry.name));
    }
  }

  async #holdsFile(folder: string): Promise<boolean> {
    const entries = await readdir(join(this.#root, folder), { withFileTypes: true }).catch(
      () => [],
    );
    if (entries.some((entry) => !entry.isDirectory() && !entry.name.includes(temporaryMark)))
      return true;
    for (const entry of entries) {
      if (entry.isDirectory() && (await this.#holdsFile(`${folder}/${entry.name}`))) return true;
    }
    return false;
  }

  async upload(
    name: string,
    body: UploadBody,
    options: UploadOptions,
    signal: AbortSignal,
  ): Promise<void> {
    signal.throwIfAborted();
    const path = this.#path(name);
    const temporary = `${path}${temporaryMark}${randomBytes(6).toString("hex")}`;
    try {
      await mkdir(dirname(path), { recursive: true });
      await writeBody(temporary, body, signal);
      if (options.ifAbsent === true) {
        await link(temporary, path);
        await unlink(temporary);
      } else await rename(temporary, path);
      this.#openFiles.forget(path);
      await syncFolder(dirname(path));
      await this.#stale.remove();
    } catch (error) {
      await unlink(temporary).catch(() => undefined);
      if (signal.aborted) throw signal.reason;
      if (codeOf(error) === "EEXIST" && options.ifAbsent === true)
        throw new ObjstoreError("OBJSTORE_EXISTS", `object exists: ${name}`, { name });
      throw new ObjstoreError("OBJSTORE_IO", `upload ${name}`, { name }, { cause: error });
    }
  }

  async delete(name: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const path = this.#path(name);
    await unlink(path).catch((cause) => fail(name, cause));
    this.#openFiles.forget(path);
    await this.#stale.remove();
    await removeEmptyFolders(dirname(path), this.#root);
  }

  close(): Promise<void> {
    return this.#openFiles.close();
  }
}

function ownBytes(length: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
}

/** Fills `data` from `offset` on, and returns it. */
async function readFully(
  handle: FileHandle,
  name: string,
  offset: number,
  data: Uint8Array,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { length } = data;
  let at = 0;
  while (at < length) {
    signal.throwIfAborted();
    const bytesRead = await readAt(handle.fd, data, at, offset + at);
    if (bytesRead === 0) {
      throw new ObjstoreError("OBJSTORE_TRUNCATED", `${name} became shorter while it was read`, {
        name,
        offset,
        want: length,
        got: at,
      });
    }
    at += bytesRead;
  }
  return data;
}

/** One read into the rest of `data`: a file handle's own `read` costs several times more. */
function readAt(fd: number, data: Uint8Array, at: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, data, at, data.length - at, position, (error, bytesRead) => {
      if (error === null) resolve(bytesRead);
      else reject(error);
    });
  });
}

async function writeBody(path: string, body: UploadBody, signal: AbortSignal): Promise<void> {
  if (!(body instanceof Uint8Array) && "path" in body) {
    // Another disk, or one without links: then it is a copy.
    const linked = body.final === true && (await linkFile(body.path, path));
    if (!linked) await copyFile(body.path, path);
  }
  const handle = await open(path, "a");
  try {
    if (body instanceof Uint8Array) await handle.writeFile(body);
    else if (!("path" in body)) {
      for await (const piece of body) {
        signal.throwIfAborted();
        await handle.writeFile(piece);
      }
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function linkFile(from: string, to: string): Promise<boolean> {
  return link(from, to).then(
    () => true,
    () => false,
  );
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function isMissing(error: unknown): boolean {
  const code = codeOf(error);
  return code === "ENOENT" || code === "ENOTDIR";
}

function notFound(name: string): ObjstoreError {
  return new ObjstoreError("OBJSTORE_NOT_FOUND", `object does not exist: ${name}`, { name });
}

function fail(name: string, cause: unknown): never {
  if (isMissing(cause)) throw notFound(name);
  throw new ObjstoreError("OBJSTORE_IO", `open ${name}`, { name }, { cause });
}
