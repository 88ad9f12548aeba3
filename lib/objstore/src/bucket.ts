// The contract of an object store: flat names with slashes, whole objects, ranges of objects.

/** What a store knows about an object without reading it. */
export interface ObjectAttributes {
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly lastModifiedMs: number;
}

/** One entry of a listing. A name that ends with "/" is a folder and has no attributes. */
export interface ListEntry {
  readonly name: string;
  /** Present where the listing carries it at no extra request. */
  readonly attributes?: ObjectAttributes;
}

export interface ListOptions {
  /** All objects below, without folder entries; else one level, folders ending with "/". */
  readonly recursive?: boolean;
}

/**
 * What can be uploaded: bytes, a local file, or a stream of pieces. Nobody will ever write to a file that is `final`: a
 * store on the same disk may take it as it is instead of a copy.
 */
export type UploadBody =
  | Uint8Array
  | { readonly path: string; readonly final?: boolean }
  | AsyncIterable<Uint8Array>;

export interface UploadOptions {
  /** Fail with OBJSTORE_EXISTS instead of replacing. Only where `conditionalCreate` is true. */
  readonly ifAbsent?: boolean;
}

/**
 * An object store. Names use "/" and never begin with it. Every call ends early, by throwing the signal's reason, when
 * the signal aborts. Errors are ObjstoreError; a missing object is OBJSTORE_NOT_FOUND (`isNotFound`).
 * All methods may be called concurrently.
 */
export interface Bucket {
  /** For logs and messages. */
  readonly name: string;
  /** Whether `ifAbsent` is atomic here. */
  readonly conditionalCreate: boolean;
  /** Whether a local file that is `final` becomes the object as it is, so that bytes of it on the disk need not be written again. */
  readonly takesFiles?: boolean;
  /** The whole object. The caller owns the bytes. */
  get(name: string, signal: AbortSignal): Promise<Uint8Array>;
  /** The whole object in pieces; for objects that should not be held at once. Pieces belong to the caller. */
  stream(name: string, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /**
   * Bytes `[offset, offset + length)`; fewer only where the object ends earlier (none if it ends before `offset`).
   * A body cut off in transit is OBJSTORE_TRUNCATED, never a short answer. The caller owns the bytes.
   * A bucket that can reads into memory of `allocate`, and gives back that or a part of it.
   */
  getRange(
    name: string,
    offset: number,
    length: number,
    signal: AbortSignal,
    allocate?: (length: number) => Uint8Array,
  ): Promise<Uint8Array>;
  attributes(name: string, signal: AbortSignal): Promise<ObjectAttributes>;
  exists(name: string, signal: AbortSignal): Promise<boolean>;
  /** Names below `prefix` ("" for all, a trailing "/" is optional), in byte order. A missing folder is empty. */
  iter(prefix: string, options: ListOptions, signal: AbortSignal): AsyncIterable<ListEntry>;
  /** Creates or replaces; readers see the old object or the new one, never a part. */
  upload(
    name: string,
    body: UploadBody,
    options: UploadOptions,
    signal: AbortSignal,
  ): Promise<void>;
  /** Deletes one object. OBJSTORE_NOT_FOUND where the store can tell. */
  delete(name: string, signal: AbortSignal): Promise<void>;
  /** Gives back connections and handles. */
  close(): Promise<void>;
}
