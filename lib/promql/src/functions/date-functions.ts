// Calendar functions over Unix seconds, in UTC: year, month, day_of_week, …
import { Labels } from "@deucalion/model";
import { Row } from "../row.ts";
import type { EvalContext, VectorFunction } from "./contract.ts";
import { floatRow } from "./math/elementwise-math.ts";

/** A point in time by its parts; days from 1 January 1970. */
interface Moment {
  readonly days: number;
  readonly secondOfDay: number;
}

/** Out of an int64's range Go's conversion wraps, which reads as 2^63. */
function momentOf(seconds: number): Moment {
  const inRange = seconds >= -(2 ** 63) && seconds < 2 ** 63;
  // Adding 0 makes 0 of -0.
  const whole = inRange ? Math.trunc(seconds) + 0 : 2 ** 63;
  const rest = whole % 86400;
  const secondOfDay = rest < 0 ? rest + 86400 : rest + 0;
  return { days: Math.round((whole - secondOfDay) / 86400), secondOfDay };
}

interface CivilDate {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

/** Gregorian date of a day number. Years are counted from March, so that leap days come last. */
function civilDate(days: number): CivilDate {
  const shifted = days + 719468;
  const era = Math.floor(shifted / 146097);
  const dayOfEra = shifted - era * 146097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36524) -
      Math.floor(dayOfEra / 146096)) /
      365,
  );
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1,
  };
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

const monthLengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function monthLength(date: CivilDate): number {
  return date.month === 2 && isLeap(date.year) ? 29 : monthLengths[date.month - 1]!;
}

function dayOfYear(date: CivilDate): number {
  let days = date.day;
  for (let month = 1; month < date.month; month++) days += monthLength({ ...date, month });
  return days;
}

function ofMoment(read: (moment: Moment) => number): VectorFunction {
  const now = (ctx: EvalContext): Row => {
    const row = Row.scalar(0, ctx.steps.count);
    row.labels = Labels.empty;
    for (let i = 0; i < ctx.steps.count; i++) {
      const ms = ctx.steps.startMs + i * ctx.steps.stepMs;
      row.values[i] = read(momentOf(Math.trunc(ms / 1000)));
    }
    return row;
  };
  return {
    kind: "vector",
    apply: (inputs, call, ctx) => {
      if (call.args.length === 0) return [now(ctx)];
      const out: Row[] = [];
      for (const input of inputs[0] ?? []) {
        const row = floatRow(input, ctx);
        if (row === null) continue;
        for (let i = 0; i < row.values.length; i++) {
          if (row.present[i] === 1) row.values[i] = read(momentOf(row.values[i]!));
        }
        out.push(row);
      }
      return out;
    },
  };
}

function ofDate(read: (date: CivilDate) => number): VectorFunction {
  return ofMoment((moment) => read(civilDate(moment.days)));
}

/** Calendar functions by name. */
export const dateFunctions: ReadonlyMap<string, VectorFunction> = new Map([
  ["year", ofDate((date) => date.year)],
  ["month", ofDate((date) => date.month)],
  ["day_of_month", ofDate((date) => date.day)],
  ["day_of_year", ofDate(dayOfYear)],
  ["days_in_month", ofDate(monthLength)],
  ["day_of_week", ofMoment((moment) => (((moment.days + 4) % 7) + 7) % 7)],
  ["hour", ofMoment((moment) => Math.floor(moment.secondOfDay / 3600))],
  ["minute", ofMoment((moment) => Math.floor(moment.secondOfDay / 60) % 60)],
]);
