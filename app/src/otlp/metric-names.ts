// Names of OTLP metrics and attributes as Prometheus has them.
import { ReceiveError } from "../receive/errors.ts";

/** How names are translated. */
export type TranslationStrategy =
  | "UnderscoreEscapingWithSuffixes"
  | "UnderscoreEscapingWithoutSuffixes"
  | "NoUTF8EscapingWithSuffixes"
  | "NoTranslation";

/** What suffixes depend on. */
export type NamedKind = "gauge" | "counter" | "other";

const units: ReadonlyMap<string, string> = new Map([
  ["d", "days"],
  ["h", "hours"],
  ["min", "minutes"],
  ["s", "seconds"],
  ["ms", "milliseconds"],
  ["us", "microseconds"],
  ["ns", "nanoseconds"],
  ["By", "bytes"],
  ["KiBy", "kibibytes"],
  ["MiBy", "mebibytes"],
  ["GiBy", "gibibytes"],
  ["TiBy", "tibibytes"],
  ["KBy", "kilobytes"],
  ["MBy", "megabytes"],
  ["GBy", "gigabytes"],
  ["TBy", "terabytes"],
  ["m", "meters"],
  ["V", "volts"],
  ["A", "amperes"],
  ["J", "joules"],
  ["W", "watts"],
  ["g", "grams"],
  ["Cel", "celsius"],
  ["Hz", "hertz"],
  ["1", ""],
  ["%", "percent"],
]);
const perUnits: ReadonlyMap<string, string> = new Map([
  ["s", "second"],
  ["m", "minute"],
  ["h", "hour"],
  ["d", "day"],
  ["w", "week"],
  ["mo", "month"],
  ["y", "year"],
]);

export function escapes(strategy: TranslationStrategy): boolean {
  return strategy.startsWith("Underscore");
}

export function addsSuffixes(strategy: TranslationStrategy): boolean {
  return strategy.endsWith("WithSuffixes");
}

/** Words for a unit and for what it is per, "" where there is none. */
function unitWords(unit: string): readonly [string, string] {
  const at = unit.indexOf("/");
  const main = (at < 0 ? unit : unit.slice(0, at)).trim();
  const per = at < 0 ? "" : unit.slice(at + 1).trim();
  const mainWord = main === "" || /[{}]/.test(main) ? "" : (units.get(main) ?? main);
  const perWord = per === "" || /[{}]/.test(per) ? "" : (perUnits.get(per) ?? per);
  return [mainWord, perWord === "" ? "" : `per_${perWord}`];
}

function cleanUnit(word: string): string {
  return word
    .replace(/[^a-zA-Z0-9:]/gu, "_")
    .replace(/_+/g, "_")
    .replace(/^_/, "");
}

/** The unit as metadata has it. */
export function unitName(unit: string): string {
  const [main, per] = unitWords(unit).map(cleanUnit);
  const joined = main !== "" && per !== "" ? `${main}_${per}` : main || per || "";
  return joined.replace(/^_/, "").replace(/_$/, "");
}

function withoutSuffix(name: string, suffix: string): string {
  return name.endsWith(suffix) && name.length > suffix.length + 1
    ? name.slice(0, name.length - suffix.length - 1)
    : name;
}

/** Throws RECEIVE_BODY for names of which nothing is left. */
export function metricName(
  name: string,
  unit: string,
  kind: NamedKind,
  strategy: TranslationStrategy,
): string {
  if (!escapes(strategy)) {
    return addsSuffixes(strategy) ? suffixed(name, unit, kind) : name;
  }
  const built = addsSuffixes(strategy) ? normalized(name, unit, kind) : escaped(name);
  if (built === "") {
    throw new ReceiveError(
      "RECEIVE_BODY",
      `normalization for metric ${JSON.stringify(name)} resulted in empty name`,
    );
  }
  if (built !== name && /^_+$/.test(built)) {
    throw new ReceiveError(
      "RECEIVE_BODY",
      `normalization for metric ${JSON.stringify(name)} resulted in invalid name ${JSON.stringify(built)}`,
    );
  }
  return built;
}

function suffixed(name: string, unit: string, kind: NamedKind): string {
  const ratio = unit === "1" && kind === "gauge";
  const counter = kind === "counter";
  let out = name;
  if (ratio) out = withoutSuffix(out, "ratio");
  if (counter) out = withoutSuffix(out, "total");
  const [main, per] = unitWords(unit);
  if (per !== "") out = withoutSuffix(out, per);
  if (main !== "" && !out.endsWith(main)) out = `${out}_${main}`;
  if (per !== "") out = `${out}_${per}`;
  if (counter) out += "_total";
  return ratio ? `${out}_ratio` : out;
}

function normalized(name: string, unit: string, kind: NamedKind): string {
  let words = name.split(/[^a-zA-Z0-9:]+/u).filter((word) => word !== "");
  let [main, per] = unitWords(unit).map(cleanUnit) as [string, string];
  if (words.includes(main)) main = "";
  if (per === "per_") per = "";
  else {
    per = per.replace(/_$/, "");
    if (words.includes(per)) per = "";
  }
  if (per !== "") main = main.replace(/_$/, "");
  if (main !== "") words.push(main);
  if (per !== "") words.push(per);
  if (kind === "counter") words = [...words.filter((word) => word !== "total"), "total"];
  if (unit === "1" && kind === "gauge") {
    words = [...words.filter((word) => word !== "ratio"), "ratio"];
  }
  const joined = words.join("_");
  return /^\d/.test(joined) ? `_${joined}` : joined;
}

function escaped(name: string): string {
  const joined = name
    .split(/[^a-zA-Z0-9:_]+/u)
    .filter((word) => word !== "")
    .join("_");
  return /^\d/.test(joined) ? `_${joined}` : joined;
}

/** Throws RECEIVE_BODY for names of which only underscores are left. */
export function labelName(name: string, strategy: TranslationStrategy): string {
  if (name === "") throw new ReceiveError("RECEIVE_BODY", "label name is empty");
  let out = name;
  if (escapes(strategy)) {
    const reserved = name.length >= 4 && name.startsWith("__") && name.endsWith("__");
    const inner = (reserved ? name.slice(2, -2) : name).replace(/[^a-zA-Z0-9]+/gu, "_");
    out = reserved ? `__${inner}__` : inner;
    if (/^\d/.test(out)) out = `key_${out}`;
  }
  if (/^_+$/.test(out)) {
    throw new ReceiveError(
      "RECEIVE_BODY",
      `normalization for label name ${JSON.stringify(name)} resulted in invalid name ${JSON.stringify(out)}`,
    );
  }
  return out;
}
