// A part of a bucket, seen as a bucket of its own.
import type {
  Bucket,
  ListEntry,
  ListOptions,
  ObjectAttributes,
  UploadBody,
  UploadOptions,
} from "../bucket.ts";
import { checkPrefix } from "../object-name.ts";
import { ForwardingBucket } from "./forwarding-bucket.ts";

/** `bucket` below `prefix`; slashes around the prefix do not count, and an empty one gives `bucket` itself. */
export function prefixedBucket(bucket: Bucket, prefix: string): Bucket {
  const folder = checkPrefix(prefix);
  return folder === "" ? bucket : new PrefixedBucket(bucket, `${folder}/`);
}

class PrefixedBucket extends ForwardingBucket {
  readonly #prefix: string;

  constructor(inner: Bucket, prefix: string) {
    super(inner);
    this.#prefix = prefix;
  }

  override get(name: string, signal: AbortSignal): Promise<Uint8Array> {
    return this.inner.get(this.#prefix + name, signal);
  }
  override stream(name: string, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return this.inner.stream(this.#prefix + name, signal);
  }
  override getRange(
    name: string,
    offset: number,
    length: number,
    signal: AbortSignal,
    allocate?: (length: number) => Uint8Array,
  ): Promise<Uint8Array> {
    return this.inner.getRange(this.#prefix + name, offset, length, signal, allocate);
  }
  override attributes(name: string, signal: AbortSignal): Promise<ObjectAttributes> {
    return this.inner.attributes(this.#prefix + name, signal);
  }
  override exists(name: string, signal: AbortSignal): Promise<boolean> {
    return this.inner.exists(this.#prefix + name, signal);
  }
  override async *iter(
    prefix: string,
    options: ListOptions,
    signal: AbortSignal,
  ): AsyncIterable<ListEntry> {
    for await (const entry of this.inner.iter(this.#prefix + checkPrefix(prefix), options, signal))
      yield { ...entry, name: entry.name.slice(this.#prefix.length) };
  }
  override upload(
    name: string,
    body: UploadBody,
    options: UploadOptions,
    signal: AbortSignal,
  ): Promise<void> {
    return this.inner.upload(this.#prefix + name, body, options, signal);
  }
  override delete(name: string, signal: AbortSignal): Promise<void> {
    return this.inner.delete(this.#prefix + name, signal);
  }
}
