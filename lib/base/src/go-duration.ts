// Durations as Go writes them: `300ms`, `1.5h`, `1h15m30.918273645s`.
import { BaseError } from "./errors.ts";

const nanos: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** Parses a Go duration to milliseconds (fractions kept). Throws BASE_DURATION. */
export function parseGoDuration(text: string): number {
  const invalid = () =>
    new BaseError("BASE_DURATION", `time: invalid duration ${JSON.stringify(text)}`, { text });
  const sign = text.startsWith("-") ? -1 : 1;
  const body = text.replace(/^[-+]/, "");
  if (body === "0") return 0;
  const part = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;
  let total = 0;
  let at = 0;
  while (at < body.length) {
    part.lastIndex = at;
    const found = part.exec(body);
    if (found === null) throw invalid();
    total += Number(found[1]) * nanos[found[2]!]!;
    at = part.lastIndex;
  }
  if (at === 0) throw invalid();
  return (sign * total) / 1e6;
}

function fraction(value: number, digits: number): string {
  return value === 0 ? "" : `.${String(value).padStart(digits, "0").replace(/0+$/, "")}`;
}

/** Writes milliseconds as Go's `time.Duration` prints (`1m0s`, `1.5s`, `2m30s`, `100ms`, `0s`). */
export function formatGoDuration(ms: number): string {
  let ns = Math.round(Math.abs(ms) * 1e6);
  if (ns === 0) return "0s";
  const sign = ms < 0 ? "-" : "";
  if (ns < 1e3) return `${sign}${ns}ns`;
  if (ns < 1e6) return `${sign}${Math.floor(ns / 1e3)}${fraction(ns % 1e3, 3)}µs`;
  if (ns < 1e9) return `${sign}${Math.floor(ns / 1e6)}${fraction(ns % 1e6, 6)}ms`;
  const hours = Math.floor(ns / 3600e9);
  ns -= hours * 3600e9;
  const minutes = Math.floor(ns / 60e9);
  ns -= minutes * 60e9;
  const seconds = `${Math.floor(ns / 1e9)}${fraction(ns % 1e9, 9)}s`;
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${sign}${minutes}m${seconds}` : `${sign}${seconds}`;
}
