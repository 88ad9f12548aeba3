// A folder written to: it reads back the same at once, after a restart, after a crash, and in the reader of stopped folders.
import assert from "node:assert/strict";
import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import {
  decodeLabels,
  emptyHistogram,
  encodeLabels,
  type FloatHistogram,
  Labels,
  Matcher,
  SampleColumns,
} from "@deucalion/model";
import { conformanceRoot } from "../../testing/conformance.ts";
import { chainSamplesInto } from "../chain-samples.ts";
import { Database } from "../database.ts";
import { LiveDatabase, type LiveDatabaseOptions, liveDatabaseDefaults } from "./live-database.ts";
import { Verdict } from "./verdict.ts";

const hour = 3600 * 1000;
const everything = new Matcher("=~", "__name__", ".*");
const context = { signal: new AbortController().signal, warn: () => undefined };

type Point = readonly [number, string];

function pointOf(samples: SampleColumns, i: number): Point {
  const h = samples.histograms?.[i];
  const bits = `${samples.valueBits[2 * i + 1]!.toString(16)}:${samples.valueBits[2 * i]!.toString(16)}`;
  if (h === undefined) return [samples.times[i]!, bits];
  const text = JSON.stringify([
    h.schema,
    h.count,
    h.zeroCount,
    h.zeroThreshold,
    [...h.positiveBuckets],
    [...h.negativeBuckets],
    [...h.customValues],
    h.positiveSpans,
    h.negativeSpans,
    h.integer,
  ]);
  return [samples.times[i]!, `${bits} ${text}`];
}

function pointsOf(samples: SampleColumns): Point[] {
  return Array.from({ length: samples.count }, (_, i) => pointOf(samples, i));
}

async function readLive(db: LiveDatabase): Promise<Map<string, Point[]>> {
  const runs = new Map<string, SampleColumns[]>();
  for (const source of [...db.sources()].reverse()) {
    let before = "";
    for await (const batch of source.series(
      { minTime: -(2 ** 53), maxTime: 2 ** 53, matchers: [everything] },
      context,
    )) {
      for (let i = 0; i < batch.seriesCount; i++) {
        const key = decodeLabels(batch.labels(i)).key;
        assert.ok(key !== before);
        before = key;
        const samples = new SampleColumns();
        batch.samplesInto(i, samples);
        const list = runs.get(key);
        if (list === undefined) runs.set(key, [samples]);
        else list.push(samples);
      }
    }
  }
  const found = new Map<string, Point[]>();
  for (const [key, list] of runs) {
    const samples = new SampleColumns();
    chainSamplesInto(list, samples);
    if (samples.count > 0) found.set(key, pointsOf(samples));
  }
  return found;
}

async function readStopped(dir: string): Promise<Map<string, Point[]>> {
  const database = await Database.open(dir);
  const found = new Map<string, Point[]>();
  for await (const { labels, samples } of database.series([]))
    found.set(labels.key, pointsOf(samples));
  await database.close();
  return found;
}

function assertSame(got: Map<string, Point[]>, want: Map<string, Point[]>): void {
  assert.deepEqual([...got.keys()].sort(), [...want.keys()].sort());
  for (const [key, points] of want) assert.deepEqual(got.get(key), points, key);
}

async function withFolder(work: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "deucalion-live-"));
  try {
    await work(dir);
  } finally {
    await rm(dir, { recursive: true });
  }
}

function openAt(
  dir: string,
  now: number,
  options: Partial<LiveDatabaseOptions> = {},
  damage: string[] = [],
): Promise<LiveDatabase> {
  return LiveDatabase.open(
    dir,
    { ...liveDatabaseDefaults, ...options },
    { now: () => now, report: (one) => damage.push(`${one.file}: ${one.reason}`) },
  );
}

function seriesOf(db: LiveDatabase, labels: Labels): number {
  const { data, start, end } = encodeLabels(labels);
  const found = db.head.find(data, start, end);
  return found >= 0 ? found : db.head.create(data, start, end);
}

const pair = new Float64Array(1);
const words = new Uint32Array(pair.buffer);

function append(db: LiveDatabase, labels: Labels, time: number, value: number): number {
  pair[0] = value;
  return db.head.append(seriesOf(db, labels), time, words[1]!, words[0]!);
}

function histogram(count: number, integer: boolean, gauge = false): FloatHistogram {
  return {
    ...emptyHistogram(),
    schema: 1,
    zeroThreshold: 0.001,
    zeroCount: 1,
    count: 3 * count + 1,
    sum: count * 1.5,
    positiveSpans: [{ offset: 0, length: 2 }],
    positiveBuckets: Float64Array.of(2 * count, count),
    counterResetHint: gauge ? "gauge" : "unknown",
    integer,
  };
}

for (const name of ["snappy", "zstd", "library-uncompressed"]) {
  test(`the recorded folder ${name} opens for writing with the same samples`, async () => {
    await withFolder(async (dir) => {
      await cp(join(conformanceRoot, "wal", name, "data"), dir, { recursive: true });
      const want = await readStopped(dir);
      const damage: string[] = [];
      const db = await openAt(dir, 0, { outOfOrderWindowMs: 2 * hour }, damage);
      assertSame(await readLive(db), want);
      await db.close();
      assert.deepEqual(damage, []);
      assertSame(await readStopped(dir), want);
      const again = await openAt(dir, 0, { outOfOrderWindowMs: 2 * hour }, damage);
      assertSame(await readLive(again), want);
      await again.flush();
      assertSame(await readLive(again), want);
      await again.close();
      assertSame(await readStopped(dir), want);
    });
  });
}

test("samples of every kind, in order and out of order, survive a restart, a crash and block cuts", async () => {
  await withFolder(async (dir) => {
    const options = { outOfOrderWindowMs: 3 * hour, segmentBytes: 128 * 1024 };
    let db = await openAt(dir, 0, options);
    const want = new Map<string, Map<number, number>>();
    let seed = 7;
    const random = (): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return seed / 4294967296;
    };
    const start = 1_700_000_000_000;
    for (let step = 0; step < 1500; step++) {
      const time = start + step * 15_000;
      for (let s = 0; s < 12; s++) {
        if (random() < 0.05) continue;
        const labels = Labels.from({ __name__: `m${s % 3}`, i: String(s), z: "é" });
        const value = s % 2 === 0 ? Math.floor(random() * 1000) : random() * 1e9;
        assert.equal(append(db, labels, time, value), Verdict.stored);
        const samples = want.get(labels.key) ?? new Map<number, number>();
        want.set(labels.key, samples);
        samples.set(time, value);
        if (random() < 0.03) {
          const late = time - Math.floor(random() * 2 * hour) - 1;
          if (!samples.has(late)) {
            assert.equal(append(db, labels, late, step), Verdict.stored);
            samples.set(late, step);
          }
        }
      }
      for (const integer of [true, false]) {
        const labels = Labels.from({ __name__: "h", integer: String(integer) });
        const h = histogram(step % 200, integer);
        assert.equal(db.head.appendHistogram(seriesOf(db, labels), time, h), Verdict.stored);
      }
      db.head.commit();
      if (step === 400) {
        // As if killed: nothing is closed, the files are as the last commit left them.
        db = await openAt(dir, time, options);
      }
      if (step === 700) {
        await db.close();
        db = await openAt(dir, time, options);
      }
      if (step === 1100 || step === 1400) await db.compact();
    }
    const got = await readLive(db);
    for (const [key, samples] of want) {
      const points = [...samples]
        .sort((a, b) => a[0] - b[0])
        .map(([time, value]): Point => {
          pair[0] = value;
          return [time, `${words[1]!.toString(16)}:${words[0]!.toString(16)}`];
        });
      assert.deepEqual(got.get(key), points);
    }
    assert.equal(got.size, want.size + 2);
    assert.ok(db.blocks.length > 2);
    assert.ok((await readdir(join(dir, "wal"))).some((name) => /^checkpoint\.\d{8}$/.test(name)));
    await db.close();
    assertSame(await readStopped(dir), got);
    db = await openAt(dir, 0, options);
    assertSame(await readLive(db), got);
    await db.close();
  });
});

test("a sample from long ago costs one block, not one for every range since", async () => {
  await withFolder(async (dir) => {
    const db = await openAt(dir, 1_700_000_000_000, { retentionMs: 0 });
    const a = Labels.from({ __name__: "a" });
    append(db, a, 1000, 1);
    for (let i = 0; i < 10; i++) append(db, a, 1_700_000_000_000 - (9 - i) * hour, i);
    db.head.commit();
    const made = await db.compact();
    assert.ok(made.length < 8);
    assert.deepEqual(
      made.slice(1).map(({ minTime }) => minTime),
      made.slice(1).map((meta, i) => (i === 0 ? meta.minTime : made[i]!.maxTime)),
    );
    assert.equal((await readLive(db)).get(a.key)!.length, 11);
    await db.close();
  });
});

test("what a head takes and refuses", async () => {
  await withFolder(async (dir) => {
    const db = await openAt(dir, 0);
    const a = Labels.from({ __name__: "a" });
    const t = 1_700_000_000_000;
    assert.equal(append(db, a, t, 1), Verdict.stored);
    assert.equal(append(db, a, t, 1), Verdict.same);
    assert.equal(append(db, a, t, 2), Verdict.duplicate);
    assert.equal(append(db, a, t + 1000, 2), Verdict.stored);
    assert.equal(append(db, a, t, 1), Verdict.same);
    assert.equal(append(db, a, t, 3), Verdict.duplicate);
    assert.equal(append(db, a, t - 1, 3), Verdict.outOfOrder);
    assert.equal(append(db, a, t + 4 * hour, 4), Verdict.stored);
    assert.equal(append(db, a, t + hour, 4), Verdict.outOfBounds);
    assert.equal(append(db, Labels.from({ b: "1" }), t + hour, 4), Verdict.outOfBounds);
    db.head.commit();
    await db.close();
  });
});

test("a sample that is stored already is no fault, however old and wherever it lies", async () => {
  await withFolder(async (dir) => {
    const t = 1_700_000_000_000;
    let db = await openAt(dir, t);
    const a = Labels.from({ __name__: "a" });
    const again = (): void => {
      for (let i = 0; i < 400; i++) {
        assert.equal(append(db, a, t + i * 1000, i), Verdict.same, String(i));
      }
      // Another value for such a time, and a time between two samples, are faults.
      assert.equal(append(db, a, t + 1000, -1), Verdict.duplicate);
      assert.equal(append(db, a, t + 1500, 1), Verdict.outOfOrder);
    };
    for (let i = 0; i < 400; i++) append(db, a, t + i * 1000, i);
    assert.ok(db.head.chunks.count > 2);
    // Closed chunks are in the buffer, in the file, and read at the start.
    again();
    db.head.commit();
    db.head.files.flush();
    again();
    await db.close();
    db = await openAt(dir, t);
    again();
    await db.close();
  });
});

test("what was kept while the process was away is taken at any age", async () => {
  await withFolder(async (dir) => {
    const t = 1_700_000_000_000;
    let db = await openAt(dir, t);
    const a = Labels.from({ __name__: "a" });
    append(db, a, t, 1);
    append(db, a, t + 4 * hour, 2);
    db.head.takesLate = true;
    for (let i = 1; i <= 40; i++) {
      assert.equal(append(db, a, t + 4 * hour - i * 60_000, -i), Verdict.stored);
    }
    assert.equal(append(db, a, t + 4 * hour - 60_000, -1), Verdict.same);
    assert.equal(append(db, a, t, 1), Verdict.same);
    db.head.takesLate = false;
    assert.equal(append(db, a, t + hour, 4), Verdict.outOfBounds);
    db.head.commit();
    const got = await readLive(db);
    assert.equal(got.get(a.key)!.length, 42);
    await db.close();
    assertSame(await readStopped(dir), got);
    db = await openAt(dir, t + 4 * hour);
    assertSame(await readLive(db), got);
    await db.flush();
    assertSame(await readLive(db), got);
    await db.close();
  });
});
