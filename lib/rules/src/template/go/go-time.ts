// Go's time.Time and time.Duration as templates use them. Times are in UTC and to the millisecond.
import { GoInteger, type GoMethods, GoPointer, GoStruct, type GoValue } from "./go-value.ts";

const months =
  "January February March April May June July August September October November December".split(
    " ",
  );
const days = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ");

const layoutParts =
  /January|Jan|Monday|Mon|MST|2006|[-Z]07:00:00|[-Z]070000|[-Z]07:00|[-Z]0700|[-Z]07|002|__2|_2|01|02|03|04|05|06|15|1|2|3|4|5|PM|pm|[.,](?:0+|9+)(?![0-9])/g;

function padded(value: number, width: number, fill = "0"): string {
  return String(value).padStart(width, fill);
}

function dayOfYear(date: Date): number {
  const start = Date.UTC(date.getUTCFullYear(), 0, 1);
  return Math.floor((date.getTime() - start) / 86_400_000) + 1;
}

/** Writes a time (ms since the epoch) by a layout of Go. */
export function formatGoTime(timeMs: number, layout: string): string {
  const date = new Date(timeMs);
  const hour = date.getUTCHours();
  const short = hour % 12 === 0 ? 12 : hour % 12;
  const fraction = padded(date.getUTCMilliseconds(), 3).padEnd(9, "0");
  return layout.replace(layoutParts, (part) => {
    switch (part) {
      case "January":
        return months[date.getUTCMonth()]!;
      case "Jan":
        return months[date.getUTCMonth()]!.slice(0, 3);
      case "Monday":
        return days[date.getUTCDay()]!;
      case "Mon":
        return days[date.getUTCDay()]!.slice(0, 3);
      case "MST":
        return "UTC";
      case "2006":
        return padded(date.getUTCFullYear(), 4);
      case "06":
        return padded(date.getUTCFullYear() % 100, 2);
      case "002":
        return padded(dayOfYear(date), 3);
      case "__2":
        return padded(dayOfYear(date), 3, " ");
      case "_2":
        return padded(date.getUTCDate(), 2, " ");
      case "01":
        return padded(date.getUTCMonth() + 1, 2);
      case "1":
        return String(date.getUTCMonth() + 1);
      case "02":
        return padded(date.getUTCDate(), 2);
      case "2":
        return String(date.getUTCDate());
      case "15":
        return padded(hour, 2);
      case "03":
        return padded(short, 2);
      case "3":
        return String(short);
      case "04":
        return padded(date.getUTCMinutes(), 2);
      case "4":
        return String(date.getUTCMinutes());
      case "05":
        return padded(date.getUTCSeconds(), 2);
      case "5":
        return String(date.getUTCSeconds());
      case "PM":
        return hour >= 12 ? "PM" : "AM";
      case "pm":
        return hour >= 12 ? "pm" : "am";
    }
    if (part[0] === "Z") return "Z";
    if (part[0] === "-") return `+${part.slice(1).replace("07", "00")}`;
    const digits = fraction.slice(0, part.length - 1);
    if (part[1] === "0") return part[0] + digits;
    const kept = digits.replace(/0+$/, "");
    return kept === "" ? "" : part[0] + kept;
  });
}

const nanosPerMs = 1_000_000n;

function int(value: number): GoValue {
  return BigInt(value);
}

function int64(value: number): GoInteger {
  return new GoInteger("int64", true, BigInt(value));
}

function timeMethods(timeMs: number): GoMethods {
  const date = new Date(timeMs);
  const none = (call: () => GoValue) => ({ params: [], call });
  const msOf = (other: GoValue): number =>
    Number((other as GoStruct & { timeMs?: number }).timeMs ?? Number.NaN);
  const against = (compare: (otherMs: number) => GoValue) => ({
    params: ["time.Time"],
    call: ([other]: GoValue[]) => compare(msOf(other)),
  });
  return {
    Format: {
      params: ["string"],
      call: ([layout]) => formatGoTime(timeMs, layout as string),
    },
    String: none(() => formatGoTime(timeMs, stringLayout)),
    Unix: none(() => int64(Math.floor(timeMs / 1000))),
    UnixMilli: none(() => int64(timeMs)),
    UnixMicro: none(() => int64(timeMs * 1000)),
    UnixNano: none(() => new GoInteger("int64", true, BigInt(timeMs) * nanosPerMs)),
    Year: none(() => int(date.getUTCFullYear())),
    Month: none(() => monthValue(date.getUTCMonth() + 1)),
    Day: none(() => int(date.getUTCDate())),
    Weekday: none(() => weekdayValue(date.getUTCDay())),
    YearDay: none(() => int(dayOfYear(date))),
    Hour: none(() => int(date.getUTCHours())),
    Minute: none(() => int(date.getUTCMinutes())),
    Second: none(() => int(date.getUTCSeconds())),
    Nanosecond: none(() => int(date.getUTCMilliseconds() * 1_000_000)),
    UTC: none(() => timeValue(timeMs)),
    IsZero: none(() => timeMs === -62_135_596_800_000),
    Add: {
      params: ["time.Duration"],
      call: ([by]) => timeValue(timeMs + Number((by as GoInteger).value / nanosPerMs)),
    },
    AddDate: {
      params: ["int", "int", "int"],
      call: ([years, monthsMore, daysMore]) =>
        timeValue(
          new Date(timeMs).setUTCFullYear(
            date.getUTCFullYear() + Number(years),
            date.getUTCMonth() + Number(monthsMore),
            date.getUTCDate() + Number(daysMore),
          ),
        ),
    },
    After: against((otherMs) => timeMs > otherMs),
    Before: against((otherMs) => timeMs < otherMs),
    Equal: against((otherMs) => timeMs === otherMs),
    Sub: against((otherMs) => durationValue(BigInt(timeMs - otherMs) * nanosPerMs)),
  };
}

const stringLayout = "2006-01-02 15:04:05.999999999 -0700 MST";

/** A time with its milliseconds, so that methods of other times can read it. */
class TimeStruct extends GoStruct {
  readonly timeMs: number;

  constructor(timeMs: number) {
    super("time.Time", new Map(), timeMethods(timeMs), formatGoTime(timeMs, stringLayout));
    this.timeMs = timeMs;
  }
}

export function timeValue(timeMs: number): GoStruct {
  return new TimeStruct(timeMs);
}

export function timePointer(timeMs: number): GoPointer {
  return new GoPointer("*time.Time", timeValue(timeMs));
}

function monthValue(month: number): GoInteger {
  const text = months[month - 1]!;
  const methods = { String: { params: [], call: () => text } };
  return new GoInteger("time.Month", true, BigInt(month), methods, text);
}

function weekdayValue(day: number): GoInteger {
  const text = days[day]!;
  const methods = { String: { params: [], call: () => text } };
  return new GoInteger("time.Weekday", true, BigInt(day), methods, text);
}

/** Nanoseconds as Go prints durations: `1h15m30.5s`. */
export function durationText(nanos: bigint): string {
  if (nanos === 0n) return "0s";
  const sign = nanos < 0n ? "-" : "";
  const size = nanos < 0n ? -nanos : nanos;
  const fraction = (unit: bigint, digits: number): string => {
    const rest = (size % unit).toString().padStart(digits, "0").replace(/0+$/, "");
    return rest === "" ? "" : `.${rest}`;
  };
  if (size < 1000n) return `${sign}${size}ns`;
  if (size < 1_000_000n) return `${sign}${size / 1000n}${fraction(1000n, 3)}µs`;
  if (size < 1_000_000_000n) return `${sign}${size / 1_000_000n}${fraction(1_000_000n, 6)}ms`;
  const seconds = size / 1_000_000_000n;
  const second = `${seconds % 60n}${fraction(1_000_000_000n, 9)}s`;
  const minutes = seconds / 60n;
  if (minutes === 0n) return `${sign}${second}`;
  const minute = `${minutes % 60n}m${second}`;
  return minutes < 60n ? `${sign}${minute}` : `${sign}${minutes / 60n}h${minute}`;
}

export function durationValue(nanos: bigint): GoInteger {
  const text = durationText(nanos);
  const in64 = (unit: bigint) => ({
    params: [],
    call: () => new GoInteger("int64", true, nanos / unit),
  });
  const parts = (unit: bigint) => ({
    params: [],
    call: () => Number(nanos / unit) + Number(nanos % unit) / Number(unit),
  });
  const truncate = (unit: bigint): bigint => (unit <= 0n ? nanos : nanos - (nanos % unit));
  const round = (unit: bigint): bigint => {
    if (unit <= 0n) return nanos;
    const rest = nanos % unit;
    const size = rest < 0n ? -rest : rest;
    if (size * 2n < unit) return nanos - rest;
    return nanos < 0n ? nanos - unit - rest : nanos + unit - rest;
  };
  const by = (change: (unit: bigint) => bigint) => ({
    params: ["time.Duration"],
    call: ([unit]: GoValue[]) => durationValue(change((unit as GoInteger).value)),
  });
  const methods: GoMethods = {
    String: { params: [], call: () => text },
    Nanoseconds: in64(1n),
    Microseconds: in64(1000n),
    Milliseconds: in64(1_000_000n),
    Seconds: parts(1_000_000_000n),
    Minutes: parts(60_000_000_000n),
    Hours: parts(3_600_000_000_000n),
    Abs: { params: [], call: () => durationValue(nanos < 0n ? -nanos : nanos) },
    Truncate: by(truncate),
    Round: by(round),
  };
  return new GoInteger("time.Duration", true, nanos, methods, text);
}

export function durationPointer(nanos: bigint): GoPointer {
  return new GoPointer("*time.Duration", durationValue(nanos));
}
