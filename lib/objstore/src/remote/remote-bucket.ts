// What all stores behind a network have in common: bodies are read to their announced length, resumed where they break,
// and given up when nothing arrives; listings are put in byte order.
import { setTimeout as pause } from "node:timers/promises";
import { messageOf } from "@deucalion/base";
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
import { bodyPieces, readBody } from "./read-body.ts";

/** A body that began to arrive. */
export interface RemoteBody {
  readonly body: AsyncIterable<Uint8Array>;
  /** Bytes that the store announced for this body. */
  readonly length: number;
  /** Changes when the object does; "" where the store gives none. */
  readonly etag: string;
  /** Drops the connection. */
  readonly cancel: () => void;
}

/** A part of a listing, in any order. */
export interface ListPage {
  readonly objects: readonly { readonly name: string; readonly attributes: ObjectAttributes }[];
  /** Names that end with "/". */
  readonly folders: readonly string[];
  /** Where the next page begins; undefined at the end. */
  readonly next: string | undefined;
}

export interface RemoteLimits {
  /** Nothing arrived for so long: the body is given up and asked for again. */
  readonly progressTimeoutMs: number;
  /** How often a body is asked for in all. */
  readonly readAttemptsMax: number;
}

export const remoteLimits: RemoteLimits = { progressTimeoutMs: 60_000, readAttemptsMax: 4 };

/** Base of providers. They translate; this class checks. */
export abstract class RemoteBucket implements Bucket {
  abstract readonly name: string;
  abstract readonly conditionalCreate: boolean;
  readonly #limits: RemoteLimits;

  protected constructor(limits: RemoteLimits = remoteLimits) {
    this.#limits = limits;
  }

  /**
   * Opens an object from `offset`, for `length` bytes or to its end. `etag` is not "" when a broken body is resumed:
   * the object must then still be the same. Undefined if the object ends before `offset`.
   */
  protected abstract openBody(
    name: string,
    offset: number,
    length: number | undefined,
    etag: string,
    signal: AbortSignal,
  ): Promise<RemoteBody | undefined>;
  protected abstract head(name: string, signal: AbortSignal): Promise<ObjectAttributes | undefined>;
  /** `folder` is "" or ends with "/". */
  protected abstract page(
    folder: string,
    recursive: boolean,
    token: string | undefined,
    signal: AbortSignal,
  ): Promise<ListPage>;
  protected abstract put(
    name: string,
    body: UploadBody,
    options: UploadOptions,
    signal: AbortSignal,
  ): Promise<void>;
  protected abstract remove(name: string, signal: AbortSignal): Promise<void>;
  abstract close(): Promise<void>;

  async get(name: string, signal: AbortSignal): Promise<Uint8Array> {
    checkObjectName(name);
    return this.#readWhole(name, 0, undefined, signal, ownBytes);
  }

  async *stream(name: string, signal: AbortSignal): AsyncIterable<Uint8Array> {
    checkObjectName(name);
    yield* this.#read(name, 0, undefined, signal);
  }

  async getRange(
    name: string,
    offset: number,
    length: number,
    signal: AbortSignal,
    allocate: (length: number) => Uint8Array = ownBytes,
  ): Promise<Uint8Array> {
    checkObjectName(name);
    if (length <= 0) {
      await this.attributes(name, signal);
      return new Uint8Array(0);
    }
    return this.#readWhole(name, offset, length, signal, allocate);
  }

  /** As `#read`, into memory of `allocate`. */
  async #readWhole(
    name: string,
    offset: number,
    length: number | undefined,
    signal: AbortSignal,
    allocate: (length: number) => Uint8Array,
  ): Promise<Uint8Array> {
    let got = 0;
    let etag = "";
    let whole: Uint8Array | undefined;
    for (let attempt = 1; ; attempt++) {
      signal.throwIfAborted();
      const left = whole === undefined ? length : whole.length - got;
      const opened = await this.openBody(name, offset + got, left, etag, signal);
      if (opened === undefined) {
        if (whole !== undefined) throw truncated(name, whole.length, got);
        return new Uint8Array(0);
      }
      if (whole === undefined && opened.length > (length ?? opened.length)) {
        opened.cancel();
        throw truncated(name, length ?? 0, opened.length, new Error("more than was asked for"));
      }
      whole ??= allocate(opened.length);
      etag = opened.etag;
      const { broken, bytes } = await this.#fill(whole, got, opened, signal);
      got = bytes;
      if (got === whole.length) return whole;
      await this.#again(name, { want: whole.length, got, etag, attempt }, broken);
    }
  }

  /** Writes a body to `whole` from `from` on. Gives where it ended, and what broke it if something did. */
  async #fill(
    whole: Uint8Array,
    from: number,
    { body, cancel }: RemoteBody,
    signal: AbortSignal,
  ): Promise<{ broken: unknown; bytes: number }> {
    let bytes = from;
    let broken: unknown;
    try {
      await readBody(body, this.#limits.progressTimeoutMs, signal, (piece) => {
        if (bytes + piece.length <= whole.length) whole.set(piece, bytes);
        bytes += piece.length;
      });
    } catch (error) {
      signal.throwIfAborted();
      broken = error;
    } finally {
      if (bytes < whole.length) cancel();
    }
    return { broken, bytes };
  }

  /** Waits before a body that broke is asked for again; throws OBJSTORE_TRUNCATED where that is of no use. */
  async #again(
    name: string,
    { want, got, etag, attempt }: { want: number; got: number; etag: string; attempt: number },
    broken: unknown,
  ): Promise<void> {
    if (got > want || attempt >= this.#limits.readAttemptsMax || etag === "")
      throw truncated(name, want, got, broken);
    await pause(50 * 2 ** attempt * (0.5 + Math.random() / 2));
  }

  async *#read(
    name: string,
    offset: number,
    length: number | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    let got = 0;
    let etag = "";
    let want: number | undefined;
    for (let attempt = 1; ; attempt++) {
      signal.throwIfAborted();
      const left = want === undefined ? length : want - got;
      const opened = await this.openBody(name, offset + got, left, etag, signal);
      if (opened === undefined) {
        if (want !== undefined && got < want) throw truncated(name, want, got);
        return;
      }
      want ??= opened.length;
      etag = opened.etag;
      let broken: unknown;
      try {
        for await (const piece of bodyPieces(opened.body, this.#limits.progressTimeoutMs, signal)) {
          got += piece.length;
          yield piece;
        }
      } catch (error) {
        signal.throwIfAborted();
        broken = error;
      } finally {
        if (got < want) opened.cancel();
      }
      if (got === want) return;
      await this.#again(name, { want, got, etag, attempt }, broken);
    }
  }

  async attributes(name: string, signal: AbortSignal): Promise<ObjectAttributes> {
    signal.throwIfAborted();
    checkObjectName(name);
    const found = await this.head(name, signal);
    if (found === undefined) throw notFound(name);
    return found;
  }

  async exists(name: string, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    checkObjectName(name);
    return (await this.head(name, signal)) !== undefined;
  }

  async *iter(prefix: string, options: ListOptions, signal: AbortSignal): AsyncIterable<ListEntry> {
    signal.throwIfAborted();
    const checked = checkPrefix(prefix);
    const folder = checked === "" ? "" : `${checked}/`;
    const recursive = options.recursive === true;
    let last = "";
    let coming: Promise<ListPage> | undefined = this.page(folder, recursive, undefined, signal);
    while (coming !== undefined) {
      const page: ListPage = await coming;
      // The next page is on its way while this one is looked at. Whoever stops looking leaves it alone, errors too.
      coming =
        page.next === undefined ? undefined : this.page(folder, recursive, page.next, signal);
      coming?.catch(() => undefined);
      const entries: ListEntry[] = page.folders.map((name) => ({ name }));
      // Names that end with "/" are what consoles make to show an empty folder.
      for (const entry of page.objects) if (!entry.name.endsWith("/")) entries.push(entry);
      const keys = new Map(entries.map((entry) => [entry, Buffer.from(entry.name)]));
      entries.sort((a, b) => Buffer.compare(keys.get(a)!, keys.get(b)!));
      for (const entry of entries) {
        signal.throwIfAborted();
        // A folder whose names lie on two pages is told once.
        if (entry.name === last) continue;
        last = entry.name;
        yield entry;
      }
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
    await this.put(name, body, options, signal);
  }

  async delete(name: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    checkObjectName(name);
    await this.remove(name, signal);
  }
}

/** The error for an object that is not there. */
export function notFound(name: string): ObjstoreError {
  return new ObjstoreError("OBJSTORE_NOT_FOUND", `object does not exist: ${name}`, { name });
}

function truncated(name: string, want: number, got: number, cause?: unknown): ObjstoreError {
  const why = cause === undefined ? "" : `: ${messageOf(cause)}`;
  return new ObjstoreError(
    "OBJSTORE_TRUNCATED",
    `body of ${name} ended after ${got} of ${want} bytes${why}`,
    { name, want, got },
    cause === undefined ? {} : { cause },
  );
}

/** Memory that will be written at once: it need not be cleared. */
function ownBytes(length: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
}
