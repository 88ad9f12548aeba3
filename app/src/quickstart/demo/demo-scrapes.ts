// When each replica of the demo scrapes, and when it does not: every replica has outages and lost scrapes of its own.

export const demoClusters = ["eu", "us"] as const;
export const demoReplicas = ["a", "b"] as const;

/** Scrape interval in ms. */
export const demoIntervalMs = 15_000;

/** The pattern of outages repeats after this long. */
const patternMs = 6 * 3_600_000;

const minuteMs = 60_000;

interface Outage {
  readonly replica: string;
  readonly fromMs: number;
  readonly lengthMs: number;
}

/** Outages within the pattern. Replicas of one cluster are never out together, but for two minutes. */
const outages: readonly Outage[] = [
  { replica: "a", fromMs: 70 * minuteMs, lengthMs: 25 * minuteMs },
  { replica: "b", fromMs: 150 * minuteMs, lengthMs: 12 * minuteMs },
  { replica: "a", fromMs: 255 * minuteMs, lengthMs: 8 * minuteMs },
  { replica: "b", fromMs: 305 * minuteMs, lengthMs: 30 * minuteMs },
];

/** The clusters' outages lie apart by this much. */
const clusterShiftMs = 40 * minuteMs;

/** A number in [0, 1) that depends on its arguments only. */
function chance(a: number, b: number): number {
  let x = (Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b)) >>> 0;
  x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d) >>> 0;
  x = Math.imul(x ^ (x >>> 12), 0x297a2d39) >>> 0;
  return ((x ^ (x >>> 15)) >>> 0) / 4_294_967_296;
}

function isOut(cluster: string, replica: string, time: number): boolean {
  const shift = cluster === "eu" ? 0 : clusterShiftMs;
  const within = (time - shift) % patternMs;
  return outages.some(
    (o) => o.replica === replica && within >= o.fromMs && within < o.fromMs + o.lengthMs,
  );
}

/** Share of scrapes that a replica loses outside its outages. */
const lostShare = 0.006;

/** The times, in ms, at which a replica has samples of a target within [from, to). */
export function demoScrapeTimes(
  cluster: string,
  replica: string,
  target: number,
  from: number,
  to: number,
): number[] {
  const times: number[] = [];
  const seed = (cluster === "eu" ? 1 : 2) * 100 + (replica === "a" ? 10 : 20) + target;
  const phase = 1000 * target + (replica === "a" ? 0 : 7000);
  for (let slot = Math.floor((from - phase) / demoIntervalMs); slot * demoIntervalMs < to; slot++) {
    const jitter = Math.round((chance(slot, seed) - 0.5) * 20);
    const time = slot * demoIntervalMs + phase + jitter;
    if (time < from || time >= to || isOut(cluster, replica, time)) continue;
    if (chance(slot, seed + 7919) < lostShare) continue;
    times.push(time);
  }
  return times;
}

/** The last outage of a replica in a cluster that ended before `now`. Milliseconds. */
export function lastOutage(
  cluster: string,
  replica: string,
  now: number,
): { readonly from: number; readonly to: number } {
  const shift = cluster === "eu" ? 0 : clusterShiftMs;
  const base = Math.floor((now - shift) / patternMs) * patternMs + shift;
  const ended = [base - patternMs, base]
    .flatMap((start) =>
      outages
        .filter((o) => o.replica === replica)
        .map((o) => ({ from: start + o.fromMs, to: start + o.fromMs + o.lengthMs })),
    )
    .filter((o) => o.to <= now);
  return ended.at(-1)!;
}
