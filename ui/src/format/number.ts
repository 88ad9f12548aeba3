// Numbers for people: counts with separators, axis labels with SI prefixes, bytes.

const grouped = new Intl.NumberFormat("en-US");

/** 48211 is "48,211". */
export function count(n: number): string {
  return grouped.format(n);
}

const prefixes = ["", "k", "M", "G", "T", "P", "E", "Z", "Y"];
const smallPrefixes = ["", "m", "µ", "n", "p", "f"];

/** A short label for an axis: 1500 is "1.5k", 0.0025 is "2.5m"; never longer than needed to be exact to `digits`. */
export function shortNumber(value: number, digits = 4): string {
  if (Number.isNaN(value)) return "NaN";
  if (value === Infinity) return "+Inf";
  if (value === -Infinity) return "-Inf";
  if (value === 0) return "0";
  const size = Math.abs(value);
  let power = 0;
  if (size >= 1000) power = Math.min(prefixes.length - 1, Math.floor(Math.log10(size) / 3));
  else if (size < 0.01) power = -Math.ceil(-Math.log10(size) / 3);
  if (-power >= smallPrefixes.length) return value.toExponential(2);
  const scaled = value / 1000 ** power;
  const text = String(Number(scaled.toPrecision(digits)));
  return text + (power >= 0 ? prefixes[power] : smallPrefixes[-power]);
}

/** Bytes with binary prefixes: 1536 is "1.5 KiB". */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let value = bytes;
  let at = 0;
  while (value >= 1024 && at < units.length - 1) {
    value /= 1024;
    at++;
  }
  return `${at === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${units[at]}`;
}

/** A sample value as the API writes it ("+Inf", "NaN", "0.5"), as a number. */
export function parseSample(text: string): number {
  if (text === "+Inf" || text === "Inf") return Infinity;
  if (text === "-Inf") return -Infinity;
  return Number(text);
}
