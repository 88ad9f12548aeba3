// The list of strings that an answer about labels begins with: field 1 of both responses.
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
