// Start timestamps: kept in chunks, logs, checkpoints and blocks where they are asked for, and nowhere else.
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import {
  ChunkEncoding,
  decodeLabels,
  encodeLabels,
  type FloatHistogram,
  Labels,
  Matcher,
  SampleColumns,
} from "@deucalion/model";
import { readLogSegment } from "../../wal/log-reader.ts";
import { LiveDatabase, liveDatabaseDefaults } from "./live-database.ts";
import { Verdict } from "./verdict.ts";

const t = 1_700_000_000_000;
const hour = 3_600_000;

function open(dir: string, startTimes: boolean): Promise<LiveDatabase> {
  return LiveDatabase.open(
    dir,
    {
      ...liveDatabaseDefaults,
      startTimes,
      outOfOrderWindowMs: hour,
      segmentBytes: 64 * 1024,
      retentionMs: 0,
    },
    { now: () => t, report: (damage) => assert.fail(JSON.stringify(damage)) },
  );
}

function histogram(count: number): FloatHistogram {
  return {
    schema: 1,
    zeroThreshold: 0,
    zeroCount: 0,
    count,
    sum: count,
    positiveSpans: [{ offset: 0, length: 1 }],
    negativeSpans: [],
    positiveBuckets: Float64Array.of(count),
    negativeBuckets: new Float64Array(0),
    customValues: new Float64Array(0),
    counterResetHint: "unknown",
    integer: true,
  };
}

const names = ["plain", "started", "native", "native_float", "late"];

function fill(db: LiveDatabase, from: number, to: number): void {
  const { head } = db;
  const series = names.map((name) => {
    const { data, start, end } = encodeLabels(Labels.from({ __name__: name }));
    const found = head.find(data, start, end);
    return found >= 0 ? found : head.create(data, start, end);
  });
  const put = (at: number, time: number, start: number): void => {
    assert.equal(head.append(series[at]!, time, 0x3ff00000, time & 0xffff, start), Verdict.stored);
  };
  for (let i = from; i < to; i++) {
    const time = t + i * 15_000;
    const start = t - 1000 - Math.floor(i / 50);
    put(0, time, 0);
    put(1, time, start);
    const h = histogram(i + 1);
    assert.equal(head.appendHistogram(series[2]!, time, h, start), Verdict.stored);
    const wide = { ...h, integer: false };
    assert.equal(head.appendHistogram(series[3]!, time, wide, start), Verdict.stored);
    put(4, time, start);
    if (i > 0) put(4, time - 7000, start);
    head.commit();
  }
}

/** Times and start timestamps of every series, and the encodings of its chunks. */
async function read(
  db: LiveDatabase,
): Promise<Map<string, { starts: Map<number, number>; encodings: Set<number> }>> {
  const found = new Map<string, { starts: Map<number, number>; encodings: Set<number> }>();
  const context = { signal: new AbortController().signal, warn: assert.fail };
  for (const source of db.sources()) {
    const request = {
      minTime: 0,
      maxTime: 2 ** 53,
      matchers: [new Matcher("=~", "__name__", ".+")],
    };
    for await (const batch of source.series(request, context)) {
      for (let i = 0; i < batch.seriesCount; i++) {
        const name = decodeLabels(batch.labels(i)).get("__name__");
        const entry = found.get(name) ?? { starts: new Map(), encodings: new Set() };
        found.set(name, entry);
        const samples = new SampleColumns();
        batch.samplesInto(i, samples);
        for (let j = 0; j < samples.count; j++) {
          entry.starts.set(samples.times[j]!, samples.startTimes?.[j] ?? 0);
        }
        const { columns } = batch as unknown as { columns?: { encoding: Uint8Array } };
        if (columns !== undefined) for (const one of columns.encoding) entry.encodings.add(one);
      }
    }
  }
  return found;
}

function check(
  found: Map<string, { starts: Map<number, number> }>,
  count: number,
  kept: boolean,
): void {
  assert.deepEqual([...found.keys()].sort(), [...names].sort());
  for (const [name, { starts }] of found) {
    for (let i = 0; i < count; i++) {
      const want = kept && name !== "plain" ? t - 1000 - Math.floor(i / 50) : 0;
      assert.equal(starts.get(t + i * 15_000), want, `${name} ${i}`);
      if (name === "late" && i > 0) assert.equal(starts.get(t + i * 15_000 - 7000), want);
    }
  }
}

test("start timestamps are kept through restarts, checkpoints and block cuts", async () => {
  const dir = await mkdtemp(join(tmpdir(), "deucalion-starts-"));
  try {
    let db = await open(dir, true);
    fill(db, 0, 400);
    check(await read(db), 400, true);
    await db.close();
    const types = new Set<number>();
    for (const name of await readdir(join(dir, "wal"))) {
      const data = await readFile(join(dir, "wal", name));
      for (const record of readLogSegment(data, ({ reason }) => assert.fail(reason)))
        types.add(record.data[0]!);
    }
    assert.deepEqual(
      [...types].sort((a, b) => a - b),
      [1, 11, 12, 13],
    );
    db = await open(dir, true);
    check(await read(db), 400, true);
    fill(db, 400, 900);
    // Cuts the first block, and replaces segments by a checkpoint.
    assert.ok((await db.compact()).length > 0);
    assert.ok((await readdir(join(dir, "wal"))).some((name) => name.startsWith("checkpoint")));
    check(await read(db), 900, true);
    await db.close();
    db = await open(dir, true);
    check(await read(db), 900, true);
    await db.flush();
    check(await read(db), 900, true);
    await db.close();
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});

test("without being asked for, start timestamps leave no trace that Thanos could not read", async () => {
  const dir = await mkdtemp(join(tmpdir(), "deucalion-starts-"));
  try {
    let db = await open(dir, true);
    fill(db, 0, 100);
    await db.close();
    await rm(join(dir, "chunks_head"), { recursive: true });
    db = await open(dir, false);
    check(await read(db), 100, false);
    fill(db, 100, 300);
    await db.flush();
    const found = await read(db);
    check(found, 300, false);
    const plain = [ChunkEncoding.xor, ChunkEncoding.histogram, ChunkEncoding.floatHistogram];
    for (const { encodings } of found.values()) {
      for (const one of encodings) assert.ok(one === 0 || (plain as number[]).includes(one));
    }
    await db.close();
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
