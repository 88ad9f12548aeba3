// Writes the points of series, `[time,"value"]`, in one go for each series: what most of a matrix consists of.
import { formatGoFloat } from "@deucalion/kernels";
import type { JsonWriter } from "../../http/answers/json-writer.ts";

const comma = 0x2c;
const open = 0x5b;
const quote = 0x22;

/** A point takes a comma, brackets, quotes, a time of up to 20 characters, and a float of up to 25. */
const pointBytes = 64;
/** Points between two looks at the room that is left. */
const pointsAtOnce = 128;

/** The four digits of each number below 10,000, as ASCII in a word, first digit lowest. */
const digits = fourDigits();

function fourDigits(): Uint32Array {
  const words = new Uint32Array(10_000);
  for (let i = 0; i < 10_000; i++) {
    const [a, b, c] = [(i / 1000) | 0, ((i / 100) | 0) % 10, ((i / 10) | 0) % 10];
    words[i] = 0x30303030 | a | (b << 8) | (c << 16) | ((i % 10) << 24);
  }
  return words;
}

/** Writes the decimal digits of a whole number below 2^53 at `at`; returns the position after them. */
function writeDigits(out: DataView, at: number, value: number): number {
  if (value < 10_000) return writeHead(out, at, value);
  if (value < 100_000_000) {
    const upper = (value / 10_000) | 0;
    const to = writeHead(out, at, upper);
    out.setUint32(to, digits[(value - upper * 10_000) | 0]!, true);
    return to + 4;
  }
  const upper = Math.floor(value / 100_000_000);
  const lower = (value - upper * 100_000_000) | 0;
  const to = writeDigits(out, at, upper);
  const middle = (lower / 10_000) | 0;
  out.setUint32(to, digits[middle]!, true);
  out.setUint32(to + 4, digits[lower - middle * 10_000]!, true);
  return to + 8;
}

/** A number below 10,000 without leading zeros. Up to four bytes are written, whatever the number. */
function writeHead(out: DataView, at: number, value: number): number {
  const zeros = value >= 1000 ? 0 : value >= 100 ? 1 : value >= 10 ? 2 : 3;
  out.setUint32(at, digits[value | 0]! >>> (8 * zeros), true);
  return at + 4 - zeros;
}

/**
 * Writes a float as Go does; returns the position after it. Whole numbers, and decimals of at most six places and 15 digits
 * (so that there is no shorter text), are put together here. Bytes after that position may be written to.
 */
function writeFloat(out: DataView, at: number, value: number): number {
  let to = at;
  let magnitude = value;
  if (value < 0) {
    magnitude = -value;
  } else if (value === 0) {
    if (Object.is(value, -0)) out.setUint8(to++, 0x2d);
    out.setUint8(to++, 0x30);
    return to;
  }
  if (magnitude < 9_007_199_254_740_992) {
    const whole = Math.floor(magnitude);
    if (whole === magnitude) {
      if (value < 0) out.setUint8(to++, 0x2d);
      return writeDigits(out, to, whole);
    }
    if (magnitude >= 1e-6 && magnitude < 1e9) {
      const scaled = Math.round(magnitude * 1e6);
      if (scaled / 1e6 === magnitude) {
        if (value < 0) out.setUint8(to++, 0x2d);
        to = writeDigits(out, to, whole);
        out.setUint8(to++, 0x2e);
        return writeFraction(out, to, scaled - whole * 1e6);
      }
    }
  }
  const text = formatGoFloat(value);
  for (let i = 0; i < text.length; i++) out.setUint8(to++, text.charCodeAt(i));
  return to;
}

/** Six digits after the point, without the zeros at the end. */
function writeFraction(out: DataView, at: number, millionths: number): number {
  const upper = (millionths / 100) | 0;
  const lower = (millionths - upper * 100) | 0;
  out.setUint32(at, digits[upper]!, true);
  out.setUint16(at + 4, digits[lower]! >>> 16, true);
  let to = at + 6;
  while (out.getUint8(to - 1) === 0x30) to--;
  return to;
}

/** Bytes that the text before a value may take: `,[-1234567890123.456,"`, in whole doubles. */
const textBytes = 24;
const textDoubles = textBytes / 8;

/** Writes points; remembers how the times of the steps look, since series share them. */
export class PointWriter {
  readonly #out: JsonWriter;
  /** The times that the texts are of. */
  #times: Float64Array = new Float64Array(0);
  /** For each time its `,[1700000000.5,"`, `textBytes` apart. */
  #texts = new Float64Array(0);
  #lengths = new Uint8Array(0);
  #slab: Buffer | null = null;
  #slabView: DataView = new DataView(new ArrayBuffer(0));

  constructor(out: JsonWriter) {
    this.#out = out;
  }

  /** Tells which times will come: each series has all or some of these, in this order. */
  expect(times: Float64Array): void {
    const count = times.length;
    // Others than these would not fit.
    if (count === 0 || !(times[0]! > -1e15 && times[count - 1]! < 1e15)) return;
    const texts = new Float64Array(count * textDoubles + 1);
    const out = new DataView(texts.buffer);
    const lengths = new Uint8Array(count);
    for (let i = 0; i < count; i++) {
      const from = i * textBytes;
      let at = from;
      out.setUint8(at++, comma);
      out.setUint8(at++, open);
      at = writeTimeAt(out, at, times[i]!);
      out.setUint8(at++, comma);
      out.setUint8(at++, quote);
      lengths[i] = at - from;
    }
    this.#times = times;
    this.#texts = texts;
    this.#lengths = lengths;
  }

  /** Writes the bracket that opens a list, and all points; there is at least one. */
  write(times: Float64Array, values: Float64Array): void {
    const count = times.length;
    const known = times === this.#times || isPart(times, this.#times);
    let step = 0;
    for (let from = 0; from < count; from += pointsAtOnce) {
      const to = Math.min(count, from + pointsAtOnce);
      if (known) step = this.#some(times, values, from, to, step);
      else this.#others(times, values, from, to);
    }
  }

  /** Writes points `[from, to)`; the first one's time is at `firstStep` of the known ones or later. */
  #some(
    times: Float64Array,
    values: Float64Array,
    from: number,
    to: number,
    firstStep: number,
  ): number {
    const slab = this.#view(pointBytes * (to - from));
    const texts = this.#texts;
    const lengths = this.#lengths;
    const steps = this.#times;
    let at = this.#out.length;
    let step = firstStep;
    let valueStart = 0;
    let valueEnd = 0;
    let last = Number.NaN;
    for (let i = from; i < to; i++, step++) {
      const time = times[i]!;
      while (steps[step]! < time) step++;
      // Eight bytes at a time, as doubles: ASCII is never a NaN, so they stay as they are.
      const text = step * textDoubles;
      slab.setFloat64(at, texts[text]!, true);
      slab.setFloat64(at + 8, texts[text + 1]!, true);
      slab.setFloat64(at + 16, texts[text + 2]!, true);
      at += lengths[step]!;
      const value = values[i]!;
      if (value === last && value !== 0) {
        // Many series stand still: the digits are there already.
        for (let k = valueStart; k < valueEnd; k++) slab.setUint8(at++, slab.getUint8(k));
      } else {
        const start = at;
        at = writeFloat(slab, at, value);
        valueStart = start;
        valueEnd = at;
        last = value;
      }
      slab.setUint16(at, 0x5d22, true);
      at += 2;
    }
    // The comma before the first point is where the bracket goes.
    if (from === 0) slab.setUint8(this.#out.length, open);
    this.#out.wrote(at);
    return step;
  }

  /** Room for so many bytes, to be written at the writer's `length`. */
  #view(bytes: number): DataView {
    const slab = this.#out.room(bytes);
    if (this.#slab !== slab) {
      this.#slab = slab;
      this.#slabView = new DataView(slab.buffer, slab.byteOffset, slab.length);
    }
    return this.#slabView;
  }

  /** Writes points `[from, to)` of a series that has times of its own, as raw samples have. */
  #others(times: Float64Array, values: Float64Array, from: number, to: number): void {
    const slab = this.#view(pointBytes * (to - from));
    let at = this.#out.length;
    for (let i = from; i < to; i++) {
      slab.setUint8(at++, comma);
      slab.setUint8(at++, open);
      at = writeTimeAt(slab, at, times[i]!);
      slab.setUint16(at, 0x222c, true);
      at = writeFloat(slab, at + 2, values[i]!);
      slab.setUint16(at, 0x5d22, true);
      at += 2;
    }
    if (from === 0) slab.setUint8(this.#out.length, open);
    this.#out.wrote(at);
  }
}

/** True if each of `times` is among `all`; both ascend. */
function isPart(times: Float64Array, all: Float64Array): boolean {
  const spare = all.length - times.length;
  if (spare < 0) return false;
  let at = 0;
  for (let i = 0; i < times.length; i++) {
    const time = times[i]!;
    while (all[at]! < time) at++;
    if (all[at] !== time) return false;
    at++;
  }
  return true;
}

/** Unix seconds with as many decimals as the milliseconds need, always three where there are any. */
function writeTimeAt(out: DataView, at: number, timeMs: number): number {
  let to = at;
  let ms = timeMs;
  if (ms < 0) {
    out.setUint8(to++, 0x2d);
    ms = -ms;
  }
  const seconds = Math.floor(ms / 1000);
  to = writeDigits(out, to, seconds);
  const rest = Math.round(ms - seconds * 1000);
  if (rest === 0) return to;
  // The point takes the place of the first of four digits, which is a zero.
  out.setUint32(to, (digits[rest]! & 0xffffff00) | 0x2e, true);
  return to + 4;
}
