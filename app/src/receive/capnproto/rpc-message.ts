// Messages of Cap'n Proto's RPC protocol, as far as one interface without capabilities in its parameters needs them.
//
// Message: u16 which, pointer 0. Bootstrap: u32 question. Call: u32 question, u16 method at 4, u64 interface at 8; target,
// params. Target: u32 import, u16 which at 4; promised answer {u32 question}. Payload: content, capabilities {u16 which,
// u32 id at 4}. Return: u32 answer, u16 which at 6; results or exception {u16 type at 4; reason}. Finish: u32 question.
import { CapnprotoError } from "./capnproto-error.ts";
import { MessageBuilder, type StructSize } from "./message-builder.ts";
import { ElementSize, readMessage, type StructReader } from "./message-reader.ts";

const writerInterface = { low: 0x32c83b91, high: 0xcc20b9c3 };
const Which = { abort: 1, call: 2, return: 3, finish: 4, bootstrap: 8 } as const;
const messageSize: StructSize = { dataWords: 1, pointers: 1 };
const exceptionSize: StructSize = { dataWords: 1, pointers: 2 };
const payloadSize: StructSize = { dataWords: 0, pointers: 2 };

/** What `Writer.write` answers. */
export const WriteOutcome = {
  none: 0,
  unavailable: 1,
  alreadyExists: 2,
  invalidArgument: 3,
  internal: 4,
} as const;

/** A message that came in. */
export type RpcMessage =
  | { readonly kind: "bootstrap"; readonly question: number }
  | { readonly kind: "call"; readonly question: number; readonly call: WriteCall }
  /** `content` is the struct of the results, `imported` the first capability of theirs, −1 without. */
  | {
      readonly kind: "return";
      readonly question: number;
      readonly content: StructReader;
      readonly imported: number;
    }
  | { readonly kind: "exception"; readonly question: number; readonly reason: string }
  | { readonly kind: "abort"; readonly reason: string }
  /** Nothing that one needs to do something for. */
  | { readonly kind: "other" };

/** A call; null where it is of something that is not here. */
export type WriteCall = { readonly request: StructReader } | null;

/** Throws CAPNPROTO_POINTER and CAPNPROTO_CALL. */
export function readRpcMessage(segments: readonly Uint8Array[]): RpcMessage {
  const message = readMessage(segments);
  const which = message.u16(0);
  if (which === Which.bootstrap) {
    return { kind: "bootstrap", question: message.struct(0).u32(0) };
  }
  if (which === Which.call) {
    const call = message.struct(0);
    const ours =
      call.u32(8) === writerInterface.low &&
      call.u32(12) === writerInterface.high &&
      call.u16(4) === 0;
    // Whatever the target says: all that was ever handed out is the one writer.
    const params = call.struct(1).struct(0);
    return {
      kind: "call",
      question: call.u32(0),
      call: ours ? { request: params.struct(0) } : null,
    };
  }
  if (which === Which.return) return readReturn(message.struct(0));
  if (which === Which.abort) return { kind: "abort", reason: message.struct(0).text(0) };
  return { kind: "other" };
}

function readReturn(answer: StructReader): RpcMessage {
  const question = answer.u32(0);
  const which = answer.u16(6);
  if (which === 1) return { kind: "exception", question, reason: answer.struct(0).text(0) };
  if (which !== 0) throw new CapnprotoError("CAPNPROTO_CALL", `return of kind ${which}`);
  const payload = answer.struct(0);
  const index = payload.capability(0);
  if (index < 0) return { kind: "return", question, content: payload.struct(0), imported: -1 };
  const table = payload.list(1, ElementSize.struct);
  const imported = index < table.count ? table.struct(index).u32(4) : -1;
  return { kind: "return", question, content: payload.struct(2), imported };
}

function begin(which: number, size: StructSize): { out: MessageBuilder; body: number } {
  const out = new MessageBuilder();
  const message = out.struct(0, messageSize);
  out.u16(message, which);
  return { out, body: out.struct(message + 8, size) };
}

/** Asks for the writer. */
export function bootstrapMessage(question: number): Uint8Array {
  const { out, body } = begin(Which.bootstrap, { dataWords: 1, pointers: 1 });
  out.u32(body, question);
  return out.segment();
}

/** Calls the writer that was imported as `target`; `fill` writes the request's struct for the pointer it is given. */
export function callMessage(
  question: number,
  target: number,
  fill: (out: MessageBuilder, pointer: number) => void,
): Uint8Array {
  const { out, body } = begin(Which.call, { dataWords: 3, pointers: 3 });
  out.u32(body, question);
  out.words(body + 8, writerInterface.low, writerInterface.high);
  const place = out.struct(body + 24, { dataWords: 1, pointers: 1 });
  out.u32(place, target);
  const payload = out.struct(body + 32, payloadSize);
  const params = out.struct(payload, { dataWords: 0, pointers: 1 });
  fill(out, params);
  return out.segment();
}

/** Says that an answer is not needed any more. */
export function finishMessage(question: number): Uint8Array {
  const { out, body } = begin(Which.finish, { dataWords: 1, pointers: 0 });
  out.u32(body, question);
  // Capabilities in the results are kept (the bit says the opposite of its default).
  out.u32(body + 4, 1);
  return out.segment();
}

function beginReturn(question: number, which: number): { out: MessageBuilder; body: number } {
  const begun = begin(Which.return, { dataWords: 2, pointers: 1 });
  begun.out.u32(begun.body, question);
  begun.out.u16(begun.body + 6, which);
  return begun;
}

/** Hands the writer out, as export 0. */
export function bootstrapReturn(question: number): Uint8Array {
  const { out, body } = beginReturn(question, 0);
  const payload = out.struct(body + 16, payloadSize);
  out.capability(payload, 0);
  const entry = out.structs(payload + 8, 1, { dataWords: 1, pointers: 1 });
  // senderHosted
  out.u16(entry, 1);
  return out.segment();
}

/** Answers a write. */
export function writeReturn(question: number, outcome: number, context: string): Uint8Array {
  const { out, body } = beginReturn(question, 0);
  const payload = out.struct(body + 16, payloadSize);
  const results = out.struct(payload, { dataWords: 1, pointers: 1 });
  out.u16(results, outcome);
  if (context !== "") out.text(results + 8, context);
  return out.segment();
}

/** The exception of a call that failed (0) or is of something unknown (3). */
export function exceptionReturn(question: number, type: 0 | 3, reason: string): Uint8Array {
  const { out, body } = beginReturn(question, 1);
  fillException(out, out.struct(body + 16, exceptionSize), type, reason);
  return out.segment();
}

/** The last message of a connection that cannot go on. */
export function abortMessage(reason: string): Uint8Array {
  const { out, body } = begin(Which.abort, exceptionSize);
  fillException(out, body, 0, reason);
  return out.segment();
}

function fillException(out: MessageBuilder, at: number, type: number, reason: string): void {
  out.u16(at + 4, type);
  out.text(at + 8, reason);
}
