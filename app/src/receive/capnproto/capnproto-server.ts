// Serves `Writer.write` to other receivers: what comes is stored here, as in Thanos; nothing is handed on.
import { createServer, type Server, type Socket } from "node:net";
import { type Log, messageOf } from "@deucalion/base";
import { RpcError } from "@deucalion/rpc";
import { listen } from "../../http/listen-address.ts";
import type { Actor } from "../../process/run-group.ts";
import { ReceiveError, type ReceiveErrorCode } from "../errors.ts";
import type { TenantSeries } from "../write/series-list.ts";
import type { WriteBudget } from "../write/write-budget.ts";
import { CapnprotoError } from "./capnproto-error.ts";
import { PackedFrames, packFrame } from "./packed-frames.ts";
import {
  abortMessage,
  bootstrapReturn,
  exceptionReturn,
  readRpcMessage,
  WriteOutcome,
  writeReturn,
} from "./rpc-message.ts";
import { readWriteRequest } from "./write-request.ts";

export interface CapnprotoServerOptions {
  readonly address: string;
  /** Where the address is taken the process goes on without it. */
  readonly optional: boolean;
  /** Calls under way may end for so long. */
  readonly gracePeriodMs: number;
}

export interface CapnprotoServerDeps {
  readonly log: Log;
  readonly budget: WriteBudget;
  readonly isReady: () => boolean;
  /** Stores series. Throws ReceiveError. */
  readonly write: (parts: readonly TenantSeries[]) => Promise<void>;
}

const outcomes: Readonly<Record<ReceiveErrorCode, number>> = {
  RECEIVE_BODY: WriteOutcome.invalidArgument,
  RECEIVE_TENANT: WriteOutcome.invalidArgument,
  RECEIVE_REPLICA: WriteOutcome.invalidArgument,
  RECEIVE_CONFLICT: WriteOutcome.alreadyExists,
  RECEIVE_NOT_READY: WriteOutcome.unavailable,
  RECEIVE_UNAVAILABLE: WriteOutcome.unavailable,
  RECEIVE_TOO_LARGE: WriteOutcome.unavailable,
  RECEIVE_OVERLOADED: WriteOutcome.unavailable,
  RECEIVE_STORAGE: WriteOutcome.internal,
  RECEIVE_HASHRING: WriteOutcome.internal,
};

/** Serves until it is stopped. Messages of a connection are worked on one after the other. */
export class CapnprotoServer implements Actor {
  readonly name = "receive capnproto";
  readonly #options: CapnprotoServerOptions;
  readonly #deps: CapnprotoServerDeps;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Connections with a call under way. */
  readonly #busy = new Set<Socket>();
  #stopping = false;
  #address = "";
  #stop: () => void = () => undefined;
  readonly #stopped: Promise<void>;

  constructor(options: CapnprotoServerOptions, deps: CapnprotoServerDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#server = createServer((socket) => void this.#serve(socket));
    this.#stopped = new Promise((resolve) => {
      this.#stop = resolve;
    });
  }

  /** What was taken: `host:port`, or "none"; "" before that. */
  get address(): string {
    return this.#address;
  }

  async execute(): Promise<void> {
    const { log } = this.#deps;
    try {
      this.#address = await listen(this.#server, this.#options.address);
      log.info("listening for Cap'n Proto", { address: this.#address });
    } catch (error) {
      if (!this.#options.optional) throw error;
      this.#address = "none";
      log.warn("no Cap'n Proto: other receivers have to use protobuf", { err: messageOf(error) });
    }
    await this.#stopped;
  }

  async interrupt(): Promise<void> {
    this.#stopping = true;
    this.#server.close();
    for (const socket of this.#sockets) if (!this.#busy.has(socket)) socket.destroy();
    const end = Date.now() + this.#options.gracePeriodMs;
    while (this.#busy.size > 0 && Date.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    for (const socket of this.#sockets) socket.destroy();
    this.#stop();
  }

  async #serve(socket: Socket): Promise<void> {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    const frames = new PackedFrames();
    try {
      for await (const piece of socket) {
        this.#busy.add(socket);
        for (const segments of frames.push(piece as Buffer)) {
          const answer = await this.#answer(segments);
          if (answer !== null) await send(socket, answer);
        }
        this.#busy.delete(socket);
        if (this.#stopping) return;
      }
    } catch (error) {
      // Whoever is gone needs no answer.
      if (error instanceof CapnprotoError) {
        this.#deps.log.warn("a Cap'n Proto connection is closed", { err: messageOf(error) });
        socket.end(packFrame(abortMessage(error.message)));
      }
    } finally {
      this.#busy.delete(socket);
      this.#sockets.delete(socket);
      socket.destroySoon();
    }
  }

  /** What is sent back, null for nothing. */
  async #answer(segments: readonly Uint8Array[]): Promise<Uint8Array | null> {
    const message = readRpcMessage(segments);
    if (message.kind === "bootstrap") return bootstrapReturn(message.question);
    if (message.kind === "abort") throw new Error(message.reason);
    if (message.kind !== "call") return null;
    const { question, call } = message;
    if (call === null) return exceptionReturn(question, 3, "no such method");
    const { budget, isReady, write } = this.#deps;
    let charge = 0;
    try {
      if (!isReady()) throw new ReceiveError("RECEIVE_NOT_READY", "TSDB not ready");
      const parts = readWriteRequest(call.request);
      charge = budget.take(parts.reduce((sum, { series }) => sum + series.data.length, 0));
      await write(parts);
      return writeReturn(question, WriteOutcome.none, "");
    } catch (error) {
      if (error instanceof CapnprotoError) return exceptionReturn(question, 0, error.message);
      if (error instanceof ReceiveError) {
        return writeReturn(question, outcomes[error.code], error.message);
      }
      const outcome =
        error instanceof RpcError ? WriteOutcome.invalidArgument : WriteOutcome.internal;
      return writeReturn(question, outcome, messageOf(error));
    } finally {
      budget.give(charge);
    }
  }
}

async function send(socket: Socket, message: Uint8Array): Promise<void> {
  if (socket.write(packFrame(message))) return;
  await new Promise<void>((resolve, reject) => {
    const done = (): void => {
      socket.off("drain", done);
      socket.off("close", done);
      if (socket.destroyed) reject(new Error("closed"));
      else resolve();
    };
    socket.on("drain", done);
    socket.on("close", done);
  });
}
