// Writes the points of series, `[time,"value"]`, in one go for each series: what most of a matrix consists of.
import { formatGoFloat } from "@deucalion/kernels";
import type { JsonWriter } from "../../http/json-writer.ts";

const comma = 0x2c;
const quote = 0x22;

/** A point takes a comma, brackets, quotes, a time of up to 20 characters, and a float of up to 25. */
const pointBytes = 64;
/** Points between two looks at the room that is left. */
const pointsAtOnce = 128;

/** The four digits of each number below 10,000, as ASCII. */
const digits = fourDigits();

function fourDigits(): Buffer {
  const digits = Buffer.allocUnsafe(40_000);
  for (let i = 0; i < 10_000; i++) {
    digits[4 * i] = 48 + ((i / 1000) | 0);
    digits[4 * i + 1] = 48 + (((i / 100) | 0) % 10);
    digits[4 * i + 2] = 48 + (((i / 10) | 0) % 10);
    digits[4 * i + 3] = 48 + (i % 10);
  }
  return digits;
}

/** Writes the decimal digits of a whole number below 2^53 at `at`; returns the position after them. */
function writeDigits(out: Buffer, at: number, value: number): number {
  let to = at;
  let rest = value;
  if (rest >= 100_000_000) {
    const upper = Math.floor(rest / 100_000_000);
    to = writeDigits(out, to, upper);
    rest -= upper * 100_000_000;
    to = writeFour(out, to, (rest / 10_000) | 0);
    return writeFour(out, to, rest % 10_000);
  }
  if (rest >= 10_000) {
    const upper = (rest / 10_000) | 0;
    to = writeHead(out, to, upper);
    return writeFour(out, to, (rest - upper * 10_000) | 0);
  }
  return writeHead(out, to, rest | 0);
}

function writeFour(out: Buffer, at: number, value: number): number {
  const from = 4 * value;
  out[at] = digits[from]!;
  out[at + 1] = digits[from + 1]!;
  out[at + 2] = digits[from + 2]!;
  out[at + 3] = digits[from + 3]!;
  return at + 4;
}

/** A number below 10,000 without leading zeros. */
function writeHead(out: Buffer, at: number, value: number): number {
  const from = 4 * value;
  let to = at;
  if (value >= 1000) out[to++] = digits[from]!;
  if (value >= 100) out[to++] = digits[from + 1]!;
  if (value >= 10) out[to++] = digits[from + 2]!;
  out[to++] = digits[from + 3]!;
  return to;
}

/**
 * Writes a float as Go does; returns the position after it. Whole numbers, and decimals of at most six places and 15 digits
 * (so that there is no shorter text), are put together here.
 */
function writeFloat(out: Buffer, at: number, value: number): number {
  let to = at;
  let magnitude = value;
  if (value < 0) magnitude = -value;
  else if (value === 0) {
    if (Object.is(value, -0)) out[to++] = 0x2d;
    out[to++] = 0x30;
    return to;
  }
  if (magnitude < 9_007_199_254_740_992) {
    const whole = Math.floor(magnitude);
    if (whole === magnitude) {
      if (value < 0) out[to++] = 0x2d;
      return writeDigits(out, to, whole);
    }
    if (magnitude >= 1e-6 && magnitude < 1e9) {
      const scaled = Math.round(magnitude * 1e6);
      if (scaled / 1e6 === magnitude) {
        if (value < 0) out[to++] = 0x2d;
        const head = Math.floor(scaled / 1e6);
        to = writeDigits(out, to, head);
        out[to++] = 0x2e;
        return writeFraction(out, to, scaled - head * 1e6);
      }
    }
  }
  const text = formatGoFloat(value);
  for (let i = 0; i < text.length; i++) out[to++] = text.charCodeAt(i);
  return to;
}

/** Six digits after the point, without the zeros at the end. */
function writeFraction(out: Buffer, at: number, millionths: number) {
  const upper = (millionths / 100) | 0;
  const lower = (millionths - upper * 100) | 0;
  let to = writeFour(out, at, upper);
  out[to++] = digits[4 * lower + 2]!;
  out[to++] = digits[4 * lower + 3]!;
  while (out[to - 1] === 0x30) to--;
  return to;
}

/** Bytes that the text before a value may take: `,[-1234567890123.456,"` and more. */
const textBytes = 28;

/** Writes points; remembers how the times of the steps look, since series share them. */
export class PointWriter {
  readonly #out: JsonWriter;
  /** The times that the texts are of. */
  #times: Float64Array = new Float64Array(0);
  /** For each time its `,[1700000000.5,"`, `textBytes` apart. */
  #texts = Buffer.alloc(0);
  #lengths = new Uint8Array(0);

  constructor(out: JsonWriter) {
    this.#out = out;
  }

  /** Tells which times will come: each series has all or some of these, in this order. */
  expect(times: Float64Array): void {
    const count = times.length;
    const texts = Buffer.allocUnsafe(count * textBytes);
    const lengths = new Uint8Array(count);
    for (let i = 0; i < count; i++) {
      const from = i * textBytes;
      let at = from;
      texts[at++] = comma;
      texts[at++] = 0x5b;
      at = writeTimeAt(texts, at, times[i]!);
      texts[at++] = comma;
      texts[at++] = quote;
      lengths[i] = at - from;
    }
    this.#times = times;
    this.#texts = texts;
    this.#lengths = lengths;
  }

  /** Writes all points with commas between them. */
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
    const slab = this.#out.room(pointBytes * (to - from));
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
      let text = step * textBytes;
      const end = text + lengths[step]!;
      if (i === 0) text++;
      while (text < end) slab[at++] = texts[text++]!;
      const value = values[i]!;
      if (value === last && value !== 0) {
        // Many series stand still: the digits are there already.
        for (let k = valueStart; k < valueEnd; k++) slab[at++] = slab[k]!;
      } else {
        const start = at;
        at = writeFloat(slab, at, value);
        valueStart = start;
        valueEnd = at;
        last = value;
      }
      slab[at++] = quote;
      slab[at++] = 0x5d;
    }
    this.#out.wrote(at);
    return step;
  }

  /** Writes points `[from, to)` of a series that has times of its own, as raw samples have. */
  #others(times: Float64Array, values: Float64Array, from: number, to: number): void {
    const slab = this.#out.room(pointBytes * (to - from));
    let at = this.#out.length;
    for (let i = from; i < to; i++) {
      if (i > 0) slab[at++] = comma;
      slab[at++] = 0x5b;
      at = writeTimeAt(slab, at, times[i]!);
      slab[at++] = comma;
      slab[at++] = quote;
      at = writeFloat(slab, at, values[i]!);
      slab[at++] = quote;
      slab[at++] = 0x5d;
    }
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
function writeTimeAt(out: Buffer, at: number, timeMs: number): number {
  let to = at;
  let ms = timeMs;
  if (ms < 0) {
    out[to++] = 0x2d;
    ms = -ms;
  }
  const seconds = Math.floor(ms / 1000);
  to = writeDigits(out, to, seconds);
  const rest = Math.round(ms - seconds * 1000);
  if (rest === 0) return to;
  out[to++] = 0x2e;
  const from = 4 * rest;
  out[to++] = digits[from + 1]!;
  out[to++] = digits[from + 2]!;
  out[to++] = digits[from + 3]!;
  return to;
}
