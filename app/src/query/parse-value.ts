// Reads times, durations, booleans and limits as Thanos' API writes them.
import { parsePromDuration } from "@deucalion/base";
import { parseGoFloat } from "@deucalion/kernels";
import { badData } from "../http/answers/api-error.ts";

/** Unix ms that stand for the beginning and end of all time: exact numbers far beyond any sample. */
export const apiMinTimeMs = Number.MIN_SAFE_INTEGER;
export const apiMaxTimeMs = Number.MAX_SAFE_INTEGER;

const rfc3339 =
  /^(\d{4}-\d\d-(\d\d))T((?!24)\d\d:\d\d:\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):([0-5]\d))$/;

/** Whether the month has such a day: Date.parse() takes the 30th of February for the 1st of March. */
function isDay(date: string, day: number): boolean {
  return new Date(date).getUTCDate() === day;
}

/** Unix ms of unix seconds or RFC 3339. Throws ApiError bad_data. */
export function parseTime(text: string): number {
  const seconds = parseGoFloat(text);
  if (seconds !== null && Number.isFinite(seconds)) {
    const whole = Math.trunc(seconds);
    return whole * 1000 + Math.round((seconds - whole) * 1000);
  }
  const found = rfc3339.exec(text);
  if (found !== null && isDay(found[1]!, Number(found[2]))) {
    const ms = Date.parse(`${found[1]}T${found[3]}.${(found[4] ?? "0").slice(0, 3)}Z`);
    const hours = Number(found[6] ?? 0);
    const ahead = (hours * 60 + Number(found[7] ?? 0)) * 60_000;
    // Go takes offsets of up to 24 hours.
    if (!Number.isNaN(ms) && hours <= 24) return found[5] === "-" ? ms + ahead : ms - ahead;
  }
  throw badData(`cannot parse ${JSON.stringify(text)} to a valid timestamp`);
}

/** A time that may be absent, named in the error. */
export function parseTimeParam(text: string, name: string, fallback: number): number {
  if (text === "") return fallback;
  try {
    return parseTime(text);
  } catch (error) {
    throw badData(`Invalid time value for '${name}': ${(error as Error).message}`);
  }
}

/** Milliseconds of float seconds or a Prometheus duration. Throws ApiError bad_data. */
export function parseDuration(text: string): number {
  const seconds = parseGoFloat(text);
  if (seconds !== null && !Number.isNaN(seconds)) {
    if (Math.abs(seconds) * 1e9 > 2 ** 63) {
      throw badData(`cannot parse ${JSON.stringify(text)} to a valid duration. It overflows int64`);
    }
    // Whole nanoseconds, as Go has them: 33.3 is 33,299,999,999 of them and so, as a step, 33,299 ms.
    return Math.trunc(seconds * 1e9) / 1e6;
  }
  try {
    return parsePromDuration(text);
  } catch {
    throw badData(`cannot parse ${JSON.stringify(text)} to a valid duration`);
  }
}

/** A duration whose error names the parameter. */
export function parseNamedDuration(text: string, name: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    throw badData(`'${name}' parameter: ${(error as Error).message}`);
  }
}

const booleans: Readonly<Record<string, boolean>> = {
  "1": true,
  t: true,
  T: true,
  TRUE: true,
  true: true,
  True: true,
  "0": false,
  f: false,
  F: false,
  FALSE: false,
  false: false,
  False: false,
};

/** Go's ParseBool; "" is the fallback. */
export function parseBool(text: string, name: string, fallback: boolean): boolean {
  if (text === "") return fallback;
  const value = booleans[text];
  if (value === undefined) {
    throw badData(
      `'${name}' parameter: strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`,
    );
  }
  return value;
}

/** A limit; 0 is none. */
export function parseLimit(text: string): number {
  if (text === "") return 0;
  const limit = Number(text);
  if (!/^[+-]?\d+$/.test(text) || Math.abs(limit) > 2 ** 63) {
    throw badData(`cannot parse ${JSON.stringify(text)} to a valid limit`);
  }
  if (limit < 0) throw badData("limit must be non-negative");
  return Math.min(limit, Number.MAX_SAFE_INTEGER - 1);
}
