// Memory snapshots: written at the end, read at the start, and never believed when they are damaged.
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { encodeLabels, Labels, SampleColumns } from "@deucalion/model";
import { decodeChunkInto } from "../../../chunk/decode-chunk.ts";
import { Database } from "../../database.ts";
import { readHeadSeries } from "../chunks/head-read.ts";
import { LiveDatabase, liveDatabaseDefaults } from "../live-database.ts";

const t = 1_700_000_000_000;

function open(dir: string, damage: string[], memorySnapshot = true): Promise<LiveDatabase> {
  return LiveDatabase.open(
    dir,
    {
      ...liveDatabaseDefaults,
      memorySnapshot,
      exemplarsMax: 100,
      outOfOrderWindowMs: 3_600_000,
      retentionMs: 0,
    },
    { now: () => t, report: ({ file, reason }) => damage.push(`${file}: ${reason}`) },
  );
}

function fill(db: LiveDatabase, from: number, to: number): void {
  const { head } = db;
  for (let step = from; step < to; step++) {
    for (const [i, name] of ["a", "b", "h", "late"].entries()) {
      const { data, start, end } = encodeLabels(Labels.from({ __name__: name }));
      const found = head.find(data, start, end);
      const series = found >= 0 ? found : head.create(data, start, end);
      const time = t + step * 1000;
      if (name === "h") {
        head.appendHistogram(series, time, {
          schema: 1,
          zeroThreshold: 0,
          zeroCount: 1,
          count: 1 + step,
          sum: step,
          positiveSpans: [{ offset: 0, length: 1 }],
          negativeSpans: [],
          positiveBuckets: Float64Array.of(step),
          negativeBuckets: new Float64Array(0),
          customValues: new Float64Array(0),
          counterResetHint: "unknown",
          integer: true,
        });
      } else head.append(series, time, 0x40000000 + step, i);
      if (name === "late" && step > 0) head.append(series, time - 500, 0x40000000, step);
      if (name === "a") head.appendExemplar(series, time, step, Labels.from({ x: String(step) }));
    }
    head.commit();
  }
}

/** Samples by series reference, and the exemplars. */
async function everything(db: LiveDatabase): Promise<unknown> {
  const { head } = db;
  const all = Uint32Array.from(head.table.all());
  const columns = await readHeadSeries(head, all, {
    minTime: 0,
    maxTime: 2 ** 53,
    skipChunks: false,
    inOrder: true,
    outOfOrder: true,
  });
  const found: unknown[] = [];
  for (let i = 0; i < columns.seriesCount; i++) {
    const samples = new SampleColumns();
    for (let row = columns.first[i]!; row < columns.first[i + 1]!; row++) {
      const data = columns.buffers[columns.buffer[row]!]!;
      decodeChunkInto(
        columns.encoding[row]!,
        data,
        columns.offset[row]!,
        columns.length[row]!,
        samples,
      );
    }
    found.push([
      head.labelsOf(all[i]!).key,
      [...samples.times.subarray(0, samples.count)],
      [...samples.valueBits.subarray(0, 2 * samples.count)],
      samples.histograms?.slice(0, samples.count).map((h) => [h?.count, h?.sum]),
      [...(head.tombstones.get(all[i]!) ?? [])],
    ]);
  }
  const exemplars = head.exemplars.of(() => true, -Infinity, Infinity);
  return [found, exemplars.map(({ time, value, labels }) => [time, value, labels.key])];
}

async function snapshotOf(dir: string): Promise<string | undefined> {
  return (await readdir(dir)).find((name) => name.startsWith("chunk_snapshot."));
}

test("a head that begins with its snapshot is the head that was closed", async () => {
  const dir = await mkdtemp(join(tmpdir(), "deucalion-snapshot-"));
  try {
    const damage: string[] = [];
    let db = await open(dir, damage);
    fill(db, 0, 300);
    db.head.delete([], t + 10_000, t + 20_000);
    db.head.commit();
    let want = await everything(db);
    await db.close();
    const name = (await snapshotOf(dir))!;
    assert.match(name, /^chunk_snapshot\.000000\.\d{10}$/);
    // It is what is read: what the log said before it is gone here.
    await writeFile(join(dir, "wal/00000000"), new Uint8Array(Number(name.slice(-10))));
    const stopped = await Database.open(dir);
    assert.deepEqual(stopped.damage, []);
    await stopped.close();
    db = await open(dir, damage);
    assert.deepEqual(await everything(db), want);
    assert.equal(await snapshotOf(dir), undefined);
    // The log goes on behind it, and the next snapshot stands for that, too.
    fill(db, 300, 450);
    want = await everything(db);
    await db.close();
    db = await open(dir, damage);
    assert.deepEqual(await everything(db), want);
    await db.close();
    assert.deepEqual(damage, []);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});

test("a damaged snapshot is told and the log replayed instead", async () => {
  const dir = await mkdtemp(join(tmpdir(), "deucalion-snapshot-"));
  try {
    const damage: string[] = [];
    let db = await open(dir, damage);
    fill(db, 0, 200);
    const want = await everything(db);
    await db.close();
    const path = join(dir, (await snapshotOf(dir))!, "00000000");
    const data = await readFile(path);
    data[data.length >> 3]! ^= 1;
    await writeFile(path, data);
    db = await open(dir, damage);
    assert.equal(damage.length > 0, true);
    assert.deepEqual(await everything(db), want);
    await db.close();
    // Not asked for: none is written, and one that is there is not read.
    db = await open(dir, damage, false);
    assert.deepEqual(await everything(db), want);
    await db.close();
    assert.equal(await snapshotOf(dir), undefined);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
