// Reads a Cap'n Proto message in place: structs, lists, bytes. Everything is checked against the segments' bounds.
//
// A pointer, as two u32: kind in the lowest two bits. Struct (0): words from here in 30 bits, then data words and pointers
// as u16. List (1): words from here, then element size in 3 bits and count (words, for lists of structs). Far (2): landing pad.
// Capability (3): its index.
import { CapnprotoError } from "./capnproto-error.ts";

/** Element sizes of lists. */
export const ElementSize = { byte: 2, four: 4, eight: 5, struct: 7 } as const;

const bytesOf: Readonly<Record<number, number>> = { 2: 1, 4: 4, 5: 8 };

function malformed(message: string): never {
  throw new CapnprotoError("CAPNPROTO_POINTER", `malformed message: ${message}`);
}

/** A segment, and how much may still be read of the message it belongs to. */
interface Memory {
  readonly segments: readonly Uint8Array[];
  readonly views: readonly DataView[];
  bytesLeft: number;
}

/** Where a pointer leads to: `at` are bytes in a segment, the rest is the pointer's upper half. */
interface Target {
  readonly segment: number;
  readonly at: number;
  readonly kind: number;
  readonly upper: number;
}

/** A struct. What it was written without reads as zero or null. */
export class StructReader {
  readonly #memory: Memory;
  readonly #segment: number;
  readonly #view: DataView;
  #data: number;
  readonly #dataBytes: number;
  readonly #pointers: number;

  constructor(memory: Memory, segment: number, at: number, dataBytes: number, pointers: number) {
    this.#memory = memory;
    this.#segment = segment;
    this.#view = memory.views[segment]!;
    this.#data = at;
    this.#dataBytes = dataBytes;
    this.#pointers = pointers;
  }

  /** Goes to another element of a list of structs. */
  moveTo(at: number): void {
    this.#data = at;
  }

  /** Offsets are bytes. */
  u16(offset: number): number {
    return offset + 2 > this.#dataBytes ? 0 : this.#view.getUint16(this.#data + offset, true);
  }
  u32(offset: number): number {
    return offset + 4 > this.#dataBytes ? 0 : this.#view.getUint32(this.#data + offset, true);
  }
  i32(offset: number): number {
    return this.u32(offset) | 0;
  }
  /** Exact up to 2^53. */
  u64(offset: number): number {
    return this.u32(offset) + this.u32(offset + 4) * 4294967296;
  }
  /** Exact within ±2^53. */
  i64(offset: number): number {
    return this.u32(offset) + this.i32(offset + 4) * 4294967296;
  }
  f64(offset: number): number {
    return offset + 8 > this.#dataBytes ? 0 : this.#view.getFloat64(this.#data + offset, true);
  }

  #target(index: number): Target | null {
    if (index >= this.#pointers) return null;
    return follow(this.#memory, this.#segment, this.#data + this.#dataBytes + 8 * index);
  }

  has(index: number): boolean {
    return this.#target(index) !== null;
  }

  /** The struct of a pointer; an empty one for null. */
  struct(index: number): StructReader {
    return structOf(this.#memory, this.#target(index));
  }

  /** A list of elements of a size; structs are read through `list.struct`. */
  list(index: number, elementSize: number): ListReader {
    return listOf(this.#memory, this.#target(index), elementSize);
  }

  /** Data, in place. */
  data(index: number): Uint8Array {
    return this.list(index, ElementSize.byte).bytes();
  }

  /** Text, without the zero at its end. */
  text(index: number): string {
    const bytes = this.data(index);
    return Buffer.from(bytes.buffer, bytes.byteOffset, Math.max(0, bytes.length - 1)).toString();
  }

  /** The index of a capability, −1 for anything else. */
  capability(index: number): number {
    const target = this.#target(index);
    return target?.kind === 3 ? target.upper : -1;
  }
}

/** A list. */
export class ListReader {
  readonly count: number;
  readonly #memory: Memory;
  readonly #segment: number;
  readonly #at: number;
  readonly #stride: number;
  readonly #struct: StructReader;

  constructor(
    memory: Memory,
    place: { readonly segment: number; readonly at: number },
    count: number,
    dataBytes: number,
    pointers: number,
  ) {
    this.count = count;
    this.#memory = memory;
    this.#segment = place.segment;
    this.#at = place.at;
    this.#stride = dataBytes + 8 * pointers;
    this.#struct = new StructReader(memory, place.segment, place.at, dataBytes, pointers);
  }

  /** Element `i` of a list of structs. Valid until the next call. */
  struct(i: number): StructReader {
    this.#struct.moveTo(this.#at + i * this.#stride);
    return this.#struct;
  }

  u32(i: number): number {
    return this.#memory.views[this.#segment]!.getUint32(this.#at + 4 * i, true);
  }
  f64(i: number): number {
    return this.#memory.views[this.#segment]!.getFloat64(this.#at + 8 * i, true);
  }
  /** Exact within ±2^53. */
  i64(i: number): number {
    const view = this.#memory.views[this.#segment]!;
    return (
      view.getUint32(this.#at + 8 * i, true) +
      view.getInt32(this.#at + 8 * i + 4, true) * 4294967296
    );
  }

  /** Of a list of bytes, in place. */
  bytes(): Uint8Array {
    return this.#memory.segments[this.#segment]!.subarray(this.#at, this.#at + this.count);
  }
}

/** The struct that a message is. Each part of it may be read about twice. Throws CAPNPROTO_POINTER, as all reading does. */
export function readMessage(segments: readonly Uint8Array[]): StructReader {
  const views = segments.map((data) => new DataView(data.buffer, data.byteOffset, data.byteLength));
  const bytes = segments.reduce((sum, { length }) => sum + length, 0);
  const memory: Memory = { segments, views, bytesLeft: 2 * bytes + 1024 };
  return structOf(memory, follow(memory, 0, 0));
}

/** Reads the pointer at `at`; null for a null pointer. */
function follow(memory: Memory, segment: number, at: number): Target | null {
  let view = memory.views[segment];
  if (view === undefined || at + 8 > view.byteLength)
    malformed("pointer is outside of its segment");
  const lower = view.getUint32(at, true);
  const upper = view.getUint32(at + 4, true);
  if (lower === 0 && upper === 0) return null;
  const kind = lower & 3;
  if (kind === 3) return { segment, at, kind, upper };
  if (kind !== 2) return { segment, at: at + 8 + 8 * ((lower | 0) >> 2), kind, upper };
  // Far: a landing pad in another segment, of one pointer or, for things in a third one, of two.
  view = memory.views[upper];
  const pad = 8 * (lower >>> 3);
  const isDouble = (lower & 4) !== 0;
  if (view === undefined || pad + (isDouble ? 16 : 8) > view.byteLength) {
    malformed("landing pad is outside of its segment");
  }
  const first = view.getUint32(pad, true);
  const second = view.getUint32(pad + 4, true);
  if (!isDouble) {
    if ((first & 3) === 2) malformed("landing pad leads on");
    if (first === 0 && second === 0) return null;
    if ((first & 3) === 3) return { segment: upper, at: pad, kind: 3, upper: second };
    return { segment: upper, at: pad + 8 + 8 * ((first | 0) >> 2), kind: first & 3, upper: second };
  }
  if ((first & 7) !== 2) malformed("landing pad of two words does not lead on");
  const tag = view.getUint32(pad + 8, true);
  if ((tag & 3) > 1) malformed("landing pad has a wrong tag");
  return {
    segment: second,
    at: 8 * (first >>> 3),
    kind: tag & 3,
    upper: view.getUint32(pad + 12, true),
  };
}

/** Checks that a range lies in its segment and counts it as read. */
function claim(memory: Memory, segment: number, at: number, bytes: number): void {
  const length = memory.segments[segment]?.length ?? -1;
  if (at < 0 || at + bytes > length) malformed("object is outside of its segment");
  memory.bytesLeft -= bytes + 8;
  if (memory.bytesLeft < 0) malformed("parts are used too often");
}

function structOf(memory: Memory, target: Target | null): StructReader {
  if (target === null) return new StructReader(memory, 0, 0, 0, 0);
  if (target.kind !== 0) malformed("not a struct");
  const { segment, at, upper } = target;
  const dataBytes = 8 * (upper & 0xffff);
  const pointers = upper >>> 16;
  claim(memory, segment, at, dataBytes + 8 * pointers);
  return new StructReader(memory, segment, at, dataBytes, pointers);
}

function listOf(memory: Memory, target: Target | null, elementSize: number): ListReader {
  if (target === null) return new ListReader(memory, { segment: 0, at: 0 }, 0, 0, 0);
  if (target.kind !== 1) malformed("not a list");
  const { segment, at, upper } = target;
  if ((upper & 7) !== elementSize) malformed("list of elements of another size");
  const count = upper >>> 3;
  if (elementSize !== ElementSize.struct) {
    claim(memory, segment, at, count * bytesOf[elementSize]!);
    return new ListReader(memory, target, count, 0, 0);
  }
  // Words of all elements; a tag in front says how many, and their size.
  claim(memory, segment, at, 8 + 8 * count);
  const view = memory.views[segment]!;
  const tag = view.getUint32(at, true);
  const size = view.getUint32(at + 4, true);
  if ((tag & 3) !== 0) malformed("list has a wrong tag");
  const elements = tag >>> 2;
  const words = (size & 0xffff) + (size >>> 16);
  if (elements * words > count) malformed("list is longer than its words");
  if (words === 0 && elements > 0) malformed("elements without size");
  return new ListReader(
    memory,
    { segment, at: at + 8 },
    elements,
    8 * (size & 0xffff),
    size >>> 16,
  );
}
