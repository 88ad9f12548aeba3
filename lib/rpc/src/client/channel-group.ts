// Several addresses that answer as one: calls take turns, and try another address while nothing was answered.
import { RpcError } from "../errors.ts";
import { statusOf } from "../status.ts";
import type { Caller, CallOptions, ServerStream } from "./caller.ts";
import { Channel } from "./channel.ts";
import type { ClientOptions } from "./client-options.ts";
import { onlyMessage } from "./client-stream.ts";
import { methodConfigOf, type ServiceConfig, serviceConfigDefaults } from "./service-config.ts";

export class ChannelGroup implements Caller {
  readonly #client: Partial<ClientOptions>;
  readonly #config: ServiceConfig;
  #channels = new Map<string, Channel>();
  #next = 0;

  constructor(client: Partial<ClientOptions> = {}, config: ServiceConfig = serviceConfigDefaults) {
    this.#client = client;
    this.#config = config;
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
    if (this.#config.policy === "pick_first") {
      return all.find((channel) => channel.state !== "failing") ?? all[this.#next++ % all.length]!;
    }
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
    const { retry, timeoutMs, waitForReady } = methodConfigOf(this.#config, path);
    const given = options.timeoutMs ?? Number.POSITIVE_INFINITY;
    const bounded: CallOptions = {
      ...options,
      ...(timeoutMs > 0 ? { timeoutMs: Math.min(timeoutMs, given) } : {}),
      ...(waitForReady ? { waitForReady: options.waitForReady ?? true } : {}),
    };
    const begin = () => this.#pick().stream(path, request, bounded);
    let current: ReturnType<typeof begin> | null = null;
    let cancelled = false;
    const read = async (): Promise<readonly Uint8Array[] | null> => {
      for (let attempt = 1; ; attempt++) {
        try {
          current ??= begin();
          return await current.read();
        } catch (error) {
          if (retry === null || current?.answered === true || cancelled) throw error;
          const final = attempt >= retry.attemptsMax;
          if (final || !retry.statuses.includes(statusOf(error))) throw error;
          current = null;
          const { backoffMs, backoffMaxMs, backoffFactor } = retry;
          const pause = Math.min(backoffMaxMs, backoffMs * backoffFactor ** (attempt - 1));
          await new Promise((resolve) => setTimeout(resolve, pause));
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
