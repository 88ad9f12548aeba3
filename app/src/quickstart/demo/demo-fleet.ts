// The fleet that the demo pretends to scrape: what each series would show at any time. Pure functions of time, so that
// data made later continues data made earlier.
import { type FloatHistogram, Labels } from "@deucalion/model";

/** One series of a target. Times in milliseconds. */
export interface DemoSeries {
  readonly labels: Labels;
  readonly float?: (time: number) => number;
  readonly histogram?: (time: number) => FloatHistogram;
}

export interface DemoTarget {
  readonly instance: string;
  readonly series: readonly DemoSeries[];
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Processes restart, and their counters with them, this often. */
const lifeMs = 17 * hourMs;

/** ∫ of a rate per second that swings over the day and over the hour, from a fixed time to `time`. */
function work(time: number, perSecond: number, phase: number): number {
  const seconds = time / 1000;
  const day = dayMs / 1000 / (2 * Math.PI);
  const hour = hourMs / 1000 / (2 * Math.PI);
  return (
    perSecond *
    (seconds -
      0.6 * day * Math.cos(seconds / day + phase) -
      0.25 * hour * Math.cos(seconds / hour + 3 * phase))
  );
}

/** How much work was done since the last restart. */
function sinceRestart(time: number, perSecond: number, phase: number): number {
  const offset = Math.floor(phase * 7 * hourMs);
  const start = Math.floor((time - offset) / lifeMs) * lifeMs + offset;
  return work(time, perSecond, phase) - work(start, perSecond, phase);
}

function counter(perSecond: number, phase: number): (time: number) => number {
  return (time) => Math.floor(sinceRestart(time, perSecond, phase));
}

/** A wave with a smaller one on top. */
function wave(base: number, swing: number, phase: number): (time: number) => number {
  return (time) => {
    const turn = (2 * Math.PI * time) / dayMs;
    return (
      Math.round(
        (base + swing * Math.sin(turn + phase) + 0.2 * swing * Math.sin(37 * turn + 2 * phase)) *
          100,
      ) / 100
    );
  };
}

const latencyBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1] as const;
const latencyShares = [0.08, 0.28, 0.61, 0.82, 0.93, 0.985, 0.999] as const;

/** Shares of the buckets of the native histogram: a hump over 24 buckets of schema 3 from 256 bytes on. */
const sizeShares = Array.from({ length: 24 }, (_, i) => Math.exp(-((i - 9) ** 2) / 30));
const sizeTotal = sizeShares.reduce((sum, share) => sum + share, 0);
const sizeFirstIndex = 64;

function sizes(perSecond: number, phase: number): (time: number) => FloatHistogram {
  const spans = [{ offset: sizeFirstIndex, length: sizeShares.length }];
  return (time) => {
    const done = sinceRestart(time, perSecond, phase);
    const buckets = Float64Array.from(sizeShares, (share) =>
      Math.floor((done * share) / sizeTotal),
    );
    let count = 0;
    let sum = 0;
    for (const [i, inBucket] of buckets.entries()) {
      count += inBucket;
      sum += inBucket * 2 ** ((sizeFirstIndex + i - 0.5) / 8);
    }
    return {
      schema: 3,
      zeroThreshold: 2.938735877055719e-39,
      zeroCount: 0,
      count,
      sum: Math.round(sum),
      positiveSpans: spans,
      negativeSpans: [],
      positiveBuckets: buckets,
      negativeBuckets: new Float64Array(0),
      customValues: new Float64Array(0),
      counterResetHint: "unknown",
      integer: true,
    };
  };
}

function targetSeries(instance: string, phase: number, busy: number): DemoSeries[] {
  const all: DemoSeries[] = [];
  const add = (labels: Record<string, string>, value: Omit<DemoSeries, "labels">): void => {
    all.push({ labels: Labels.from({ ...labels, job: "shop", instance }), ...value });
  };
  add({ __name__: "up" }, { float: () => 1 });
  for (const [method, code, share] of [
    ["GET", "200", 1],
    ["GET", "500", 0.012],
    ["POST", "200", 0.3],
    ["POST", "500", 0.006],
  ] as const) {
    add({ __name__: "http_requests_total", method, code }, { float: counter(busy * share, phase) });
  }
  const handled = busy * 1.318;
  const name = "http_request_duration_seconds";
  latencyBounds.forEach((bound, i) => {
    const share = latencyShares[i]!;
    add(
      { __name__: `${name}_bucket`, le: String(bound) },
      { float: counter(handled * share, phase) },
    );
  });
  add({ __name__: `${name}_bucket`, le: "+Inf" }, { float: counter(handled, phase) });
  add({ __name__: `${name}_count` }, { float: counter(handled, phase) });
  add(
    { __name__: `${name}_sum` },
    { float: (time) => Math.round(sinceRestart(time, handled, phase) * 41.7) / 1000 },
  );
  add({ __name__: "http_response_size_bytes" }, { histogram: sizes(handled, phase) });
  add(
    { __name__: "process_cpu_seconds_total" },
    { float: (time) => Math.round(sinceRestart(time, busy / 90, phase) * 100) / 100 },
  );
  add(
    { __name__: "process_resident_memory_bytes" },
    { float: (time) => Math.round(wave(180e6, 40e6, phase)(time) / 4096) * 4096 },
  );
  add(
    { __name__: "queue_depth" },
    { float: (time) => Math.max(0, Math.round(wave(12, 14, 2 * phase)(time))) },
  );
  add({ __name__: "room_temperature_celsius" }, { float: wave(22, 2.5, phase) });
  return all.sort((a, b) => (a.labels.key < b.labels.key ? -1 : 1));
}

/** The targets of a cluster; the same whichever replica scrapes them. */
export function demoTargets(cluster: string): DemoTarget[] {
  const start = cluster === "eu" ? 0 : 3;
  return [0, 1, 2].map((i) => ({
    instance: `web-${i}:8080`,
    series: targetSeries(`web-${i}:8080`, 0.4 + 0.7 * (start + i), 18 + 7 * i + 4 * start),
  }));
}
