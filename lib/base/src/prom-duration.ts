// Durations as Prometheus writes them: `1y2w3d4h5m6s7ms`, integers, units descending.
import { BaseError } from "./errors.ts";

const units: readonly (readonly [string, number])[] = [
  ["y", 365 * 86_400_000],
  ["w", 7 * 86_400_000],
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
];

const pattern = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;

/** Parses a Prometheus duration to milliseconds. Throws BASE_DURATION. */
export function parsePromDuration(text: string): number {
  if (text === "0") return 0;
  const found = text === "" ? null : pattern.exec(text);
  if (found === null) {
    throw new BaseError(
      "BASE_DURATION",
      text === ""
        ? "empty duration string"
        : `not a valid duration string: ${JSON.stringify(text)}`,
      { text },
    );
  }
  let ms = 0;
  for (let i = 0; i < units.length; i++) ms += Number(found[i + 1] ?? 0) * units[i]![1];
  if (ms > 9_223_372_036_854)
    throw new BaseError("BASE_DURATION", "duration out of range", { text });
  return ms;
}

/** Writes milliseconds as Prometheus does (`1d`, `90m` becomes `1h30m`). Years and weeks only when they divide exactly. */
export function formatPromDuration(ms: number): string {
  if (ms === 0) return "0s";
  let rest = Math.abs(ms);
  let text = ms < 0 ? "-" : "";
  for (const [unit, size] of units) {
    const exactOnly = unit === "y" || unit === "w";
    if (exactOnly && rest % size !== 0) continue;
    const count = Math.floor(rest / size);
    if (count > 0) {
      text += `${count}${unit}`;
      rest -= count * size;
    }
  }
  return text;
}
