// Durations of rule files, with the error texts of Prometheus 3.14.
import { quoteGo } from "@deucalion/promql";

/** A text that is no duration; the message is Prometheus'. */
export class DurationSyntax extends Error {}

const units: Readonly<Record<string, readonly [place: number, ms: number]>> = {
  y: [1, 365 * 86_400_000],
  w: [2, 7 * 86_400_000],
  d: [3, 86_400_000],
  h: [4, 3_600_000],
  m: [5, 60_000],
  s: [6, 1000],
  ms: [7, 1],
};

/** Largest duration that fits Go's nanoseconds, in ms. */
const msMax = 9_223_372_036_854;

/** Parses `1h30m` to ms. Throws DurationSyntax. */
export function parseDuration(text: string): number {
  if (text === "0") return 0;
  if (text === "") throw new DurationSyntax("empty duration string");
  const invalid = () => new DurationSyntax(`not a valid duration string: ${quoteGo(text)}`);
  let ms = 0;
  let last = 0;
  let rest = text;
  while (rest !== "") {
    const digits = /^[0-9]+/.exec(rest)?.[0];
    if (digits === undefined || digits.length > 19) throw invalid();
    rest = rest.slice(digits.length);
    const name = /^[^0-9]+/.exec(rest)?.[0];
    if (name === undefined) throw invalid();
    rest = rest.slice(name.length);
    const unit = Object.hasOwn(units, name) ? units[name] : undefined;
    if (unit === undefined)
      throw new DurationSyntax(`unknown unit ${quoteGo(name)} in duration ${quoteGo(text)}`);
    if (unit[0] <= last) throw invalid();
    last = unit[0];
    ms += Number(digits) * unit[1];
    if (ms > msMax) throw new DurationSyntax("duration out of range");
  }
  return ms;
}
