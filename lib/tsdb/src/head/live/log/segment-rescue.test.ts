// A segment whose sync failed is written again, and until then nothing is acknowledged.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { LogWriter, segmentName } from "../../../wal/log-writer.ts";
import { SegmentRescue } from "./segment-rescue.ts";

const failed = new Error("EIO: sync");

async function withSegment(
  work: (dir: string, path: string, records: number) => Promise<void>,
): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "deucalion-rescue-"));
  try {
    const writer = LogWriter.open(dir, 3, { syncFailed: null });
    const records = 200;
    for (let i = 0; i < records; i++) writer.append(new Uint8Array(1000).fill(i + 1));
    writer.flush();
    writer.cut();
    writer.close();
    await work(dir, join(dir, segmentName(3)), records);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function untilNone(rescue: SegmentRescue): Promise<void> {
  for (let tries = 0; tries < 3000; tries++) {
    try {
      return rescue.assertNone();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
  rescue.assertNone();
}

test("SegmentRescue puts a new file with the same bytes in the place of the old one", async () => {
  await withSegment(async (dir, path, records) => {
    const reasons: string[] = [];
    const rescue = new SegmentRescue(({ reason }) => reasons.push(reason));
    const before = await readFile(path);
    const { ino } = await stat(path);
    rescue.add(dir, { number: 3, records }, failed);
    assert.throws(() => rescue.assertNone(), { code: "TSDB_WAL_SYNC" });
    await untilNone(rescue);
    assert.deepEqual(await readFile(path), before);
    assert.notEqual((await stat(path)).ino, ino);
    assert.deepEqual(await readdir(dir), [segmentName(3), segmentName(4)]);
    assert.deepEqual(reasons, ["sync of the log: EIO: sync"]);
    rescue.close();
  });
});

test("SegmentRescue tries again while a new file cannot be written", async () => {
  await withSegment(async (dir, path, records) => {
    const reasons: string[] = [];
    const rescue = new SegmentRescue(({ reason }) => reasons.push(reason));
    await mkdir(join(`${path}.tmp`, "in-the-way"), { recursive: true });
    rescue.add(dir, { number: 3, records }, failed);
    for (let tries = 0; tries < 3000 && reasons.length < 2; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.match(reasons[1]!, /^writing it again: /);
    assert.throws(() => rescue.assertNone(), { code: "TSDB_WAL_SYNC" });
    await rm(`${path}.tmp`, { recursive: true });
    await untilNone(rescue);
    rescue.close();
  });
});

test("SegmentRescue leaves a segment alone that is gone, or of which records are gone", async () => {
  await withSegment(async (dir, path, records) => {
    const reasons: string[] = [];
    const rescue = new SegmentRescue(({ reason }) => reasons.push(reason));
    const { ino } = await stat(path);
    rescue.add(dir, { number: 3, records: records + 2 }, failed);
    rescue.add(dir, { number: 2, records: 1 }, failed);
    await untilNone(rescue);
    assert.equal((await stat(path)).ino, ino);
    assert.deepEqual(reasons.slice(2), ["2 records of 202 are gone"]);
    rescue.close();
  });
});
