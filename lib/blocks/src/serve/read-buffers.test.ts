import assert from "node:assert/strict";
import { createHash, type Hash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { BytePool } from "@deucalion/kernels";
import { Matcher, type SeriesBatch, type SeriesSource } from "@deucalion/model";
import type { Bucket } from "@deucalion/objstore";
import { never, openFolder } from "../testing/conformance.ts";
import { bucketStart, hourMs, seededRandom, writeRandomBucket } from "../testing/random-bucket.ts";
import { BlockIo } from "./block-io.ts";
import type { CallBudget } from "./call-budget.ts";
import { CallBuffers, ReadBuffers } from "./read-buffers.ts";

test("memory comes again after it was given back, once", () => {
  const buffers = new ReadBuffers(1 << 20);
  const data = buffers.take(100_000);
  assert.equal(data.length, 100_000);
  buffers.give(data);
  buffers.give(data);
  const [again, other] = [buffers.take(120_000), buffers.take(120_000)];
  assert.equal(again.buffer, data.buffer);
  assert.notEqual(other.buffer, data.buffer);
});

test("memory of others and more than is kept is left to the collector", () => {
  const buffers = new ReadBuffers(256 << 10);
  const foreign = new Uint8Array(131_072);
  buffers.give(foreign);
  assert.notEqual(buffers.take(131_072).buffer, foreign.buffer);
  const lent = [1, 2, 3].map(() => buffers.take(131_072));
  for (const data of lent) buffers.give(data);
  const kept = [1, 2, 3].map(() => buffers.take(131_072).buffer);
  assert.equal(lent.filter((data) => kept.includes(data.buffer)).length, 2);
});

test("a pool that calls leave full starts anew; what they hold stays as it is", () => {
  const pool = new BytePool(1 << 20);
  const buffers = new ReadBuffers(0, pool);
  const given = new CallBuffers(buffers);
  const first = given.take(600_000);
  given.give(first);
  given.give(first);
  given.close();
  const left = new CallBuffers(buffers);
  const held = left.take(600_000).fill(1);
  assert.equal(held.buffer, first.buffer);
  assert.notEqual(left.take(600_000).buffer, held.buffer);
  left.close();
  left.give(held);
  const next = new CallBuffers(buffers).take(1_000_000).fill(2);
  assert.notEqual(next.buffer, held.buffer);
  assert.equal(next.buffer.byteLength > 1_000_000, true);
  assert.ok(held.every((byte) => byte === 1));
  assert.equal(buffers.crc32c(held, 0, 99), buffers.crc32c(new Uint8Array(99).fill(1), 0, 99));
});

test("reads that outlive their call take nothing of the pool", () => {
  const pool = new BytePool(1 << 20);
  const buffers = new ReadBuffers(0, pool);
  for (let i = 0; i < 50; i++) {
    const call = new CallBuffers(buffers);
    call.close();
    assert.equal(call.take(100_000).length, 100_000);
  }
  assert.ok(pool.take(900_000) !== undefined);
});

test("once a read of a plan has failed no more are begun", async () => {
  const io = new BlockIo({} as Bucket, "block", {} as CallBudget, never);
  const count = 100;
  const from = Float64Array.from({ length: count }, (_, i) => i);
  const to = from.map((at) => at + 1);
  let begun = 0;
  const all = io.all({ count, from, to, readOf: new Uint32Array(count) }, async (at) => {
    begun++;
    await new Promise((resolve) => setImmediate(resolve));
    if (at === 3) throw new Error("gone");
    return at;
  });
  await assert.rejects(all, { message: "gone" });
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(begun <= 16, `${begun} reads`);
});

/** Adds all that is in a batch, as it is now, to a hash. */
function addTo(hash: Hash, batch: SeriesBatch): Hash {
  const columns = batch.chunks!;
  for (let i = 0; i < batch.seriesCount; i++) {
    const { data, start, end } = batch.labels(i);
    hash.update(data.subarray(start, end));
    for (let c = columns.first[i]!; c < columns.first[i + 1]!; c++) {
      const at = columns.offset[c]!;
      hash.update(columns.buffers[columns.buffer[c]!]!.subarray(at, at + columns.length[c]!));
    }
  }
  return hash;
}

function digest(batch: SeriesBatch): string {
  return addTo(createHash("sha256"), batch).digest("hex");
}

/** A batch that must not change any more. */
interface Held {
  readonly batch: SeriesBatch;
  readonly hash: string;
}

interface Answer {
  readonly hash: string;
  readonly batches: number;
}

/** Hash and number of the batches as they came. Those after the first `keepFrom` are not given back but held. */
async function ask(
  source: SeriesSource,
  [metric, replica, hours]: readonly [string, string, number],
  keepFrom: number,
  held: Held[],
): Promise<Answer> {
  const answer = createHash("sha256");
  let batches = 0;
  const request = {
    minTime: bucketStart,
    maxTime: bucketStart + hours * hourMs - 1,
    matchers: [new Matcher("=~", "__name__", metric), new Matcher("=~", "replica", replica)],
  };
  const context = { signal: never, warn: (text: string) => assert.fail(text) };
  for await (const batch of source.series(request, context)) {
    addTo(answer, batch);
    if (++batches <= keepFrom) batch.release?.();
    else held.push({ batch, hash: digest(batch) });
  }
  return { hash: answer.digest("hex"), batches };
}

test("answers are the same whether batches are given back or not, many at once too", async () => {
  const folder = await mkdtemp(join(tmpdir(), "read-buffers-"));
  const random = seededRandom(7);
  const stream = { hours: [4, 4], series: 2400, stepMs: 120_000 };
  await writeRandomBucket(
    folder,
    [
      { ...stream, labels: { replica: "a" } },
      { ...stream, labels: { replica: "b" }, overlapping: true },
    ],
    random,
  );
  const opened = await openFolder(folder, { callBytes: 1 << 20 });
  try {
    // The second is of one block, whose pieces are the batches.
    const asked = [
      ["m.", ".+", 8],
      ["m.", "a", 4],
      ["m1|m2", ".+", 8],
    ] as const;
    const held: Held[] = [];
    const all = (keepFrom: number): Promise<Answer[]> =>
      Promise.all(asked.map((each) => ask(opened.source, each, keepFrom, held)));
    const plain = await all(0);
    for (const { batches } of plain.slice(0, 2)) assert.ok(batches > 1);
    const hashes = (answers: Answer[]): string[] => answers.map(({ hash }) => hash);
    for (const keepFrom of [1000, 1, 1000, 0])
      assert.deepEqual(hashes(await all(keepFrom)), hashes(plain));
    for (const { batch, hash } of held) assert.equal(digest(batch), hash);
  } finally {
    await opened.close();
    await rm(folder, { recursive: true });
  }
});
