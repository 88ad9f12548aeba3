// Hinted hand-off where things go wrong: full space, receivers that are slow or refuse, files that cannot be read, kills.
import assert from "node:assert/strict";
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { silentLog } from "@deucalion/base";
import fc from "fast-check";
import { Registry } from "prom-client";
import { ReceiveError } from "../errors.ts";
import { withFolder } from "../testing.ts";
import { Handoff } from "./handoff.ts";
import { hintFileName } from "./hint-queue.ts";

const address = "receive-2:10901";

/** A receiver that keeps what it is given. */
class Receiver {
  readonly got: number[] = [];
  /** What the next requests come to; then all are taken. */
  readonly answers: ReceiveError[] = [];
  isAway = false;

  readonly send = async (_: string, request: Uint8Array): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.isAway) throw new ReceiveError("RECEIVE_UNAVAILABLE", "away");
    const error = this.answers.shift();
    if (error !== undefined) throw error;
    this.got.push(request[0]!);
  };
}

function open(dir: string, receiver: Receiver, now: () => number = Date.now, bytesMax = 1 << 20) {
  const registry = new Registry();
  const handoff = new Handoff(
    { dir, bytesMax },
    { log: silentLog, registry, now, send: receiver.send },
  );
  handoff.keep(new Set([address]));
  const count = async (result: string): Promise<number> => {
    const { values } = (await registry
      .getSingleMetric("deucalion_receive_handoff_requests_total")!
      .get()) as { values: { value: number; labels: { result?: string } }[] };
    return values.find(({ labels }) => labels.result === result)!.value;
  };
  return { handoff, count };
}

async function until(done: () => boolean): Promise<void> {
  for (let tries = 0; tries < 400 && !done(); tries++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.ok(done(), "in time");
}

function request(i: number): Uint8Array {
  // Does not compress, so that files have known sizes.
  return Uint8Array.from({ length: 200 }, (_, at) => (at === 0 ? i : (at * 89 + i * 31) & 255));
}

function hints(dir: string): string[] {
  return readdirSync(dir).filter((name) => name.startsWith("handoff."));
}

test("what is refused for good goes, and what comes behind it is delivered", async () => {
  await withFolder(async (dir) => {
    const receiver = new Receiver();
    receiver.answers.push(
      new ReceiveError("RECEIVE_CONFLICT", "too old"),
      new ReceiveError("RECEIVE_BODY", "no"),
      new ReceiveError("RECEIVE_NOT_READY", "not yet"),
    );
    const { handoff, count } = open(dir, receiver);
    for (let i = 0; i < 5; i++) handoff.push(address, request(i));
    await until(() => !handoff.isWaiting(address));
    assert.deepEqual(receiver.got, [2, 3, 4]);
    assert.deepEqual([await count("refused"), await count("delivered")], [2, 3]);
    await handoff.close();
    assert.deepEqual(hints(dir), []);
  });
});

test("where there is no room a request stays with whoever has it", async () => {
  await withFolder(async (dir) => {
    const receiver = new Receiver();
    receiver.isAway = true;
    const { handoff, count } = open(dir, receiver, Date.now, 1000);
    let taken = 0;
    while (handoff.offer(address, request(taken))) taken++;
    assert.ok(taken > 1 && taken < 6 && handoff.bytes <= 1000, `${taken} taken`);
    assert.equal(await count("dropped"), 0);
    handoff.push(address, request(99));
    assert.equal(await count("dropped"), 1);
    receiver.isAway = false;
    await until(() => !handoff.isWaiting(address));
    assert.deepEqual(
      receiver.got,
      Array.from({ length: taken }, (_, i) => i),
    );
    assert.ok(handoff.offer(address, request(7)));
    await until(() => receiver.got.at(-1) === 7);
    await handoff.close();
  });
});

test("a queue that never comes to its end gets no more after a while", async () => {
  await withFolder(async (dir) => {
    const receiver = new Receiver();
    let now = 1000;
    const { handoff } = open(dir, receiver, () => now);
    let sent = 0;
    const more = (): void => {
      while (sent < receiver.got.length + 3) handoff.push(address, request(sent++ & 255));
    };
    more();
    while (receiver.got.length < 20) {
      await new Promise((resolve) => setImmediate(resolve));
      more();
    }
    assert.ok(handoff.isWaiting(address));
    now += 40_000;
    assert.equal(handoff.isWaiting(address), false);
    await until(() => receiver.got.length === sent);
    // It is as any other again when the receiver goes away once more.
    receiver.isAway = true;
    handoff.push(address, request(1));
    now += 40_000;
    assert.ok(handoff.isWaiting(address));
    await handoff.close();
  });
});

test("a file that cannot be read for a moment is not lost", async () => {
  await withFolder(async (dir) => {
    const receiver = new Receiver();
    receiver.isAway = true;
    const first = open(dir, receiver);
    for (let i = 0; i < 3; i++) first.handoff.push(address, request(i));
    await first.handoff.close();
    const path = join(dir, hintFileName(address, 1));
    const aside = join(dir, "aside");
    copyFileSync(path, aside);
    // A folder of that name: opening it works, reading it does not.
    rmSync(path);
    mkdirSync(path);
    receiver.isAway = false;
    const second = open(dir, receiver);
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(await second.count("damaged"), 0);
    rmSync(path, { recursive: true });
    writeFileSync(path, readFileSync(aside));
    // Its size was that of the folder: what is in it is read as far as that says.
    await second.handoff.close();
    const third = open(dir, receiver);
    await until(() => receiver.got.length === 3);
    await third.handoff.close();
    assert.deepEqual(receiver.got, [0, 1, 2]);
  });
});

test("a kill at any byte of a write loses nothing that was kept before, and nothing that comes later", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat({ max: 220 }),
      fc.integer({ min: 1, max: 3 }),
      fc.boolean(),
      async (cut, kept, junk) => {
        await withFolder(async (dir) => {
          const receiver = new Receiver();
          receiver.isAway = true;
          const first = open(dir, receiver);
          for (let i = 0; i < kept; i++) first.handoff.push(address, request(i));
          const whole = first.handoff.bytes;
          first.handoff.push(address, request(100));
          const last = first.handoff.bytes - whole;
          await first.handoff.close();
          const path = join(dir, hintFileName(address, 1));
          truncateSync(path, whole + Math.min(cut, last - 1));
          if (junk) appendFileSync(path, Buffer.alloc(cut, 0xff));
          const second = open(dir, receiver);
          second.handoff.push(address, request(200));
          receiver.isAway = false;
          await until(() => receiver.got.at(-1) === 200);
          await second.handoff.close();
          const want = Array.from({ length: kept }, (_, i) => i);
          assert.deepEqual(receiver.got, [...want, 200]);
          assert.deepEqual(hints(dir), []);
        });
      },
    ),
    { numRuns: 12 },
  );
});

test("a receiver that left the rings and returns is given what waits, once", async () => {
  await withFolder(async (dir) => {
    const receiver = new Receiver();
    receiver.isAway = true;
    const { handoff } = open(dir, receiver);
    for (let i = 0; i < 4; i++) handoff.push(address, request(i));
    handoff.keep(new Set(["another:1"]));
    receiver.isAway = false;
    await new Promise((resolve) => setTimeout(resolve, 700));
    // One may have been on its way.
    assert.ok(receiver.got.length <= 1);
    for (let i = 0; i < 3; i++) handoff.keep(new Set([address]));
    await until(() => !handoff.isWaiting(address));
    assert.deepEqual(receiver.got, [0, 1, 2, 3]);
    await handoff.close();
  });
});
