// The list of strings that an answer about labels begins with: field 1 of both responses.
import { isAscii } from "node:buffer";
import { uvarintBytes } from "@deucalion/rpc";

/** Encoded lists by the list: one that is frozen is given out again. */
const encodedLists = new WeakMap<readonly string[], Uint8Array>();

/** A response of the strings of `list` as its field 1, and `rest`, its encoded other fields. */
export function withList(list: readonly string[], rest: Uint8Array): Uint8Array {
  let encoded = encodedLists.get(list);
  if (encoded === undefined) {
    encoded = encodeList(list);
    if (Object.isFrozen(list)) encodedLists.set(list, encoded);
  }
  const message = new Uint8Array(encoded.length + rest.length);
  message.set(encoded);
  message.set(rest, encoded.length);
  return message;
}

function encodeList(list: readonly string[]): Uint8Array {
  const lengths = list.map((text) => Buffer.byteLength(text));
  let size = 0;
  for (const length of lengths) size += 1 + uvarintBytes(length) + length;
  const out = Buffer.allocUnsafeSlow(size);
  let at = 0;
  for (const [i, text] of list.entries()) {
    out[at++] = 0x0a;
    let rest = lengths[i]!;
    while (rest >= 128) {
      out[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    out[at++] = rest;
    at += out.write(text, at);
  }
  return out;
}

/** The strings of field 1 at the front of an answer, and the bytes of what follows. */
export interface ListAndRest {
  readonly list: string[];
  /** A view into the answer. */
  readonly rest: Uint8Array;
}

/**
 * Takes an answer apart at the end of its list. Entries are cut out of one string where the answer is ASCII, as names and
 * values of labels nearly always are. Stops in front of what is no whole entry: whoever decodes the rest finds it.
 */
export function splitList(message: Uint8Array): ListAndRest {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.length);
  const text = isAscii(bytes) ? bytes.toString("latin1") : null;
  const list: string[] = [];
  let at = 0;
  while (at < bytes.length && bytes[at] === 0x0a) {
    let from = at + 1;
    let length = 0;
    let byte = 0x80;
    for (let shift = 0; byte >= 0x80 && shift < 28; shift += 7) {
      byte = bytes[from++] ?? 0x80;
      length |= (byte & 0x7f) << shift;
    }
    if (byte >= 0x80 || from + length > bytes.length) break;
    const end = from + length;
    list.push(text === null ? bytes.toString("utf8", from, end) : text.slice(from, end));
    at = end;
  }
  return { list, rest: message.subarray(at) };
}
