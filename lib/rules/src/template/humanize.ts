// Numbers for people, as Prometheus' templates write them.

import { parseGoFloat } from "@deucalion/kernels";
import { quoteGo } from "@deucalion/promql";
import { sprintf } from "./go/go-print.ts";
import { timePointer } from "./go/go-time.ts";
import { typeOfValue, unwrap } from "./go/go-type.ts";
import { GoFailure, GoInteger, type GoPointer, type GoValue } from "./go/go-value.ts";
import { printed } from "./go/printed.ts";

const floatTypes: ReadonlySet<string> = new Set(["int64", "uint64", "uint"]);

/** What the functions take as a number. Throws GoFailure with Go's words. */
export function toFloat(given: GoValue): number {
  const value = unwrap(given);
  if (typeof value === "number") return value;
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "string") {
    const parsed = parseGoFloat(value);
    if (parsed !== null) return parsed;
    const why =
      /^[+-]?[0-9.eE+_-]+$/.test(value) &&
      !Number.isFinite(Number(value)) &&
      !Number.isNaN(Number(value))
        ? "value out of range"
        : "invalid syntax";
    throw new GoFailure(`strconv.ParseFloat: parsing ${quoteGo(value)}: ${why}`);
  }
  if (value instanceof GoInteger) {
    if (value.type === "time.Duration") {
      const second = 1_000_000_000n;
      return Number(value.value / second) + Number(value.value % second) / 1e9;
    }
    if (floatTypes.has(value.type)) return Number(value.value);
  }
  throw new GoFailure(`can't convert ${typeOfValue(value)} to float`);
}

function four(value: number): string {
  return sprintf("%.4g", [value]);
}

const large = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
const small = ["m", "u", "n", "p", "f", "a", "z", "y"];

function shrunk(value: number): string {
  let rest = value;
  let prefix = "";
  for (const next of small) {
    if (Math.abs(rest) >= 1) break;
    prefix = next;
    rest *= 1000;
  }
  return `${four(rest)}${prefix}`;
}

function grown(value: number, step: number, suffix: string): string {
  let rest = value;
  let prefix = "";
  for (const next of large) {
    if (Math.abs(rest) < step) break;
    prefix = next + suffix;
    rest /= step;
  }
  return `${four(rest)}${prefix}`;
}

export function humanize(given: GoValue): string {
  const value = toFloat(given);
  if (value === 0 || !Number.isFinite(value)) return four(value);
  return Math.abs(value) >= 1 ? grown(value, 1000, "") : shrunk(value);
}

export function humanize1024(given: GoValue): string {
  const value = toFloat(given);
  if (Math.abs(value) <= 1 || !Number.isFinite(value)) return four(value);
  return grown(value, 1024, "i");
}

export function humanizePercentage(given: GoValue): string {
  return `${four(toFloat(given) * 100)}%`;
}

export function humanizeDuration(given: GoValue): string {
  const value = toFloat(given);
  if (!Number.isFinite(value)) return four(value);
  if (value === 0) return `${four(value)}s`;
  const size = Math.abs(value);
  if (size < 1) return `${shrunk(value)}s`;
  const sign = value < 0 ? "-" : "";
  // What does not fit Go's int64 becomes its smallest number.
  const whole = size < 2 ** 63 ? BigInt(Math.trunc(size)) : -(1n << 63n);
  const second = whole % 60n;
  const minute = (whole / 60n) % 60n;
  const hour = (whole / 3600n) % 24n;
  const day = whole / 86_400n;
  if (day !== 0n) return `${sign}${day}d ${hour}h ${minute}m ${second}s`;
  if (hour !== 0n) return `${sign}${hour}h ${minute}m ${second}s`;
  if (minute !== 0n) return `${sign}${minute}m ${second}s`;
  return `${sign}${four(size)}s`;
}

/** Seconds since the epoch as a time, cut to milliseconds; null for NaN and infinities. */
export function floatToTime(value: number): GoPointer | null {
  if (!Number.isFinite(value)) return null;
  const nanos = value * 1e9;
  if (nanos > 2 ** 63 || nanos < -(2 ** 63)) {
    throw new GoFailure(
      `${sprintf("%v", [value])} cannot be represented as a nanoseconds timestamp since it overflows int64`,
    );
  }
  return timePointer(Math.trunc(nanos / 1e6));
}

export function humanizeTimestamp(given: GoValue): string {
  const value = toFloat(given);
  const time = floatToTime(value);
  return time === null ? four(value) : printed(time);
}
