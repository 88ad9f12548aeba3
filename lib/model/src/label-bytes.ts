// Labels in flight: the bytes of `repeated Label labels = 1` of a StoreAPI or remote-read series.
//
// Each label is   0a LEN  0a NLEN name  12 VLEN value   (LEN, NLEN, VLEN uvarint; empty fields left out by Go),
// sorted by name. The same layout everywhere lets a series pass from an index to a socket without becoming strings.
import { putUvarint, uvarintLength } from "@deucalion/base";
import { ModelError } from "./errors.ts";
import { Labels } from "./labels.ts";

/** A range of bytes that holds one label set. `data` is never written to after it has been handed out. */
export interface LabelBytes {
  readonly data: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** A label within its buffer: where its name and its value lie. Reused by `LabelCursor`. */
export class LabelCursor {
  #data: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;
  nameStart = 0;
  nameEnd = 0;
  valueStart = 0;
  valueEnd = 0;

  reset(labels: LabelBytes): this {
    this.#data = labels.data;
    this.#at = labels.start;
    this.#end = labels.end;
    return this;
  }

  /** As `reset`, over `data[start, end)`. */
  over(data: Uint8Array, start: number, end: number): void {
    this.#data = data;
    this.#at = start;
    this.#end = end;
  }

  #uvarint(): number {
    const data = this.#data;
    let byte = data[this.#at++]!;
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    for (let shift = 7; shift < 35; shift += 7) {
      byte = data[this.#at++] ?? 0x80;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new ModelError("MODEL_LABELS", "label length is not a varint", { at: this.#at });
  }

  /** Moves to the next label; false at the end. Throws MODEL_LABELS on malformed bytes. */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    const data = this.#data;
    if (data[this.#at++] !== 0x0a)
      throw new ModelError("MODEL_LABELS", "not a label", { at: this.#at });
    const length = this.#uvarint();
    const stop = this.#at + length;
    if (stop > this.#end)
      throw new ModelError("MODEL_LABELS", "label is cut off", { at: this.#at });
    this.nameStart = this.nameEnd = this.valueStart = this.valueEnd = stop;
    while (this.#at < stop) {
      const tag = data[this.#at++];
      const size = this.#uvarint();
      const from = this.#at;
      this.#at += size;
      if (this.#at > stop || (tag !== 0x0a && tag !== 0x12)) {
        throw new ModelError("MODEL_LABELS", "label is malformed", { at: from });
      }
      if (tag === 0x0a) {
        this.nameStart = from;
        this.nameEnd = this.#at;
      } else {
        this.valueStart = from;
        this.valueEnd = this.#at;
      }
    }
    return true;
  }
}

/** Order of two ranges by their bytes: names or values as Prometheus sorts them. Negative, 0 or positive. */
export function compareBytes(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): number {
  const length = Math.min(aEnd - aStart, bEnd - bStart);
  for (let i = 0; i < length; i++) {
    const difference = a[aStart + i]! - b[bStart + i]!;
    if (difference !== 0) return difference;
  }
  return aEnd - aStart - (bEnd - bStart);
}

const left = new LabelCursor();
const right = new LabelCursor();

/**
 * Prometheus' order of label sets over label bytes. Equal bytes in front are skipped without looking at labels, which
 * makes the comparison of neighbours in a sorted list about three times quicker.
 */
export function compareLabelBytes(a: LabelBytes, b: LabelBytes): number {
  const aData = a.data;
  const bData = b.data;
  const aLength = a.end - a.start;
  const bLength = b.end - b.start;
  const length = Math.min(aLength, bLength);
  const shift = b.start - a.start;
  const stop = a.start + length;
  let at = a.start;
  while (at < stop && aData[at] === bData[at + shift]) at++;
  // One ends where the other goes on with another label.
  if (at === stop) return aLength - bLength;
  const same = labelBefore(aData, a.start, at) - a.start;
  left.over(aData, a.start + same, a.end);
  right.over(bData, b.start + same, b.end);
  for (;;) {
    const more = left.next();
    if (!right.next()) return more ? 1 : 0;
    if (!more) return -1;
    let order = compareBytes(
      aData,
      left.nameStart,
      left.nameEnd,
      bData,
      right.nameStart,
      right.nameEnd,
    );
    if (order !== 0) return order;
    order = compareBytes(
      aData,
      left.valueStart,
      left.valueEnd,
      bData,
      right.valueStart,
      right.valueEnd,
    );
    if (order !== 0) return order;
  }
}

/** Where the label that holds position `at` begins. Malformed bytes give a place from which reading on will fail. */
function labelBefore(data: Uint8Array, start: number, at: number): number {
  let label = start;
  for (;;) {
    let next = label + 1;
    let size = 0;
    let scale = 1;
    let byte = 0x80;
    while (byte >= 0x80 && next <= at) {
      byte = data[next++]!;
      size += (byte & 0x7f) * scale;
      scale *= 128;
    }
    if (byte >= 0x80 || next + size > at) return label;
    label = next + size;
  }
}

/** True if both hold the same bytes, which for canonical encodings means the same labels. */
export function equalLabelBytes(a: LabelBytes, b: LabelBytes): boolean {
  const length = a.end - a.start;
  if (length !== b.end - b.start) return false;
  const x = a.data;
  const y = b.data;
  const shift = b.start - a.start;
  // Neighbours in order of labels differ towards the end.
  for (let i = a.end - 1; i >= a.start; i--) if (x[i] !== y[i + shift]) return false;
  return true;
}

const utf8 = new TextDecoder();

/** Text of a short byte range; plain ASCII, which labels nearly always are, takes the fast way. */
export function decodeText(data: Uint8Array, start: number, end: number): string {
  if (end - start > 64) return utf8.decode(data.subarray(start, end));
  let text = "";
  for (let i = start; i < end; i++) {
    const byte = data[i]!;
    if (byte >= 0x80) return utf8.decode(data.subarray(start, end));
    text += String.fromCharCode(byte);
  }
  return text;
}

/** Strings out of label bytes. Labels with an empty value are left out. */
export function decodeLabels(bytes: LabelBytes): Labels {
  const cursor = new LabelCursor().reset(bytes);
  const pairs: string[] = [];
  while (cursor.next()) {
    if (cursor.valueEnd === cursor.valueStart) continue;
    pairs.push(
      decodeText(bytes.data, cursor.nameStart, cursor.nameEnd),
      decodeText(bytes.data, cursor.valueStart, cursor.valueEnd),
    );
  }
  return new Labels(pairs);
}

const encoder = new TextEncoder();

/** One encoded label, ready to be appended to others. */
export function encodeLabel(name: string, value: string): Uint8Array {
  return encodeLabelParts(encoder.encode(name), encoder.encode(value));
}

/** As `encodeLabel`, from the bytes of name and value. */
export function encodeLabelParts(name: Uint8Array, value: Uint8Array): Uint8Array {
  const size =
    1 + uvarintLength(name.length) + name.length + 1 + uvarintLength(value.length) + value.length;
  const out = new Uint8Array(1 + uvarintLength(size) + size);
  out[0] = 0x0a;
  let at = putUvarint(out, 1, size);
  out[at] = 0x0a;
  at = putUvarint(out, at + 1, name.length);
  out.set(name, at);
  at += name.length;
  out[at] = 0x12;
  at = putUvarint(out, at + 1, value.length);
  out.set(value, at);
  return out;
}

/** Encodes a whole label set. */
export function encodeLabels(labels: Labels): LabelBytes {
  const parts = [...labels].map(([name, value]) => encodeLabel(name, value));
  const data = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  return { data, start: 0, end: at };
}
