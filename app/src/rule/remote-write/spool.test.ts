import assert from "node:assert/strict";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Spool, type SpoolOptions, type SpoolPosition } from "./spool.ts";

function scratch(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "deucalion-spool-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

function open(dir: string, options: Partial<SpoolOptions> = {}) {
  const reports: string[] = [];
  const spool = new Spool(
    { dir, segmentBytes: 200, bytesMax: 1 << 20, ...options },
    { report: (reason) => reports.push(reason) },
  );
  return { spool, reports };
}

const payload = (n: number): Uint8Array => Buffer.from(`payload ${String(n).padStart(40, "0")}`);

async function all(spool: Spool, from: SpoolPosition): Promise<string[]> {
  const texts: string[] = [];
  for (let at = from; ; ) {
    const { payloads, next } = await spool.read(at, 100);
    if (payloads.length === 0) return texts;
    texts.push(...payloads.map((one) => Buffer.from(one).toString()));
    at = next;
  }
}

const texts = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => Buffer.from(payload(from + i)).toString());

test("Spool gives back frames in order over files and restarts", async (t) => {
  const dir = scratch(t);
  const first = open(dir).spool;
  for (let i = 0; i < 10; i++) first.append(payload(i));
  first.close();
  const { spool, reports } = open(dir);
  for (let i = 10; i < 13; i++) spool.append(payload(i));
  assert.deepEqual(await all(spool, { segment: 0, offset: 0 }), texts(0, 13));
  const { next } = await spool.read(spool.start, 1);
  assert.deepEqual(await all(spool, next), texts(1, 13));
  assert.deepEqual(reports, []);
  spool.close();
});

test("Spool skips what a kill left unfinished, and goes on behind it", async (t) => {
  const dir = scratch(t);
  const first = open(dir).spool;
  first.append(payload(0));
  first.append(payload(1));
  first.close();
  const [file] = readdirSync(dir);
  appendFileSync(join(dir, file!), Buffer.from([0, 0, 0, 60, 1, 2, 3, 4, 5]));
  const { spool, reports } = open(dir);
  spool.append(payload(2));
  assert.deepEqual(await all(spool, spool.start), texts(0, 3));
  assert.deepEqual(reports, ["the rest of a file cannot be read"]);
  spool.close();
});

test("Spool finds a flipped bit and loses no more than the rest of that file", async (t) => {
  const dir = scratch(t);
  const first = open(dir).spool;
  for (let i = 0; i < 9; i++) first.append(payload(i));
  first.close();
  const path = join(dir, readdirSync(dir).sort()[0]!);
  const bytes = readFileSync(path);
  bytes[70]! ^= 1;
  writeFileSync(path, bytes);
  const { spool } = open(dir);
  assert.deepEqual(await all(spool, spool.start), [...texts(0, 1), ...texts(3, 9)]);
  spool.close();
});

test("Spool drops the oldest files beyond its limit, and those that were sent", async (t) => {
  const dir = scratch(t);
  const { spool, reports } = open(dir, { bytesMax: 600 });
  for (let i = 0; i < 30; i++) spool.append(payload(i));
  assert.ok(spool.bytes <= 800, String(spool.bytes));
  assert.ok(reports.length > 0);
  const kept = await all(spool, { segment: 0, offset: 0 });
  assert.deepEqual(kept, texts(30 - kept.length, 30));
  spool.releaseBefore(spool.end);
  assert.equal(spool.start.segment, spool.end.segment);
  spool.close();
});

test("what a write that failed left in the file is written over", async (t) => {
  for (const torn of [1, 8, 30, 500]) {
    const dir = scratch(t);
    const { spool, reports } = open(dir, { segmentBytes: 10_000 });
    spool.append(payload(0));
    // As a full disk leaves it: part of a frame, and an error for whoever wrote it.
    appendFileSync(join(dir, readdirSync(dir)[0]!), Buffer.alloc(torn, 1));
    for (let i = 1; i < 4; i++) spool.append(payload(i));
    assert.deepEqual(await all(spool, spool.start), texts(0, 4));
    assert.deepEqual(reports, []);
    spool.close();
    const again = open(dir).spool;
    again.append(payload(4));
    assert.deepEqual(await all(again, again.start), texts(0, 5));
    again.close();
  }
});

test("a kill at any byte loses what was not written whole, and nothing else", async (t) => {
  const dir = scratch(t);
  const first = open(dir, { segmentBytes: 10_000 }).spool;
  for (let i = 0; i < 4; i++) first.append(payload(i));
  first.close();
  const path = join(dir, readdirSync(dir)[0]!);
  const whole = readFileSync(path);
  const frame = whole.length / 4;
  for (let length = 0; length <= whole.length; length += 5) {
    rmSync(dir, { recursive: true });
    mkdirSync(dir);
    writeFileSync(path, whole.subarray(0, length));
    const { spool } = open(dir);
    spool.append(payload(4));
    const kept = Math.floor(length / frame);
    assert.deepEqual(await all(spool, spool.start), [...texts(0, kept), ...texts(4, 5)]);
    // A place that was written down before the rest was lost.
    const { next } = await spool.read({ segment: 1, offset: 3 * frame }, 1);
    assert.equal(next.segment, length === whole.length ? 1 : 2);
    spool.close();
  }
});

test("Spool goes on when a file goes while it is read", async (t) => {
  const dir = scratch(t);
  const { spool } = open(dir, { bytesMax: 600 });
  for (let i = 0; i < 8; i++) spool.append(payload(i));
  const reading = Array.from({ length: 4 }, () => spool.read(spool.start, 100));
  for (let i = 8; i < 40; i++) spool.append(payload(i));
  for (const { payloads } of await Promise.all(reading)) assert.ok(payloads.length > 0);
  spool.close();
});
