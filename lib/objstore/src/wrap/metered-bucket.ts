// Counts what a bucket is asked for.
import type {
  Bucket,
  ListEntry,
  ListOptions,
  ObjectAttributes,
  UploadBody,
  UploadOptions,
} from "../bucket.ts";
import { isNotFound } from "../errors.ts";
import { ForwardingBucket } from "./forwarding-bucket.ts";

export type BucketOperation =
  | "iter"
  | "get"
  | "get_range"
  | "exists"
  | "upload"
  | "delete"
  | "attributes";

/** Where the figures go. The names are those of the `thanos_objstore_bucket_*` metrics. */
export interface BucketMetrics {
  /** `operations_total` */
  operation(operation: BucketOperation): void;
  /** `operation_failures_total`; a missing object and an aborted call are not failures. */
  failure(operation: BucketOperation): void;
  /** `operation_fetched_bytes_total` and `operation_transferred_bytes` */
  transferred(operation: BucketOperation, bytes: number): void;
  /** `operation_duration_seconds` */
  duration(operation: BucketOperation, seconds: number): void;
  /** `last_successful_upload_time`, unix seconds */
  uploaded(atSeconds: number): void;
}

/** Reports every call of `bucket` to `metrics`. `now` is in milliseconds. */
export function meteredBucket(bucket: Bucket, metrics: BucketMetrics, now: () => number): Bucket {
  return new MeteredBucket(bucket, metrics, now);
}

class MeteredBucket extends ForwardingBucket {
  readonly #metrics: BucketMetrics;
  readonly #now: () => number;

  constructor(inner: Bucket, metrics: BucketMetrics, now: () => number) {
    super(inner);
    this.#metrics = metrics;
    this.#now = now;
  }

  #failed(operation: BucketOperation, error: unknown, signal: AbortSignal): void {
    if (!signal.aborted && !isNotFound(error)) this.#metrics.failure(operation);
  }

  async #count<T>(
    operation: BucketOperation,
    signal: AbortSignal,
    run: () => Promise<T>,
  ): Promise<T> {
    const start = this.#now();
    this.#metrics.operation(operation);
    try {
      const result = await run();
      this.#metrics.duration(operation, (this.#now() - start) / 1000);
      if (result instanceof Uint8Array) this.#metrics.transferred(operation, result.length);
      return result;
    } catch (error) {
      this.#failed(operation, error, signal);
      throw error;
    }
  }

  override get(name: string, signal: AbortSignal): Promise<Uint8Array> {
    return this.#count("get", signal, () => this.inner.get(name, signal));
  }
  override async *stream(name: string, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const start = this.#now();
    this.#metrics.operation("get");
    try {
      for await (const piece of this.inner.stream(name, signal)) {
        this.#metrics.transferred("get", piece.length);
        yield piece;
      }
      this.#metrics.duration("get", (this.#now() - start) / 1000);
    } catch (error) {
      this.#failed("get", error, signal);
      throw error;
    }
  }
  override getRange(
    name: string,
    offset: number,
    length: number,
    signal: AbortSignal,
    allocate?: (length: number) => Uint8Array,
  ): Promise<Uint8Array> {
    return this.#count("get_range", signal, () =>
      this.inner.getRange(name, offset, length, signal, allocate),
    );
  }
  override attributes(name: string, signal: AbortSignal): Promise<ObjectAttributes> {
    return this.#count("attributes", signal, () => this.inner.attributes(name, signal));
  }
  override exists(name: string, signal: AbortSignal): Promise<boolean> {
    return this.#count("exists", signal, () => this.inner.exists(name, signal));
  }
  override async *iter(
    prefix: string,
    options: ListOptions,
    signal: AbortSignal,
  ): AsyncIterable<ListEntry> {
    const start = this.#now();
    this.#metrics.operation("iter");
    try {
      yield* this.inner.iter(prefix, options, signal);
      this.#metrics.duration("iter", (this.#now() - start) / 1000);
    } catch (error) {
      this.#failed("iter", error, signal);
      throw error;
    }
  }
  override async upload(
    name: string,
    body: UploadBody,
    options: UploadOptions,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#count("upload", signal, () => this.inner.upload(name, body, options, signal));
    if (body instanceof Uint8Array) this.#metrics.transferred("upload", body.length);
    this.#metrics.uploaded(this.#now() / 1000);
  }
  override delete(name: string, signal: AbortSignal): Promise<void> {
    return this.#count("delete", signal, () => this.inner.delete(name, signal));
  }
}
