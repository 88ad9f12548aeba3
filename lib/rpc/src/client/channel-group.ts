// Several addresses that answer as one: calls go round robin, and try another address while nothing was answered.
import { RpcError } from "../errors.ts";
import { Status, statusOf } from "../status.ts";
import type { Caller, CallOptions, ServerStream } from "./caller.ts";
import { Channel } from "./channel.ts";
import type { ClientOptions } from "./client-options.ts";
import { onlyMessage } from "./client-stream.ts";

export interface GroupOptions {
  readonly attemptsMax: number;
  readonly backoffMs: number;
}

export const groupDefaults: GroupOptions = { attemptsMax: 3, backoffMs: 100 };

export class ChannelGroup implements Caller {
  readonly #client: Partial<ClientOptions>;
  readonly #options: GroupOptions;
  #channels = new Map<string, Channel>();
  #next = 0;

  constructor(client: Partial<ClientOptions> = {}, options: Partial<GroupOptions> = {}) {
    this.#client = client;
    this.#options = { ...groupDefaults, ...options };
  }

  get addresses(): string[] {
    return [...this.#channels.keys()];
  }

  /** Replaces the addresses; channels to those that stay are kept. */
  update(addresses: readonly string[]): void {
    const before = this.#channels;
    this.#channels = new Map(
      addresses.map((address) => [
        address,
        before.get(address) ?? new Channel(address, this.#client),
      ]),
    );
    for (const [address, channel] of before) if (!this.#channels.has(address)) channel.close();
  }

  /** The next channel, one that is not failing if there is one. */
  #pick(): Channel {
    const all = [...this.#channels.values()];
    if (all.length === 0) throw new RpcError("RPC_UNAVAILABLE", "no address of the group is known");
    for (let i = 0; i < all.length; i++) {
      const channel = all[(this.#next + i) % all.length]!;
      if (channel.state === "failing") continue;
      this.#next = (this.#next + i + 1) % all.length;
      return channel;
    }
    return all[this.#next++ % all.length]!;
  }

  async unary(path: string, request: Uint8Array, options: CallOptions = {}): Promise<Uint8Array> {
    return onlyMessage(this.stream(path, request, { ...options, unary: true }));
  }

  stream(path: string, request: Uint8Array, options: CallOptions = {}): ServerStream {
    const { attemptsMax, backoffMs } = this.#options;
    const begin = () => this.#pick().stream(path, request, options);
    let current: ReturnType<typeof begin> | null = null;
    let cancelled = false;
    const read = async (): Promise<readonly Uint8Array[] | null> => {
      for (let attempt = 1; ; attempt++) {
        try {
          current ??= begin();
          return await current.read();
        } catch (error) {
          const final = current?.answered === true || attempt >= attemptsMax || cancelled;
          if (final || statusOf(error) !== Status.unavailable) throw error;
          current = null;
          await new Promise((resolve) => setTimeout(resolve, backoffMs * 2 ** (attempt - 1)));
          options.signal?.throwIfAborted();
        }
      }
    };
    const cancel = (reason?: unknown): void => {
      cancelled = true;
      current?.cancel(reason);
    };
    return {
      read,
      cancel,
      async *[Symbol.asyncIterator]() {
        try {
          for (let some = await read(); some !== null; some = await read()) yield* some;
        } finally {
          cancel();
        }
      },
    };
  }

  close(): void {
    for (const channel of this.#channels.values()) channel.close();
  }
}
