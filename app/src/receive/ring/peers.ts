// Connections to other receivers: a few requests at once to each, and pauses for those that cannot be reached.
import {
  Channel,
  type ClientOptions,
  goErrorText,
  RpcError,
  Status,
  statusOf,
} from "@deucalion/rpc";
import { ReceiveError } from "../errors.ts";

const remoteWritePath = "/thanos.WriteableStore/RemoteWrite";
const pauseMinMs = 100;

export interface PeersOptions {
  readonly requestsAtOnce: number;
  readonly pauseMaxMs: number;
  readonly timeoutMs: number;
  readonly client: Partial<ClientOptions>;
}

interface Peer {
  readonly channel: Channel;
  running: number;
  readonly waiting: (() => void)[];
  failures: number;
  retryAt: number;
}

/** Forwards requests. Throws ReceiveError with what the far side, or its absence, means. */
export class Peers {
  readonly #options: PeersOptions;
  readonly #now: () => number;
  readonly #peers = new Map<string, Peer>();

  constructor(options: PeersOptions, now: () => number) {
    this.#options = options;
    this.#now = now;
  }

  #peer(address: string): Peer {
    let peer = this.#peers.get(address);
    if (peer === undefined) {
      const channel = new Channel(address, {
        backoffMinMs: pauseMinMs,
        backoffMaxMs: this.#options.pauseMaxMs,
        connectTimeoutMs: this.#options.timeoutMs,
        ...this.#options.client,
      });
      peer = { channel, running: 0, waiting: [], failures: 0, retryAt: 0 };
      this.#peers.set(address, peer);
    }
    return peer;
  }

  /** Sends an encoded thanos.WriteRequest. */
  async write(address: string, request: Uint8Array): Promise<void> {
    const peer = this.#peer(address);
    if (peer.retryAt > this.#now()) {
      throw new ReceiveError(
        "RECEIVE_UNAVAILABLE",
        `backing off forward request for endpoint ${address}: target not available`,
      );
    }
    if (peer.running >= this.#options.requestsAtOnce) {
      await new Promise<void>((resolve) => peer.waiting.push(resolve));
    } else {
      peer.running++;
    }
    try {
      await peer.channel.unary(remoteWritePath, request, { timeoutMs: this.#options.timeoutMs });
      peer.failures = 0;
      peer.retryAt = 0;
    } catch (error) {
      const status = statusOf(error);
      if (status === Status.unavailable) this.#pause(peer);
      throw forwardError(address, error, status);
    } finally {
      const next = peer.waiting.shift();
      if (next === undefined) peer.running--;
      else next();
    }
  }

  #pause(peer: Peer): void {
    const full = Math.min(this.#options.pauseMaxMs, pauseMinMs * 2 ** peer.failures);
    peer.failures = Math.min(peer.failures + 1, 20);
    peer.retryAt = this.#now() + full / 2 + (Math.random() * full) / 2;
  }

  /** A new hashring: all pauses end, and connections to receivers that left are closed. */
  keep(addresses: ReadonlySet<string>): void {
    for (const [address, peer] of this.#peers) {
      peer.failures = 0;
      peer.retryAt = 0;
      if (addresses.has(address)) continue;
      peer.channel.close();
      this.#peers.delete(address);
    }
  }

  close(): void {
    this.keep(new Set());
  }
}

function forwardError(address: string, error: unknown, status: number): ReceiveError {
  const text = `forwarding request to endpoint ${address}: ${goErrorText(error)}`;
  const options = { cause: error };
  if (status === Status.alreadyExists) {
    return new ReceiveError("RECEIVE_CONFLICT", text, {}, options);
  }
  if (status === Status.invalidArgument && error instanceof RpcError) {
    return new ReceiveError("RECEIVE_BODY", text, {}, options);
  }
  const gone =
    status === Status.unavailable ||
    status === Status.deadlineExceeded ||
    status === Status.cancelled ||
    status === Status.resourceExhausted;
  return new ReceiveError(gone ? "RECEIVE_UNAVAILABLE" : "RECEIVE_STORAGE", text, {}, options);
}
