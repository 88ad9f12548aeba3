import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SampleColumns } from "../sample-columns.ts";
import { staleNaN } from "../stale.ts";
import { mergeFill } from "./fill.ts";

/** How long before and after a window data must be given for the same answer. */
const marginMs = 1_800_000;

interface Case {
  readonly intervalMs: number;
  readonly replicaCount: number;
  readonly jitter: number;
  readonly skews: readonly number[];
  readonly loss: number;
  readonly outages: readonly { replica: number; from: number; slots: number }[];
  readonly resets: readonly number[];
  readonly equalTimes: boolean;
  readonly seed: number;
}

const slots = 240;
const epoch = 1_700_000_000_000;

function random(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 0) / 4_294_967_296;
  };
}

interface Made {
  readonly replicas: SampleColumns[];
  /** Slots that some replica has. */
  readonly covered: boolean[];
  /** Of each replica the slots that it lost. */
  readonly lost: boolean[][];
  /** Slots that two replicas or more lost, outside of outages. */
  readonly lostTwice: number;
  /** Most slots that one replica lost, outside of outages. */
  readonly lostMost: number;
}

/** Replicas of a counter that grows by one a second from its last reset on. */
function make(c: Case): Made {
  const next = random(c.seed);
  const covered = Array.from({ length: slots }, () => false);
  const lostOf: boolean[][] = [];
  const lostAlone = Array.from({ length: c.replicaCount }, () => 0);
  const single = Array.from({ length: slots }, () => 0);
  const replicas: SampleColumns[] = [];
  for (let r = 0; r < c.replicaCount; r++) {
    const samples = new SampleColumns();
    const losses: boolean[] = [];
    lostOf.push(losses);
    const skew = c.equalTimes ? 0 : Math.round(c.skews[r]! * c.intervalMs);
    for (let slot = 0; slot < slots; slot++) {
      const shake = c.equalTimes ? 0 : Math.round((next() - 0.5) * c.jitter * c.intervalMs);
      const lost = next() < c.loss;
      const out = c.outages.some(
        (o) => o.replica === r && slot >= o.from && slot < o.from + o.slots,
      );
      losses.push(lost || out);
      if (lost && !out) {
        single[slot]!++;
        lostAlone[r]!++;
      }
      if (lost || out) continue;
      const time = epoch + slot * c.intervalMs + skew + shake;
      const reset = c.resets.filter((at) => epoch + at * c.intervalMs <= time).at(-1) ?? 0;
      samples.pushFloat(time, (time - epoch - reset * c.intervalMs) / 1000);
      covered[slot] = true;
    }
    replicas.push(samples);
  }
  const lostTwice = single.filter((n) => n >= 2).length;
  return { replicas, covered, lost: lostOf, lostTwice, lostMost: Math.max(...lostAlone) };
}

function merged(replicas: readonly SampleColumns[], counter = false): SampleColumns {
  const out = new SampleColumns();
  mergeFill(replicas, { counter }, out);
  return out;
}

function cut(samples: SampleColumns, from: number, to: number): SampleColumns {
  const out = new SampleColumns();
  for (let i = 0; i < samples.count; i++) {
    if (samples.times[i]! >= from && samples.times[i]! <= to) out.pushFrom(samples, i);
  }
  return out;
}

function rows(samples: SampleColumns): [number, number][] {
  return Array.from({ length: samples.count }, (_, i) => [samples.times[i]!, samples.values[i]!]);
}

const cases: fc.Arbitrary<Case> = fc.record({
  intervalMs: fc.constantFrom(1000, 5000, 15_000, 30_000, 60_000, 300_000),
  replicaCount: fc.integer({ min: 2, max: 4 }),
  jitter: fc.constantFrom(0, 0.02, 0.1, 0.2),
  skews: fc.array(fc.double({ min: 0, max: 0.5, noNaN: true }), { minLength: 4, maxLength: 4 }),
  loss: fc.constantFrom(0, 0.01, 0.05, 0.1),
  outages: fc.array(
    fc.record({
      replica: fc.integer({ min: 0, max: 3 }),
      from: fc.integer({ min: 0, max: slots - 1 }),
      slots: fc.integer({ min: 1, max: 60 }),
    }),
    { maxLength: 4 },
  ),
  resets: fc
    .array(fc.integer({ min: 1, max: slots - 1 }), { maxLength: 3 })
    .map((a) => a.sort((x, y) => x - y)),
  equalTimes: fc.boolean(),
  seed: fc.integer({ min: 1, max: 0x7fffffff }),
});

const runs = Number(process.env.FILL_RUNS ?? 10_000);

test("mergeFill() leaves out no slot that a replica has and emits none twice", () => {
  fc.assert(
    fc.property(cases, (c) => {
      const made = make(c);
      const { replicas, covered, lost } = made;
      const out = merged(replicas);
      const wanted = covered.filter(Boolean).length;
      // Within 1 % of the slots that exist, and one for each outage's edge, where the phases of replicas meet.
      const slack = Math.max(2, Math.ceil(wanted * 0.01)) + c.outages.length;
      assert.ok(
        Math.abs(out.count - wanted) <= slack + edgeSlack(c, made),
        `${out.count} samples for ${wanted} slots`,
      );
      // Every covered slot has a sample within one interval and the shake of it; no two samples are close.
      const reach = c.equalTimes ? 0 : (0.5 + c.jitter) * c.intervalMs;
      let at = 0;
      for (let slot = 0; slot < slots; slot++) {
        if (!covered[slot]) continue;
        const centre = epoch + slot * c.intervalMs + (c.equalTimes ? 0 : 0.25 * c.intervalMs);
        while (
          at + 1 < out.count &&
          Math.abs(out.times[at + 1]! - centre) <= Math.abs(out.times[at]! - centre)
        )
          at++;
        assert.ok(
          Math.abs(out.times[at]! - centre) <= reach + 0.26 * c.intervalMs ||
            isUndecided(lost, slot),
          `slot ${slot} is missing`,
        );
      }
      const least = (0.5 - (c.equalTimes ? 0 : c.jitter)) * c.intervalMs * 0.96 - 2;
      for (let i = 1; i < out.count; i++) {
        assert.ok(out.times[i]! - out.times[i - 1]! >= least, `two samples in a slot at ${i}`);
      }
    }),
    {
      numRuns: runs,
      includeErrorInReport: true,
      // Near the end one replica lost 231, 233, 235 and 237, the other 236 and 238.
      examples: [
        [
          {
            intervalMs: 1000,
            replicaCount: 2,
            jitter: 0,
            skews: [0, 0, 0, 0],
            loss: 0.1,
            outages: [],
            resets: [],
            equalTimes: true,
            seed: 1_256_456_142,
          },
        ],
        // Seven slots that both lost, where the second is half an interval behind.
        [
          {
            intervalMs: 1000,
            replicaCount: 2,
            jitter: 0,
            skews: [0.4995, 0, 0, 0],
            loss: 0.1,
            outages: [],
            resets: [],
            equalTimes: false,
            seed: 315_372_338,
          },
        ],
        // At the end of the data one replica lost 231, 233, 235, 237 and 238, the other 238.
        [
          {
            intervalMs: 1000,
            replicaCount: 2,
            jitter: 0,
            skews: [0, 0, 0, 0],
            loss: 0.1,
            outages: [{ replica: 0, from: 237, slots: 1 }],
            resets: [],
            equalTimes: true,
            seed: 2_085_798_562,
          },
        ],
        // At a hole that is judged by its ends, one replica lost 108, 110 and 112 to 114, the other 111, 113 and 115.
        [
          {
            intervalMs: 300_000,
            replicaCount: 2,
            jitter: 0,
            skews: [0, 0, 0, 0],
            loss: 0.1,
            outages: [],
            resets: [],
            equalTimes: true,
            seed: 1_855_627_586,
          },
        ],
      ],
    },
  );
});

/**
 * Where two replicas both lost samples around a slot, two or more each, they may look like replicas that scrape half as
 * often, at each other's halves; then nothing tells whose slot it is. Near an end of the data, where there is less to
 * look at, three of one and one of another do.
 */
function isUndecided(lost: readonly (readonly boolean[])[], slot: number): boolean {
  const counts = lost
    .map((of) => of.slice(Math.max(0, slot - 4), slot + 5).filter(Boolean).length)
    .sort((a, b) => b - a);
  const [most = 0, second = 0] = counts;
  if (most >= 2 && second >= 2) return true;
  return (slot < 4 || slot >= slots - 4) && most >= 3 && second >= 1;
}

/**
 * Where the phases of two replicas differ by half an interval, give or take the jitter, nothing in the data tells to
 * which slot a sample belongs that stands alone in a hole; such samples may count for the wrong slot. So may one for each
 * slot that two replicas lost: the neighbour of one lies as near to it as the slot itself would.
 */
function edgeSlack(c: Case, { lostTwice, lostMost }: Made): number {
  if (c.equalTimes) return 0;
  const skews = c.skews.slice(0, c.replicaCount);
  const ambiguous = skews.some((a) => skews.some((b) => Math.abs(a - b) + c.jitter >= 0.499));
  if (!ambiguous) return 0;
  const losses = Math.max(slots * c.loss, lostMost);
  const usual = Math.ceil(losses * (c.loss + c.jitter)) * (c.replicaCount - 1) + 1;
  return Math.max(usual, lostTwice);
}

test("mergeFill() keeps the slope of a steady counter everywhere", () => {
  fc.assert(
    fc.property(cases, (c) => {
      const out = merged(make({ ...c, resets: [] }).replicas, true);
      for (let i = 1; i < out.count; i++) {
        const slope =
          ((out.values[i]! - out.values[i - 1]!) * 1000) / (out.times[i]! - out.times[i - 1]!);
        assert.ok(Math.abs(slope - 1) <= 0.01, `slope ${slope} at ${i}`);
      }
    }),
    { numRuns: Math.ceil(runs / 5) },
  );
});

test("mergeFill() gives a window the same answer as any wider window", () => {
  fc.assert(
    fc.property(cases, fc.nat(slots), fc.integer({ min: 1, max: slots }), (c, first, length) => {
      const { replicas } = make(c);
      const from = epoch + first * c.intervalMs;
      const to = from + length * c.intervalMs;
      const narrow = replicas.map((r) => cut(r, from - marginMs, to + marginMs));
      for (const counter of [false, true]) {
        assert.deepEqual(
          rows(cut(merged(narrow, counter), from, to)),
          rows(cut(merged(replicas, counter), from, to)),
        );
      }
    }),
    {
      numRuns: Math.ceil(runs / 5),
      examples: [
        // Of a reset in the first one's outage only the end of the outage, hours later, could tell.
        [
          {
            intervalMs: 300_000,
            replicaCount: 2,
            jitter: 0,
            skews: [0, 0, 0, 0],
            loss: 0,
            outages: [
              { replica: 1, from: 0, slots: 5 },
              { replica: 0, from: 2, slots: 10 },
            ],
            resets: [5],
            equalTimes: false,
            seed: 1,
          },
          0,
          5,
        ],
        // The first replica comes back after hours, in the slot of a reset that the other does not yet show.
        [
          {
            intervalMs: 300_000,
            replicaCount: 2,
            jitter: 0.02,
            skews: [0, 0, 0, 0],
            loss: 0,
            outages: [{ replica: 0, from: 78, slots: 35 }],
            resets: [113],
            equalTimes: false,
            seed: 573_257_932,
          },
          90,
          24,
        ],
        // A step of over 15 minutes beside a hole, which the narrow window does not see.
        [
          {
            intervalMs: 300_000,
            replicaCount: 2,
            jitter: 0.1,
            skews: [0, 0.5, 0.25, 0],
            loss: 0.05,
            outages: [{ replica: 1, from: 145, slots: 16 }],
            resets: [],
            equalTimes: false,
            seed: 2_147_483_494,
          },
          0,
          145,
        ],
      ],
    },
  );
});

/** True of the first sample of a replica while no other one has one in the next 15 minutes: whether the counter fell is not to be known. */
function isUnknown(replicas: readonly SampleColumns[], time: number): boolean {
  const first = replicas.findIndex((r) => r.count > 0 && r.times[0] === time);
  if (first < 0) return false;
  return replicas.every((r, i) => i === first || cut(r, time + 1, time + 900_000).count === 0);
}

test("mergeFill() never shows a reset that no replica shows", () => {
  fc.assert(
    fc.property(cases, (c) => {
      // Clocks that are really wrong: the later replica's values lag behind its timestamps.
      const { replicas } = make({ ...c, resets: [] });
      for (let r = 0; r < replicas.length; r++) {
        const lag = c.equalTimes ? 0 : c.skews[r]! * 0.9 * c.intervalMs;
        for (let i = 0; i < replicas[r]!.count; i++) replicas[r]!.values[i]! -= lag / 1000;
      }
      const out = merged(replicas, true);
      for (let i = 1; i < out.count; i++) {
        assert.ok(
          out.values[i]! >= out.values[i - 1]! || isUnknown(replicas, out.times[i]!),
          `falls at ${i}`,
        );
      }
    }),
    {
      numRuns: Math.ceil(runs / 5),
      examples: [
        // The first replica is away for 20 minutes after its first sample; the second begins just then.
        [
          {
            intervalMs: 300_000,
            replicaCount: 2,
            jitter: 0.2,
            skews: [0, 0.5, 0, 0.5],
            loss: 0,
            outages: [{ replica: 0, from: 1, slots: 3 }],
            resets: [],
            equalTimes: false,
            seed: 530_406_324,
          },
        ],
      ],
    },
  );
});

/** The six inputs that are known to lose or double samples elsewhere: 30 s scrapes, B behind A by 1 to 29 s. */
test("mergeFill() loses no slot at any offset of the replicas from 1 to 29 s", () => {
  const lose: readonly [string, (slot: number) => boolean, (slot: number) => boolean][] = [
    ["A loses one in ten", (s) => s % 10 === 5, () => false],
    ["both lose one in ten, never the same", (s) => s % 10 === 5, (s) => s % 10 === 8],
    [
      "both lose two in a row, disjoint",
      (s) => s % 10 === 4 || s % 10 === 5,
      (s) => s % 10 === 7 || s % 10 === 8,
    ],
    ["one in five each, disjoint", (s) => s % 5 === 1, (s) => s % 5 === 3],
  ];
  for (const [name, lostA, lostB] of lose) {
    for (let offset = 0; offset < 30; offset++) {
      const a = new SampleColumns();
      const b = new SampleColumns();
      for (let slot = 0; slot < 480; slot++) {
        if (!lostA(slot)) a.pushFloat(epoch + slot * 30_000, slot * 30);
        if (!lostB(slot)) b.pushFloat(epoch + slot * 30_000 + offset * 1000, slot * 30 + offset);
      }
      for (const pair of [
        [a, b],
        [b, a],
      ]) {
        const out = merged(pair, true);
        assert.ok(Math.abs(out.count - 480) <= 4, `${name}, offset ${offset}: ${out.count} of 480`);
        for (let i = 1; i < out.count; i++) {
          const step = out.times[i]! - out.times[i - 1]!;
          assert.ok(step >= 15_000 && step <= 45_000, `${name}, offset ${offset}: step ${step} ms`);
        }
      }
    }
  }
});

test("mergeFill() lets a stale marker end a series only where no replica goes on", () => {
  const a = new SampleColumns();
  const b = new SampleColumns();
  for (let slot = 0; slot < 10; slot++) a.pushFloat(epoch + slot * 15_000, slot);
  a.pushFloat(epoch + 10 * 15_000, staleNaN());
  for (let slot = 0; slot < 20; slot++) b.pushFloat(epoch + slot * 15_000 + 7000, slot);
  b.pushFloat(epoch + 20 * 15_000 + 7000, staleNaN());
  const out = merged([a, b]);
  assert.equal(out.count, 21);
  assert.ok(out.isStale(20));
  for (let i = 0; i < 20; i++) assert.equal(out.isStale(i), false);
});
