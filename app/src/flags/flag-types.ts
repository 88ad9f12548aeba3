// The types of flags, as Thanos' command line has them.
import {
  formatGoDuration,
  formatPromDuration,
  parseByteSize,
  parseGoDuration,
  parsePromDuration,
} from "@deucalion/base";
import { ConfigText } from "./config-text.ts";
import { type FlagExtras, type FlagSpec, repeated, single } from "./flag-spec.ts";
import {
  parseTimeOrDuration,
  showTimeOrDuration,
  type TimeOrDuration,
} from "./time-or-duration.ts";

const same = (text: string): string => text;
const joined = (values: readonly unknown[]): string => values.join(",");

export function string(fallback: string | undefined, help: string, extras: FlagExtras = {}) {
  return single(fallback, help, same, same, "", { quoted: true, ...extras });
}

export function strings(help: string, extras: FlagExtras = {}, defaults: readonly string[] = []) {
  return repeated<string>(defaults, help, (texts) => texts, joined, extras);
}

/** Every occurrence is split at commas; empty parts go, the rest is sorted and made unique. */
export function commaList(help: string, extras: FlagExtras = {}) {
  return repeated<string>(
    [],
    help,
    (texts) => [...new Set(texts.flatMap((t) => t.split(",")).filter((t) => t !== ""))].sort(),
    joined,
    extras,
  );
}

export function bool(fallback: boolean, help: string, extras: FlagExtras = {}): FlagSpec<boolean> {
  const spec = single(String(fallback), help, (text) => text === "true", String, fallback, extras);
  return { ...spec, boolean: true };
}

function decimal(text: string, integer: boolean, kind: string): number {
  const value = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (
    Number.isNaN(value) ||
    (integer && !Number.isInteger(value)) ||
    (kind === "uint" && value < 0)
  ) {
    const parser = kind === "uint" ? "strconv.ParseUint" : "strconv.ParseFloat";
    throw new Error(`${parser}: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  return value;
}

export function int(fallback: number, help: string, extras: FlagExtras = {}) {
  return single(String(fallback), help, (t) => decimal(t, true, "int"), String, fallback, extras);
}

export function uint(fallback: number, help: string, extras: FlagExtras = {}) {
  return single(String(fallback), help, (t) => decimal(t, true, "uint"), String, fallback, extras);
}

export function float(fallback: string, help: string, extras: FlagExtras = {}) {
  return single(fallback, help, (t) => decimal(t, false, "float"), String, 0, extras);
}

export function ints(help: string, extras: FlagExtras = {}) {
  return repeated<number>([], help, (t) => t.map((x) => decimal(x, true, "int")), joined, extras);
}

export function floats(defaults: readonly string[], help: string, extras: FlagExtras = {}) {
  const show = (values: readonly number[]) =>
    values.map((v) => (v >= 1e6 ? exponent(v) : String(v))).join(",");
  return repeated<number>(
    defaults,
    help,
    (t) => t.map((x) => decimal(x, false, "float")),
    show,
    extras,
  );
}

/** Go's %g of a large number: `1e+06`. */
function exponent(value: number): string {
  return value.toExponential().replace(/e\+(\d)$/, "e+0$1");
}

/** A Go duration, as milliseconds. */
export function duration(fallback: string | undefined, help: string, extras: FlagExtras = {}) {
  return single(fallback, help, parseGoDuration, formatGoDuration, 0, extras);
}

export function durations(defaults: readonly string[], help: string, extras: FlagExtras = {}) {
  const show = (values: readonly number[]) => values.map(formatGoDuration).join(",");
  return repeated<number>(defaults, help, (texts) => texts.map(parseGoDuration), show, extras);
}

/** A Prometheus duration, as milliseconds. */
export function promDuration(fallback: string | undefined, help: string, extras: FlagExtras = {}) {
  return single(fallback, help, parsePromDuration, formatPromDuration, 0, extras);
}

/** A size, in bytes. */
export function bytes(fallback: string, help: string, extras: FlagExtras = {}) {
  return single(fallback, help, parseByteSize, showBytes, 0, extras);
}

function showBytes(value: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
  let rest = value;
  let text = "";
  for (let power = units.length - 1; power >= 0; power--) {
    const size = 1024 ** power;
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${units[power]}`;
    rest -= count * size;
  }
  return text === "" ? "0B" : text;
}

function oneOf<T extends string>(values: readonly T[], text: string): T {
  const found = values.find((value) => value === text);
  if (found === undefined) {
    throw new Error(`enum value must be one of ${values.join(",")}, got '${text}'`);
  }
  return found;
}

export function choice<const T extends string>(
  values: readonly T[],
  fallback: NoInfer<T> | undefined,
  help: string,
  extras: FlagExtras = {},
): FlagSpec<T> {
  const absent = (fallback ?? "") as T;
  return single<T>(fallback, help, (text) => oneOf(values, text), same, absent, extras);
}

export function choices<const T extends string>(
  values: readonly T[],
  defaults: readonly T[],
  help: string,
  extras: FlagExtras = {},
) {
  return repeated<T>(defaults, help, (texts) => texts.map((t) => oneOf(values, t)), joined, extras);
}

/** Addresses: `host:port`, or a DNS scheme before `+`. */
export function addresses(help: string, extras: FlagExtras = {}) {
  const check = (text: string): string => {
    if (text === "") throw new Error("Address is empty.");
    if (!text.includes(":") && !text.includes("+")) {
      throw new Error(`Address ${text} is not of <host>:<port> format or a valid DNS query.`);
    }
    return text;
  };
  return repeated<string>([], help, (texts) => texts.map(check), joined, {
    placeholder: "<endpoint>",
    ...extras,
  });
}

/** A time, or a duration relative to now. */
export function timeOrDuration(fallback: string, help: string, extras: FlagExtras = {}) {
  const absent: TimeOrDuration = { kind: "relative", ms: 0 };
  return single(fallback, help, parseTimeOrDuration, showTimeOrDuration, absent, extras);
}

/** A URL, kept as text. */
export function url(fallback: string, help: string, extras: FlagExtras = {}) {
  const check = (text: string): string => {
    if (/\s/.test(text)) throw new Error(`parse ${JSON.stringify(text)}: invalid URL`);
    return text;
  };
  return single(fallback, help, check, same, "", extras);
}

/** `--x-file=<path>` and `--x=<content>`; `env` expands `$(NAME)`. The parser fills in both texts. */
export function pathOrContent(
  help: string,
  extras: FlagExtras & { readonly env?: boolean } = {},
): FlagSpec<ConfigText> {
  const env = extras.env ?? false;
  const parse = (texts: readonly string[]) =>
    new ConfigText(texts[0] ?? "", texts[1] ?? "", texts[2] ?? "", {
      env,
      required: extras.required ?? false,
    });
  const spec = single(undefined, help, same, same, "", extras);
  return { ...spec, required: false, pair: true, parse, show: (value) => value.content };
}
