import assert from "node:assert/strict";
import {
  appendFileSync,
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
