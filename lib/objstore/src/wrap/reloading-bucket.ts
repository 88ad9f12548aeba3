// A bucket that is opened again when what its settings are made of has changed: configuration, keys, credentials.
import { type Log, messageOf } from "@deucalion/base";
import type {
  Bucket,
  ListEntry,
  ListOptions,
  ObjectAttributes,
  UploadBody,
  UploadOptions,
} from "../bucket.ts";
import { isNotFound, ObjstoreError } from "../errors.ts";

export interface ReloadingBucketDeps {
  /** Opens the bucket as it is configured now. Throws if that is wrong. */
  readonly open: () => Bucket;
  /** Differs when `open` would read something else than last time. Must not throw. */
  readonly stamp: () => string;
  readonly log: Log;
  /** Told of each change, and whether it could be taken over. */
  readonly reloaded?: (ok: boolean) => void;
}

export interface ReloadingBucketOptions {
  /** Looks for changes this often; also after each call that failed. */
  readonly checkMs: number;
}

export const reloadingDefaults: ReloadingBucketOptions = { checkMs: 5000 };

/** An opened bucket and the calls that use it. */
interface Opened {
  readonly bucket: Bucket;
  calls: number;
  retired: boolean;
}

/**
 * Passes calls to the bucket opened last. Calls that run keep theirs, which is closed after the last of them. A call that
 * fails while the settings have changed is made once more with the new ones, where that is possible. Settings that are
 * wrong, or name another bucket, are logged, and the old ones stay.
 */
export class ReloadingBucket implements Bucket {
  readonly #deps: ReloadingBucketDeps;
  readonly #timer: NodeJS.Timeout;
  #opened: Opened;
  #stamp: string;

  constructor(deps: ReloadingBucketDeps, options: ReloadingBucketOptions = reloadingDefaults) {
    this.#deps = deps;
    this.#stamp = deps.stamp();
    this.#opened = { bucket: deps.open(), calls: 0, retired: false };
    this.#timer = setInterval(() => this.check(), options.checkMs);
    this.#timer.unref();
  }

  get name(): string {
    return this.#opened.bucket.name;
  }

  get conditionalCreate(): boolean {
    return this.#opened.bucket.conditionalCreate;
  }

  get takesFiles(): boolean {
    return this.#opened.bucket.takesFiles === true;
  }

  /** Looks for a change now; true if a new bucket was taken over. */
  check(): boolean {
    const { open, stamp, log, reloaded } = this.#deps;
    const now = stamp();
    if (now === this.#stamp) return false;
    this.#stamp = now;
    const old = this.#opened;
    try {
      const bucket = open();
      if (bucket.name !== old.bucket.name) {
        void bucket.close();
        const message = `the configuration names another bucket: ${bucket.name}; restart for that`;
        throw new ObjstoreError("OBJSTORE_CONFIG", message);
      }
      this.#opened = { bucket, calls: 0, retired: false };
    } catch (error) {
      log.error("settings of the object store have changed but cannot be used", {
        err: messageOf(error),
      });
      reloaded?.(false);
      return false;
    }
    old.retired = true;
    this.#closeIfIdle(old);
    log.info("settings of the object store have changed and are used");
    reloaded?.(true);
    return true;
  }

  #closeIfIdle(opened: Opened): void {
    if (!opened.retired || opened.calls > 0) return;
    opened.bucket.close().catch((error: unknown) => {
      this.#deps.log.warn("closing the object store failed", { err: messageOf(error) });
    });
  }

  /** Whether a call that failed should be made again. */
  #again(used: Opened, error: unknown, signal: AbortSignal): boolean {
    if (signal.aborted || isNotFound(error)) return false;
    if (error instanceof ObjstoreError && error.code === "OBJSTORE_EXISTS") return false;
    this.check();
    return used !== this.#opened;
  }

  async #call<T>(
    signal: AbortSignal,
    repeatable: boolean,
    run: (bucket: Bucket) => Promise<T>,
  ): Promise<T> {
    const used = this.#opened;
    used.calls++;
    try {
      return await run(used.bucket);
    } catch (error) {
      if (!this.#again(used, error, signal) || !repeatable) throw error;
    } finally {
      used.calls--;
      this.#closeIfIdle(used);
    }
    return this.#call(signal, false, run);
  }

  async *#each<T>(
    signal: AbortSignal,
    run: (bucket: Bucket) => AsyncIterable<T>,
    repeatable = true,
  ): AsyncGenerator<T> {
    const used = this.#opened;
    used.calls++;
    let begun = false;
    try {
      for await (const item of run(used.bucket)) {
        begun = true;
        yield item;
      }
      return;
    } catch (error) {
      if (!this.#again(used, error, signal) || begun || !repeatable) throw error;
    } finally {
      used.calls--;
      this.#closeIfIdle(used);
    }
    yield* this.#each(signal, run, false);
  }

  get(name: string, signal: AbortSignal): Promise<Uint8Array> {
    return this.#call(signal, true, (bucket) => bucket.get(name, signal));
  }
  stream(name: string, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return this.#each(signal, (bucket) => bucket.stream(name, signal));
  }
  getRange(
    name: string,
    offset: number,
    length: number,
    signal: AbortSignal,
    allocate?: (length: number) => Uint8Array,
  ): Promise<Uint8Array> {
    return this.#call(signal, true, (bucket) =>
      bucket.getRange(name, offset, length, signal, allocate),
    );
  }
  attributes(name: string, signal: AbortSignal): Promise<ObjectAttributes> {
    return this.#call(signal, true, (bucket) => bucket.attributes(name, signal));
  }
  exists(name: string, signal: AbortSignal): Promise<boolean> {
    return this.#call(signal, true, (bucket) => bucket.exists(name, signal));
  }
  iter(prefix: string, options: ListOptions, signal: AbortSignal): AsyncIterable<ListEntry> {
    return this.#each(signal, (bucket) => bucket.iter(prefix, options, signal));
  }
  upload(
    name: string,
    body: UploadBody,
    options: UploadOptions,
    signal: AbortSignal,
  ): Promise<void> {
    // A stream that was begun cannot be read again.
    const repeatable = body instanceof Uint8Array || "path" in body;
    return this.#call(signal, repeatable, (bucket) => bucket.upload(name, body, options, signal));
  }
  delete(name: string, signal: AbortSignal): Promise<void> {
    return this.#call(signal, true, (bucket) => bucket.delete(name, signal));
  }
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#opened.bucket.close();
  }
}
