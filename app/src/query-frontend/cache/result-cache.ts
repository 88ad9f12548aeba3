// What the pipelines need of a cache of answers.

/** Keeps bytes by key. A cache may forget anything at any time, and never fails a request. */
export interface ResultCache {
  get(key: string, signal?: AbortSignal): Promise<Buffer | null>;
  /** Takes `value` over. */
  set(key: string, value: Buffer): Promise<void>;
  close(): Promise<void>;
}
