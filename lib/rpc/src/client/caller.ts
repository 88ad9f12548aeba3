// What a gRPC client offers, whatever is behind it: one connection or a group of them.

/** Metadata of a call; keys are lower case. */
export type Metadata = Readonly<Record<string, string>>;

export interface CallOptions {
  /** Aborting it cancels the call on both sides; the call then throws its reason. */
  readonly signal?: AbortSignal;
  /** Deadline of the whole call, told to the server too. */
  readonly timeoutMs?: number;
  readonly metadata?: Metadata;
  /** Wait for a connection instead of failing at once while the far side cannot be reached. */
  readonly waitForReady?: boolean;
  /** One message is expected. `unary` sets it; it only names the call for metrics. */
  readonly unary?: boolean;
}

/**
 * The messages of a server-streaming call. Each is a view that stays valid as long as someone holds it.
 * Leaving a `for await` early, or `cancel()`, cancels the call. A status other than OK is thrown as RpcError.
 */
export interface ServerStream extends AsyncIterable<Uint8Array> {
  /** All messages that have arrived since the last read, at least one; null at the end. */
  read(): Promise<readonly Uint8Array[] | null>;
  cancel(reason?: unknown): void;
}

export interface Caller {
  /** `path` is `/package.Service/Method`; `request` is an encoded message. */
  unary(path: string, request: Uint8Array, options?: CallOptions): Promise<Uint8Array>;
  stream(path: string, request: Uint8Array, options?: CallOptions): ServerStream;
  /** Ends idle connections and refuses new calls; running calls go on. */
  close(): void;
}
