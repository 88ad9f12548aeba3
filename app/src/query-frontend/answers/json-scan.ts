// Walks over JSON bytes without making objects of them.
import { FrontendError } from "../errors.ts";

const quote = 0x22;
const backslash = 0x5c;

/** A place in JSON text. The text must be valid; what is not gives FRONTEND_ANSWER sooner or later. */
export class JsonScan {
  readonly data: Buffer;
  at: number;

  constructor(data: Buffer, at = 0) {
    this.data = data;
    this.at = at;
  }

  fail(): never {
    throw new FrontendError("FRONTEND_ANSWER", "the answer is not the JSON expected", {
      at: this.at,
    });
  }

  /** The next byte that is not white space; not consumed. */
  peek(): number {
    const { data } = this;
    let at = this.at;
    let code = data[at];
    while (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) code = data[++at];
    this.at = at;
    return code ?? this.fail();
  }

  /** Consumes one byte, which must be `code`. */
  expect(code: number): void {
    if (this.peek() !== code) this.fail();
    this.at++;
  }

  /** Consumes `code` if it is next. */
  take(code: number): boolean {
    if (this.peek() !== code) return false;
    this.at++;
    return true;
  }

  /** Consumes a string. */
  skipString(): void {
    this.expect(quote);
    const { data } = this;
    for (;;) {
      const end = data.indexOf(quote, this.at);
      if (end < 0) this.fail();
      let slashes = 0;
      while (data[end - 1 - slashes] === backslash) slashes++;
      this.at = end + 1;
      if (slashes % 2 === 0) return;
    }
  }

  /** Consumes a value. */
  skip(): void {
    const code = this.peek();
    if (code === quote) {
      this.skipString();
      return;
    }
    if (code === 0x7b || code === 0x5b) {
      let depth = 0;
      for (;;) {
        const next = this.peek();
        if (next === quote) {
          this.skipString();
          continue;
        }
        this.at++;
        if (next === 0x7b || next === 0x5b) depth++;
        else if ((next === 0x7d || next === 0x5d) && --depth === 0) return;
      }
    }
    const { data } = this;
    let at = this.at;
    for (; at < data.length; at++) {
      const next = data[at]!;
      if (next === 0x2c || next === 0x7d || next === 0x5d || next <= 0x20) break;
    }
    if (at === this.at) this.fail();
    this.at = at;
  }

  /** Consumes a value and gives its bytes; they belong to the text. */
  slice(): Buffer {
    this.peek();
    const from = this.at;
    this.skip();
    return this.data.subarray(from, this.at);
  }

  /** Consumes a value and makes an object of it. */
  value(): unknown {
    return JSON.parse(this.slice().toString("utf8")) as unknown;
  }

  /** Calls `member` for each member of an object; it must consume the value. */
  object(member: (name: string) => void): void {
    this.expect(0x7b);
    if (this.take(0x7d)) return;
    do {
      const name = this.value();
      this.expect(0x3a);
      member(String(name));
    } while (this.take(0x2c));
    this.expect(0x7d);
  }

  /** Calls `element` for each element of an array; it must consume the value. */
  array(element: () => void): void {
    this.expect(0x5b);
    if (this.take(0x5d)) return;
    do element();
    while (this.take(0x2c));
    this.expect(0x5d);
  }
}

const powers = Array.from({ length: 23 }, (_, i) => 10 ** i);

/** The float of a text such as `1.5`, `-Inf`, `NaN`, `1e-07`. Exact. */
export function floatOf(data: Buffer, start: number, end: number): number {
  let at = start;
  const negative = data[at] === 0x2d;
  if (negative) at++;
  let mantissa = 0;
  let digits = 0;
  let point = -1;
  for (; at < end; at++) {
    const code = data[at]!;
    if (code >= 0x30 && code <= 0x39) {
      mantissa = mantissa * 10 + (code - 0x30);
      digits++;
    } else if (code === 0x2e && point < 0) point = at;
    else return slowFloat(data, start, end);
  }
  // Up to 15 digits and the power of ten are exact, so one division rounds once.
  if (digits === 0 || digits > 15) return slowFloat(data, start, end);
  const size = point < 0 ? mantissa : mantissa / powers[end - 1 - point]!;
  return negative ? -size : size;
}

function slowFloat(data: Buffer, start: number, end: number): number {
  const text = data.toString("latin1", start, end);
  if (text === "NaN") return Number.NaN;
  if (text === "+Inf" || text === "Inf") return Number.POSITIVE_INFINITY;
  if (text === "-Inf") return Number.NEGATIVE_INFINITY;
  return Number(text);
}
