// Connections to other receivers: a few requests at once to each, and pauses for those that cannot be reached.
import {
  Channel,
  type ClientOptions,
  goErrorText,
  RpcError,
  Status,
  statusOf,
} from "@deucalion/rpc";
import { CapnprotoClient } from "../capnproto/capnproto-client.ts";
import { WriteRequestParts } from "../capnproto/write-request.ts";
import { ReceiveError } from "../errors.ts";
import { decodeWriteRequest } from "../write/write-service.ts";

const remoteWritePath = "/thanos.WriteableStore/RemoteWrite";
const pauseMinMs = 100;

export interface PeersOptions {
  readonly requestsAtOnce: number;
  readonly pauseMaxMs: number;
  readonly timeoutMs: number;
  readonly client: Partial<ClientOptions>;
  readonly protocol: ReplicationProtocol;
}

export type ReplicationProtocol = "protobuf" | "capnproto";

interface Peer {
  readonly channel: Channel;
  /** Null where everything goes over gRPC. */
  readonly capnproto: CapnprotoClient | null;
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
  /** Addresses for Cap'n Proto by those for gRPC. */
  #capnproto: ReadonlyMap<string, string> = new Map();

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
      const other = this.#capnproto.get(address);
      const capnproto =
        this.#options.protocol === "protobuf" || other === undefined
          ? null
          : new CapnprotoClient(other);
      peer = { channel, capnproto, running: 0, waiting: [], failures: 0, retryAt: 0 };
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
      await this.#send(peer, request);
      peer.failures = 0;
      peer.retryAt = 0;
    } catch (error) {
      const fault =
        error instanceof ReceiveError
          ? new ReceiveError(
              error.code,
              `${forwarding(address)}: ${error.message}`,
              {},
              { cause: error },
            )
          : forwardError(address, error, statusOf(error));
      if (isUnavailable(error)) this.#pause(peer);
      throw fault;
    } finally {
      const next = peer.waiting.shift();
      if (next === undefined) peer.running--;
      else next();
    }
  }

  async #send(peer: Peer, request: Uint8Array): Promise<void> {
    const { timeoutMs } = this.#options;
    if (peer.capnproto !== null) {
      // What the other protocol has no place for goes as it is.
      const parts = partsOf(request);
      if (parts !== null) {
        await peer.capnproto.write(parts, timeoutMs);
        return;
      }
    }
    await peer.channel.unary(remoteWritePath, request, { timeoutMs });
  }

  #pause(peer: Peer): void {
    const full = Math.min(this.#options.pauseMaxMs, pauseMinMs * 2 ** peer.failures);
    peer.failures = Math.min(peer.failures + 1, 20);
    peer.retryAt = this.#now() + full / 2 + (Math.random() * full) / 2;
  }

  /**
   * A new hashring: all pauses end, and connections to receivers that left are closed. The values are addresses for Cap'n
   * Proto.
   */
  keep(addresses: ReadonlyMap<string, string>): void {
    const before = this.#capnproto;
    this.#capnproto = addresses;
    for (const [address, peer] of this.#peers) {
      peer.failures = 0;
      peer.retryAt = 0;
      if (addresses.has(address) && addresses.get(address) === before.get(address)) continue;
      peer.channel.close();
      peer.capnproto?.close();
      this.#peers.delete(address);
    }
  }

  close(): void {
    this.keep(new Map());
  }
}

function forwarding(address: string): string {
  return `forwarding request to endpoint ${address}`;
}

function isUnavailable(error: unknown): boolean {
  if (error instanceof ReceiveError) return error.code === "RECEIVE_UNAVAILABLE";
  return statusOf(error) === Status.unavailable;
}

/** Null for a request that only protobuf can carry. Throws RECEIVE_BODY. */
function partsOf(request: Uint8Array): WriteRequestParts | null {
  try {
    const { parts, late } = decodeWriteRequest(request);
    return late ? null : WriteRequestParts.of(parts);
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    throw new ReceiveError("RECEIVE_BODY", error.message, {}, { cause: error });
  }
}

function forwardError(address: string, error: unknown, status: number): ReceiveError {
  const text = `${forwarding(address)}: ${goErrorText(error)}`;
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
