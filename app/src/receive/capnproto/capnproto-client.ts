// Writes to another receiver over Cap'n Proto: one connection, made again when it is lost.
import { connect, type Socket } from "node:net";
import { messageOf } from "@deucalion/base";
import { ReceiveError, type ReceiveErrorCode } from "../errors.ts";
import { CapnprotoError } from "./capnproto-error.ts";
import { PackedFrames, packFrame } from "./packed-frames.ts";
import {
  bootstrapMessage,
  callMessage,
  finishMessage,
  type RpcMessage,
  readRpcMessage,
  WriteOutcome,
} from "./rpc-message.ts";
import type { WriteRequestParts } from "./write-request.ts";

const outcomes: Readonly<Record<number, readonly [ReceiveErrorCode, string]>> = {
  [WriteOutcome.unavailable]: ["RECEIVE_UNAVAILABLE", "peer unavailable"],
  [WriteOutcome.alreadyExists]: ["RECEIVE_CONFLICT", "data already exists"],
  [WriteOutcome.invalidArgument]: ["RECEIVE_BODY", "invalid argument"],
  [WriteOutcome.internal]: ["RECEIVE_STORAGE", "internal error"],
};

interface Question {
  readonly resolve: (message: RpcMessage) => void;
  readonly reject: (error: Error) => void;
}

function unavailable(text: string, cause?: unknown): ReceiveError {
  return new ReceiveError("RECEIVE_UNAVAILABLE", text, {}, { cause });
}

/** A connection and what was asked over it. */
class Connection {
  readonly #socket: Socket;
  readonly #questions = new Map<number, Question>();
  #last = 0;
  #heardMs = 0;
  #error: Error | null = null;
  /** The far side's number for its writer. */
  target = 0;

  constructor(host: string, port: number) {
    this.#socket = connect({ host, port, noDelay: true });
    const frames = new PackedFrames();
    this.#socket.on("data", (piece: Buffer) => {
      this.#heardMs = performance.now();
      try {
        for (const segments of frames.push(piece)) this.#take(readRpcMessage(segments));
      } catch (error) {
        this.close(error as Error);
      }
    });
    this.#socket.on("error", (error) => this.close(error));
    this.#socket.on("close", () => this.close(new Error("connection closed")));
  }

  get isOpen(): boolean {
    return this.#error === null;
  }

  #take(message: RpcMessage): void {
    if (message.kind === "abort") throw new Error(message.reason);
    if (message.kind !== "return" && message.kind !== "exception") return;
    const question = this.#questions.get(message.question);
    if (question === undefined) return;
    this.#questions.delete(message.question);
    this.#socket.write(packFrame(finishMessage(message.question)));
    question.resolve(message);
  }

  /** Sends what `encode` makes for a new question; resolves with the answer. */
  ask(encode: (question: number) => Uint8Array, timeoutMs: number): Promise<RpcMessage> {
    return new Promise((resolve, reject) => {
      if (this.#error !== null) return reject(this.#error);
      const number = this.#last++;
      const asked = performance.now();
      const timer = setTimeout(() => {
        // What comes for it later is passed over.
        this.#questions.delete(number);
        const error = new Error("context deadline exceeded");
        reject(error);
        // Nothing was heard all the time: the far side may be gone without a word.
        if (this.#heardMs < asked) this.close(error);
      }, timeoutMs);
      this.#questions.set(number, {
        resolve: (message) => {
          clearTimeout(timer);
          resolve(message);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      this.#socket.write(packFrame(encode(number)));
    });
  }

  close(error: Error): void {
    if (this.#error !== null) return;
    this.#error = error;
    this.#socket.destroy();
    for (const { reject } of this.#questions.values()) reject(error);
    this.#questions.clear();
  }
}

/** A receiver at `host:port`. */
export class CapnprotoClient {
  readonly #address: string;
  #connection: Promise<Connection> | null = null;
  #current: Connection | null = null;

  constructor(address: string) {
    this.#address = address;
  }

  #connected(timeoutMs: number): Promise<Connection> {
    if (this.#connection !== null && this.#current?.isOpen !== false) return this.#connection;
    const split = this.#address.lastIndexOf(":");
    const host = this.#address.slice(0, split).replace(/^\[|\]$/g, "");
    const connection = new Connection(host, Number(this.#address.slice(split + 1)));
    this.#current = connection;
    this.#connection = connection.ask(bootstrapMessage, timeoutMs).then(
      (answer) => {
        if (answer.kind !== "return" || answer.imported < 0) {
          const text = answer.kind === "exception" ? answer.reason : "no writer is served";
          connection.close(new Error(text));
          throw new CapnprotoError("CAPNPROTO_CALL", text);
        }
        connection.target = answer.imported;
        return connection;
      },
      (error: Error) => {
        connection.close(error);
        throw error;
      },
    );
    return this.#connection;
  }

  /** Throws ReceiveError with what the far side, or its absence, means. */
  async write(request: WriteRequestParts, timeoutMs: number): Promise<void> {
    let answer: RpcMessage;
    try {
      answer = await this.#ask(request, timeoutMs);
    } catch (error) {
      throw unavailable(`writing to peer: ${messageOf(error)}`, error);
    }
    if (answer.kind === "exception") throw unavailable(`rpc failed: ${answer.reason}`);
    if (answer.kind !== "return") throw unavailable("rpc failed");
    const outcome = answer.content.u16(0);
    if (outcome === WriteOutcome.none) return;
    const [code, text] = outcomes[outcome] ?? outcomes[WriteOutcome.internal]!;
    const context = answer.content.text(0);
    throw new ReceiveError(code, `remote write: ${text}${context === "" ? "" : `: ${context}`}`);
  }

  async #ask(request: WriteRequestParts, timeoutMs: number): Promise<RpcMessage> {
    const used = this.#current;
    const connection = await this.#connected(timeoutMs);
    const encode = (question: number): Uint8Array =>
      callMessage(question, connection.target, (out, pointer) => request.write(out, pointer));
    try {
      return await connection.ask(encode, timeoutMs);
    } catch (error) {
      // A connection that was idle may have ended with the process behind it, which may be back; samples may come twice.
      if (connection.isOpen || used !== connection) throw error;
      const next = await this.#connected(timeoutMs);
      return next.ask(
        (question) =>
          callMessage(question, next.target, (out, pointer) => request.write(out, pointer)),
        timeoutMs,
      );
    }
  }

  close(): void {
    this.#current?.close(new Error("closed"));
  }
}
