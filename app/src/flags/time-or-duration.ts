// Times as `--min-time` takes them: RFC 3339, or a duration relative to now.
import { BaseError, formatPromDuration, parsePromDuration } from "@deucalion/base";

/** A fixed time (ms since the epoch), or a distance from now in ms that counts each time it is used. */
export type TimeOrDuration =
  | { readonly kind: "time"; readonly ms: number; readonly text: string }
  | { readonly kind: "relative"; readonly ms: number };

const rfc3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

/** Parses either form. Throws BASE_DURATION. */
export function parseTimeOrDuration(text: string): TimeOrDuration {
  if (rfc3339.test(text)) {
    const ms = Date.parse(text);
    if (!Number.isNaN(ms)) return { kind: "time", ms, text };
  }
  const negative = text.startsWith("-");
  const body = negative ? text.slice(1) : text;
  if (body === "") throw new BaseError("BASE_DURATION", "empty duration string");
  const ms = parsePromDuration(body);
  return { kind: "relative", ms: negative ? -ms : ms };
}

/** Milliseconds since the epoch at the time `nowMs`. */
export function resolveTime(value: TimeOrDuration, nowMs: number): number {
  return value.kind === "time" ? value.ms : nowMs + value.ms;
}

export function showTimeOrDuration(value: TimeOrDuration): string {
  return value.kind === "time" ? value.text : formatPromDuration(value.ms);
}
