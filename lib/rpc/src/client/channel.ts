// A gRPC client to one address: connects when needed, again after a loss, with growing pauses.
import { RpcError } from "../errors.ts";
import type { Caller, CallOptions, ServerStream } from "./caller.ts";
import { type ClientOptions, clientDefaults } from "./client-options.ts";
import { ClientStream, onlyMessage } from "./client-stream.ts";
import { Connection } from "./connection.ts";
import { parseTarget, type Target } from "./target.ts";

export type ChannelState = "idle" | "connecting" | "ready" | "failing" | "closed";

/** Calls share one connection. Throws RPC_CONFIG at construction if the address is malformed. */
export class Channel implements Caller {
  readonly address: string;
  readonly #target: Target;
  readonly #options: ClientOptions;
  #connection: Connection | null = null;
  #opening: Promise<Connection> | null = null;
  #failures = 0;
  #retryAt = 0;
  #lastError: unknown = null;
  #closed = false;

  constructor(address: string, options: Partial<ClientOptions> = {}) {
    this.address = address;
    this.#target = parseTarget(address);
    this.#options = { ...clientDefaults, ...options };
  }

  get state(): ChannelState {
    if (this.#closed) return "closed";
    if (this.#connection?.usable === true) return "ready";
    if (this.#opening !== null) return "connecting";
    return this.#failures > 0 ? "failing" : "idle";
  }

  async unary(path: string, request: Uint8Array, options: CallOptions = {}): Promise<Uint8Array> {
    return onlyMessage(this.stream(path, request, { ...options, unary: true }));
  }

  stream(
    path: string,
    request: Uint8Array,
    options: CallOptions = {},
  ): ServerStream & { readonly answered: boolean } {
    return new ClientStream(
      (wait, signal) => this.#connect(wait, signal),
      path,
      request,
      this.#options,
      options,
    );
  }

  async #connect(waitForReady: boolean, signal: AbortSignal): Promise<Connection> {
    for (;;) {
      if (this.#closed)
        throw new RpcError("RPC_CANCELLED", "grpc: the client connection is closing");
      if (this.#connection?.usable === true) return this.#connection;
      const pause = this.#opening === null ? this.#retryAt - Date.now() : 0;
      if (pause > 0) {
        if (!waitForReady) throw this.#lastError;
        await sleep(pause, signal);
        continue;
      }
      this.#opening ??= this.#open();
      try {
        return await abortable(this.#opening, signal);
      } catch (error) {
        if (!waitForReady || signal.aborted) throw error;
      }
    }
  }

  async #open(): Promise<Connection> {
    try {
      const connection = await Connection.open(this.#target, this.#options);
      this.#failures = 0;
      this.#retryAt = 0;
      if (this.#closed) connection.close();
      this.#connection = connection;
      return connection;
    } catch (error) {
      const { backoffMinMs, backoffMaxMs } = this.#options;
      const pause = Math.min(backoffMaxMs, backoffMinMs * 1.6 ** this.#failures);
      this.#failures++;
      this.#retryAt = Date.now() + pause;
      this.#lastError = error;
      throw error;
    } finally {
      this.#opening = null;
    }
  }

  close(): void {
    this.#closed = true;
    this.#connection?.close();
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      signal.removeEventListener("abort", stop);
      resolve();
    };
    const timer = setTimeout(done, ms);
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    signal.addEventListener("abort", stop, { once: true });
  });
}

function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", stop, { once: true });
    promise.then(
      (value) => {
        signal.removeEventListener("abort", stop);
        resolve(value);
      },
      (error: unknown) => {
        signal.removeEventListener("abort", stop);
        reject(error as Error);
      },
    );
  });
}
