// Tells a tracer of each call to a bucket.
import type {
  Bucket,
  ListEntry,
  ListOptions,
  ObjectAttributes,
  UploadBody,
  UploadOptions,
} from "../bucket.ts";
import { ForwardingBucket } from "./forwarding-bucket.ts";

/** Names of spans, as Thanos has them. */
export type BucketSpanName =
  | "bucket_iter"
  | "bucket_get"
  | "bucket_getrange"
  | "bucket_exists"
  | "bucket_attributes"
  | "bucket_upload"
  | "bucket_delete";

/** Begins a span; what it gives ends it, with the error if the call failed. */
export type StartBucketSpan = (
  name: BucketSpanName,
  tags: Readonly<Record<string, string | number>>,
) => (error?: unknown) => void;

/** Calls `start` for each call of `bucket`. A stream's span ends with its last piece. */
export function tracedBucket(bucket: Bucket, start: StartBucketSpan): Bucket {
  return new TracedBucket(bucket, start);
}

class TracedBucket extends ForwardingBucket {
  readonly #start: StartBucketSpan;

  constructor(inner: Bucket, start: StartBucketSpan) {
    super(inner);
    this.#start = start;
  }

  async #span<T>(
    name: BucketSpanName,
    tags: Readonly<Record<string, string | number>>,
    run: () => Promise<T>,
  ): Promise<T> {
    const end = this.#start(name, tags);
    try {
      const result = await run();
      end();
      return result;
    } catch (error) {
      end(error);
      throw error;
    }
  }

  async *#each<T>(
    name: BucketSpanName,
    tags: Readonly<Record<string, string | number>>,
    run: () => AsyncIterable<T>,
  ): AsyncGenerator<T> {
    const end = this.#start(name, tags);
    let failure: unknown;
    try {
      yield* run();
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      end(failure);
    }
  }

  override get(name: string, signal: AbortSignal): Promise<Uint8Array> {
    return this.#span("bucket_get", { name }, () => this.inner.get(name, signal));
  }
  override stream(name: string, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return this.#each("bucket_get", { name }, () => this.inner.stream(name, signal));
  }
  override getRange(
    name: string,
    offset: number,
    length: number,
    signal: AbortSignal,
    allocate?: (length: number) => Uint8Array,
  ): Promise<Uint8Array> {
    return this.#span("bucket_getrange", { name, offset, length }, () =>
      this.inner.getRange(name, offset, length, signal, allocate),
    );
  }
  override attributes(name: string, signal: AbortSignal): Promise<ObjectAttributes> {
    return this.#span("bucket_attributes", { name }, () => this.inner.attributes(name, signal));
  }
  override exists(name: string, signal: AbortSignal): Promise<boolean> {
    return this.#span("bucket_exists", { name }, () => this.inner.exists(name, signal));
  }
  override iter(
    prefix: string,
    options: ListOptions,
    signal: AbortSignal,
  ): AsyncIterable<ListEntry> {
    return this.#each("bucket_iter", { dir: prefix }, () =>
      this.inner.iter(prefix, options, signal),
    );
  }
  override upload(
    name: string,
    body: UploadBody,
    options: UploadOptions,
    signal: AbortSignal,
  ): Promise<void> {
    return this.#span("bucket_upload", { name }, () =>
      this.inner.upload(name, body, options, signal),
    );
  }
  override delete(name: string, signal: AbortSignal): Promise<void> {
    return this.#span("bucket_delete", { name }, () => this.inner.delete(name, signal));
  }
}
