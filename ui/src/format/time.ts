// Times in the zone that the user chose, always with a 24-hour clock.

/** "local", "UTC", or a name of the IANA data base such as "Asia/Kolkata". */
export type Zone = string;

interface TimeParts {
  readonly year: string;
  readonly month: string;
  readonly day: string;
  readonly hour: string;
  readonly minute: string;
  readonly second: string;
}

const formatters = new Map<string, Intl.DateTimeFormat>();

function formatter(zone: Zone): Intl.DateTimeFormat {
  let found = formatters.get(zone);
  if (found === undefined) {
    found = new Intl.DateTimeFormat("en-CA", {
      ...(zone === "local" ? {} : { timeZone: zone }),
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
    formatters.set(zone, found);
  }
  return found;
}

/** Whether the browser knows a zone of this name. */
export function zoneExists(zone: Zone): boolean {
  try {
    formatter(zone);
    return true;
  } catch {
    return false;
  }
}

/** The wall-clock digits of an instant in a zone. */
export function timeParts(ms: number, zone: Zone): TimeParts {
  const out: Record<string, string> = {};
  for (const part of formatter(zone).formatToParts(ms)) out[part.type] = part.value;
  const at = (name: string): string => out[name] ?? "";
  return {
    year: at("year"),
    month: at("month"),
    day: at("day"),
    hour: at("hour"),
    minute: at("minute"),
    second: at("second"),
  };
}

/** "2026-08-03 10:42:15" in the zone; milliseconds only where there are any and they were asked for. */
export function formatTime(ms: number, zone: Zone, withMs = false): string {
  if (!Number.isFinite(ms) || Math.abs(ms) > 8.64e15) return "–";
  const p = timeParts(ms, zone);
  const fraction = ((ms % 1000) + 1000) % 1000;
  const tail = withMs && fraction !== 0 ? `.${String(Math.round(fraction)).padStart(3, "0")}` : "";
  return `${p.year}-${p.month}-${p.day} ${p.hour}:${p.minute}:${p.second}${tail}`;
}

/** "10:42:15" in the zone. */
export function formatClock(ms: number, zone: Zone): string {
  const p = timeParts(ms, zone);
  return `${p.hour}:${p.minute}:${p.second}`;
}

/** How far the zone's clock is ahead of UTC at that instant, in milliseconds. */
export function zoneOffsetMs(ms: number, zone: Zone): number {
  const p = timeParts(ms, zone);
  const [y, mo, d, h, mi, s] = [p.year, p.month, p.day, p.hour, p.minute, p.second].map(Number);
  const wall = Date.UTC(y ?? 0, (mo ?? 1) - 1, d ?? 1, h ?? 0, mi ?? 0, s ?? 0);
  return wall - Math.floor(ms / 1000) * 1000;
}

/**
 * Reads "2026-08-03 10:42[:15]", "2026-08-03", RFC 3339, or Unix seconds, wall-clock forms being in the zone.
 * Returns milliseconds, or null.
 */
export function parseTime(text: string, zone: Zone): number | null {
  const trimmed = text.trim();
  if (/^-?\d{9,11}(?:\.\d+)?$/.test(trimmed)) return Math.round(Number(trimmed) * 1000);
  const m = /^(\d{4})-(\d\d?)-(\d\d?)(?:[T ](\d\d?):(\d\d)(?::(\d\d)(?:\.\d+)?)?)?$/.exec(trimmed);
  if (m === null) {
    if (!/^\d{4}-\d\d-\d\d[T ].*(?:Z|[+-]\d\d:?\d\d)$/i.test(trimmed)) return null;
    const ms = Date.parse(trimmed);
    return Number.isNaN(ms) ? null : ms;
  }
  const [, y, mo, d, h, mi, s] = m;
  const wall = Date.UTC(
    Number(y),
    Number(mo) - 1,
    Number(d),
    Number(h ?? 0),
    Number(mi ?? 0),
    Number(s ?? 0),
  );
  if (Number.isNaN(wall) || new Date(wall).getUTCDate() !== Number(d)) return null;
  // Twice, because the offset may change between the guess and the answer (daylight saving).
  let ms = wall - zoneOffsetMs(wall, zone);
  ms = wall - zoneOffsetMs(ms, zone);
  return ms;
}

/** "12 s ago", "3 min ago", "2 h ago", "5 d ago"; "in …" for the future. */
export function ago(ms: number, nowMs: number): string {
  const diff = nowMs - ms;
  const size = Math.abs(diff);
  const text =
    size < 1000
      ? "now"
      : size < 60_000
        ? `${Math.round(size / 1000)} s`
        : size < 3_600_000
          ? `${Math.round(size / 60_000)} min`
          : size < 172_800_000
            ? `${Math.round(size / 3_600_000)} h`
            : `${Math.round(size / 86_400_000)} d`;
  if (text === "now") return text;
  return diff >= 0 ? `${text} ago` : `in ${text}`;
}
