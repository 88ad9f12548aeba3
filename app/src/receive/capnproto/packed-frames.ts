// Messages of Cap'n Proto on a packed stream.
//
// A frame: u32 segments − 1, u32 words of each segment, zeros up to a multiple of 8, the segments. Packed: for each word a
// tag, whose bits say which of its bytes are not zero, and those bytes. After tag 0 a byte says how many more zero words
// follow, after tag 255 how many words that are not packed.
import { CapnprotoError } from "./capnproto-error.ts";

/** Bytes of a message at most, as in Thanos. */
export const frameBytesMax = 64 * 1024 * 1024;
const segmentsMax = 512;
const bufferBytes = 1 << 16;

/** Packs a message of one segment, whose length is a multiple of 8. */
export function packFrame(segment: Uint8Array): Uint8Array {
  const header = new Uint8Array(8);
  new DataView(header.buffer).setUint32(4, segment.length / 8, true);
  // At most nine bytes for each word, and a count behind some.
  const out = new Uint8Array(2 * 10 + (segment.length / 8) * 10);
  const at = packInto(segment, out, packInto(header, out, 0));
  return out.subarray(0, at);
}

function packInto(words: Uint8Array, out: Uint8Array, start: number): number {
  let to = start;
  for (let at = 0; at < words.length; at += 8) {
    const place = to++;
    let tag = 0;
    for (let i = 0; i < 8; i++) {
      const byte = words[at + i]!;
      if (byte === 0) continue;
      tag |= 1 << i;
      out[to++] = byte;
    }
    out[place] = tag;
    if (tag === 0) {
      let more = 0;
      while (more < 255 && at + 8 < words.length && isZero(words, at + 8)) {
        more++;
        at += 8;
      }
      out[to++] = more;
    } else if (tag === 255) out[to++] = 0;
  }
  return to;
}

function isZero(words: Uint8Array, at: number): boolean {
  for (let i = 0; i < 8; i++) if (words[at + i] !== 0) return false;
  return true;
}

/** Takes a stream apart into messages, each a list of segments. Messages in turn are the caller's. */
export class PackedFrames {
  #out = new Uint8Array(bufferBytes);
  #filled = 0;
  /** Bytes of the message that must be there before something can be done. */
  #want = 8;
  /** What of the last piece is not a whole token. */
  #rest: Uint8Array = new Uint8Array(0);
  /** Bytes that follow as they are. */
  #literal = 0;

  /** The messages that are complete with `piece`. Throws CAPNPROTO_FRAME. */
  push(piece: Uint8Array): Uint8Array[][] {
    let data = piece;
    if (this.#rest.length > 0) {
      data = new Uint8Array(this.#rest.length + piece.length);
      data.set(this.#rest);
      data.set(piece, this.#rest.length);
    }
    const frames: Uint8Array[][] = [];
    let at = 0;
    for (;;) {
      const next = this.#token(data, at);
      if (next < 0) break;
      at = next;
      while (this.#filled >= this.#want) {
        const frame = this.#frame();
        if (frame !== null) frames.push(frame);
      }
    }
    this.#rest = data.slice(at);
    return frames;
  }

  /** Unpacks one token at `at`; the place behind it, −1 if it is not whole. */
  #token(data: Uint8Array, at: number): number {
    if (at >= data.length) return -1;
    if (this.#literal > 0) {
      const count = Math.min(this.#literal, data.length - at);
      this.#reserve(count);
      this.#out.set(data.subarray(at, at + count), this.#filled);
      this.#filled += count;
      this.#literal -= count;
      return at + count;
    }
    const tag = data[at]!;
    let bytes = 0;
    for (let bits = tag; bits !== 0; bits &= bits - 1) bytes++;
    const end = at + 1 + bytes + (tag === 0 || tag === 255 ? 1 : 0);
    if (end > data.length) return -1;
    const zeros = tag === 0 ? 8 * data[end - 1]! : 0;
    this.#reserve(8 + zeros);
    const out = this.#out;
    let from = at + 1;
    for (let i = 0; i < 8; i++) out[this.#filled++] = (tag >>> i) & 1 ? data[from++]! : 0;
    if (tag === 0) {
      out.fill(0, this.#filled, this.#filled + zeros);
      this.#filled += zeros;
    } else if (tag === 255) this.#literal = 8 * data[end - 1]!;
    return end;
  }

  #reserve(count: number): void {
    const need = this.#filled + count;
    if (need <= this.#out.length) return;
    const larger = new Uint8Array(Math.max(need, 2 * this.#out.length));
    larger.set(this.#out.subarray(0, this.#filled));
    this.#out = larger;
  }

  /** Takes the message in front out, or says how much it wants. */
  #frame(): Uint8Array[] | null {
    const view = new DataView(this.#out.buffer);
    const count = view.getUint32(0, true) + 1;
    if (count > segmentsMax) throw new CapnprotoError("CAPNPROTO_FRAME", "too many segments");
    const header = 8 * Math.floor(count / 2 + 1);
    if (this.#filled < header) {
      this.#want = header;
      return null;
    }
    let total = header;
    for (let i = 0; i < count; i++) total += 8 * view.getUint32(4 + 4 * i, true);
    if (total > frameBytesMax) throw new CapnprotoError("CAPNPROTO_FRAME", "message is too large");
    if (this.#filled < total) {
      this.#want = total;
      return null;
    }
    const segments: Uint8Array[] = [];
    for (let i = 0, at = header; i < count; i++) {
      const end = at + 8 * view.getUint32(4 + 4 * i, true);
      segments.push(this.#out.slice(at, end));
      at = end;
    }
    const rest = this.#out.subarray(total, this.#filled);
    this.#filled = rest.length;
    if (this.#out.length > 16 * bufferBytes && rest.length < bufferBytes) {
      const smaller = new Uint8Array(bufferBytes);
      smaller.set(rest);
      this.#out = smaller;
    } else this.#out.set(rest);
    this.#want = 8;
    return segments;
  }
}
