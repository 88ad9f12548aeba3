// A bucket that fails, stalls and cuts bodies on demand, and counts what it is asked for.
import type {
  Bucket,
  ListEntry,
  ListOptions,
  ObjectAttributes,
  UploadBody,
  UploadOptions,
} from "../bucket.ts";
import { ObjstoreError } from "../errors.ts";
import { ForwardingBucket } from "../wrap/forwarding-bucket.ts";

export interface Fault {
  /** Throws this instead of answering. */
  readonly error?: Error;
  /** Waits so many ms before answering. */
  readonly delayMs?: number;
  /** The body ends after so many bytes, which the store notices: OBJSTORE_TRUNCATED. */
  readonly truncateAt?: number;
  /** Names that a listing does not show yet, as stores do that are not consistent. */
  readonly hides?: (name: string) => boolean;
  /** Bytes are changed in place before they are handed out. */
  readonly corrupt?: (data: Uint8Array) => void;
}

export type FaultChooser = (operation: string, name: string) => Fault | undefined;

/** Wraps a bucket; `choose` decides for each call. `reads` and `bytes` count getRange and get. */
export class FaultyBucket extends ForwardingBucket {
  choose: FaultChooser;
  reads = 0;
  bytes = 0;
  readonly requests: { name: string; offset: number; length: number }[] = [];

  constructor(inner: Bucket, choose: FaultChooser = () => undefined) {
    super(inner);
    this.choose = choose;
  }

  resetCounts(): void {
    this.reads = 0;
    this.bytes = 0;
    this.requests.length = 0;
  }

  async #before(operation: string, name: string, signal: AbortSignal): Promise<Fault | undefined> {
    const fault = this.choose(operation, name);
    if (fault?.delayMs !== undefined) await delay(fault.delayMs, signal);
    if (fault?.error !== undefined) throw fault.error;
    return fault;
  }

  #body(fault: Fault | undefined, name: string, data: Uint8Array): Uint8Array {
    if (fault?.truncateAt !== undefined && fault.truncateAt < data.length) {
      throw new ObjstoreError("OBJSTORE_TRUNCATED", `body of ${name} ended early`, {
        name,
        want: data.length,
        got: fault.truncateAt,
      });
    }
    fault?.corrupt?.(data);
    return data;
  }

  override async get(name: string, signal: AbortSignal): Promise<Uint8Array> {
    const fault = await this.#before("get", name, signal);
    const data = await this.inner.get(name, signal);
    this.reads++;
    this.bytes += data.length;
    return this.#body(fault, name, data);
  }

  override async getRange(
    name: string,
    offset: number,
    length: number,
    signal: AbortSignal,
    allocate?: (length: number) => Uint8Array,
  ): Promise<Uint8Array> {
    const fault = await this.#before("getRange", name, signal);
    const data = await this.inner.getRange(name, offset, length, signal, allocate);
    this.reads++;
    this.bytes += data.length;
    this.requests.push({ name, offset, length: data.length });
    return this.#body(fault, name, data);
  }

  override async exists(name: string, signal: AbortSignal): Promise<boolean> {
    await this.#before("exists", name, signal);
    return this.inner.exists(name, signal);
  }

  override async *stream(name: string, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const fault = await this.#before("stream", name, signal);
    let left = fault?.truncateAt ?? Number.POSITIVE_INFINITY;
    for await (const piece of this.inner.stream(name, signal)) {
      if (piece.length > left) yield piece.subarray(0, left);
      left -= piece.length;
      if (left < 0)
        throw new ObjstoreError("OBJSTORE_TRUNCATED", `body of ${name} ended early`, { name });
      yield this.#body(undefined, name, piece);
    }
  }

  override async attributes(name: string, signal: AbortSignal): Promise<ObjectAttributes> {
    await this.#before("attributes", name, signal);
    return this.inner.attributes(name, signal);
  }

  override async *iter(
    prefix: string,
    options: ListOptions,
    signal: AbortSignal,
  ): AsyncIterable<ListEntry> {
    const fault = await this.#before("iter", prefix, signal);
    for await (const entry of this.inner.iter(prefix, options, signal))
      if (fault?.hides?.(entry.name) !== true) yield entry;
  }

  override async delete(name: string, signal: AbortSignal): Promise<void> {
    await this.#before("delete", name, signal);
    return this.inner.delete(name, signal);
  }

  override async upload(
    name: string,
    body: UploadBody,
    options: UploadOptions,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#before("upload", name, signal);
    return this.inner.upload(name, body, options, signal);
  }
}

function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}
