// Prometheus durations ("1h30m") as text and as milliseconds, and elapsed times for people.

const unitMs: ReadonlyArray<readonly [string, number]> = [
  ["y", 31_536_000_000],
  ["w", 604_800_000],
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
  ["ms", 1],
];

const pattern =
  /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?$/;

/** Reads "1d12h" or a plain number of seconds; returns milliseconds, or null if it is neither or not above zero. */
export function parseDurationMs(text: string): number | null {
  const trimmed = text.trim();
  if (/^\d+(?:\.\d+)?$/.test(trimmed)) {
    const ms = Math.round(Number(trimmed) * 1000);
    return ms > 0 ? ms : null;
  }
  const m = trimmed === "" ? null : pattern.exec(trimmed);
  if (m === null) return null;
  let ms = 0;
  unitMs.forEach(([, size], i) => {
    const part = m[i + 1];
    if (part !== undefined) ms += Number(part) * size;
  });
  return ms > 0 ? Math.round(ms) : null;
}

/** Writes milliseconds as the shortest exact Prometheus duration: 5400000 is "1h30m". */
export function formatDurationMs(ms: number): string {
  let rest = Math.round(ms);
  if (rest <= 0) return "0s";
  let out = "";
  for (const [unit, size] of unitMs) {
    // Years and weeks only when nothing is left over: 90d reads better than 12w6d.
    if ((unit === "y" || unit === "w") && rest % size !== 0) continue;
    const count = Math.floor(rest / size);
    if (count > 0) {
      out += `${count}${unit}`;
      rest -= count * size;
    }
  }
  return out;
}

/** An elapsed time for people, at most two units: "3m 20s", "182 ms". */
export function elapsed(ms: number): string {
  if (ms < 0) return `−${elapsed(-ms)}`;
  if (ms < 1) return ms === 0 ? "0 ms" : `${ms.toPrecision(2)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(2)} s`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const units = unitMs.filter(([unit]) => unit !== "ms" && unit !== "w");
  const at = units.findIndex(([, size]) => ms >= size);
  const [unit, size] = units[at] ?? (["s", 1000] as const);
  const first = `${Math.floor(ms / size)}${unit}`;
  const next = units[at + 1];
  if (next === undefined) return first;
  const second = Math.floor((ms % size) / next[1]);
  return second === 0 ? first : `${first} ${second}${next[0]}`;
}
