// The base of wrappers: passes every call on.
import type {
  Bucket,
  ListEntry,
  ListOptions,
  ObjectAttributes,
  UploadBody,
  UploadOptions,
} from "../bucket.ts";

/** Forwards to `inner`; subclasses override what they change. */
export class ForwardingBucket implements Bucket {
  protected readonly inner: Bucket;

  constructor(inner: Bucket) {
    this.inner = inner;
  }

  get name(): string {
    return this.inner.name;
  }
  get conditionalCreate(): boolean {
    return this.inner.conditionalCreate;
  }

  get takesFiles(): boolean {
    return this.inner.takesFiles === true;
  }
  get(name: string, signal: AbortSignal): Promise<Uint8Array> {
    return this.inner.get(name, signal);
  }
  stream(name: string, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return this.inner.stream(name, signal);
  }
  getRange(
    name: string,
    offset: number,
    length: number,
    signal: AbortSignal,
    allocate?: (length: number) => Uint8Array,
  ): Promise<Uint8Array> {
    return this.inner.getRange(name, offset, length, signal, allocate);
  }
  attributes(name: string, signal: AbortSignal): Promise<ObjectAttributes> {
    return this.inner.attributes(name, signal);
  }
  exists(name: string, signal: AbortSignal): Promise<boolean> {
    return this.inner.exists(name, signal);
  }
  iter(prefix: string, options: ListOptions, signal: AbortSignal): AsyncIterable<ListEntry> {
    return this.inner.iter(prefix, options, signal);
  }
  upload(
    name: string,
    body: UploadBody,
    options: UploadOptions,
    signal: AbortSignal,
  ): Promise<void> {
    return this.inner.upload(name, body, options, signal);
  }
  delete(name: string, signal: AbortSignal): Promise<void> {
    return this.inner.delete(name, signal);
  }
  close(): Promise<void> {
    return this.inner.close();
  }
}
