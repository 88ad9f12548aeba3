// Queues of hints: order, restarts, damage, and what is left on disk.
import assert from "node:assert/strict";
import { appendFile, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { withFolder } from "../testing.ts";
import { type HintFile, HintQueue, hintFileName, parseHintFileName } from "./hint-queue.ts";

const address = "receive-2.example:10901";

async function reopened(dir: string, damaged: () => void): Promise<HintQueue> {
  const files: HintFile[] = [];
  for (const name of (await readdir(dir)).sort()) {
    const { number } = parseHintFileName(name)!;
    files.push({ name, number, bytes: (await stat(join(dir, name))).size });
  }
  return new HintQueue(dir, address, files, damaged);
}

function request(i: number, bytes = 100): Uint8Array {
  return new Uint8Array(bytes).fill(i & 255);
}

async function drained(queue: HintQueue): Promise<number[]> {
  const found: number[] = [];
  for (let one = await queue.peek(); one !== null; one = await queue.peek()) {
    assert.deepEqual(await queue.peek(), one);
    found.push(one[0]!);
    queue.drop();
  }
  return found;
}

test("HintQueue gives requests in order, across reading and writing by turns, and leaves no file", async () => {
  await withFolder(async (dir) => {
    const queue = new HintQueue(dir, address, [], assert.fail);
    assert.equal(await queue.peek(), null);
    for (let i = 0; i < 5; i++) queue.push(request(i));
    assert.equal((await queue.peek())![0], 0);
    queue.drop();
    queue.push(request(5));
    assert.ok(!queue.isEmpty && queue.bytes > 0);
    assert.deepEqual(await drained(queue), [1, 2, 3, 4, 5]);
    assert.ok(queue.isEmpty);
    queue.push(request(6));
    assert.deepEqual(await drained(queue), [6]);
    assert.deepEqual(await readdir(dir), []);
  });
});

test("HintQueue begins another file when one is large, and goes on after a restart", async () => {
  await withFolder(async (dir) => {
    const first = new HintQueue(dir, address, [], assert.fail);
    const noise = (i: number): Uint8Array =>
      Uint8Array.from({ length: 1_500_000 }, (_, at) => (at === 0 ? i : Math.random() * 256));
    for (let i = 0; i < 7; i++) first.push(noise(i));
    assert.equal((await readdir(dir)).length, 4);
    // No close: the process was killed.
    const second = await reopened(dir, assert.fail);
    second.push(request(7));
    assert.deepEqual(await drained(second), [0, 1, 2, 3, 4, 5, 6, 7]);
    first.close();
  });
});

test("damage costs what is behind it in its file", async () => {
  await withFolder(async (dir) => {
    const queue = new HintQueue(dir, address, [], assert.fail);
    for (let i = 0; i < 3; i++) queue.push(request(i));
    queue.close();
    const path = join(dir, hintFileName(address, 1));
    const whole = await readFile(path);
    let damages = 0;
    const count = (): void => {
      damages++;
    };
    await appendFile(path, whole.subarray(0, 11));
    const torn = await reopened(dir, count);
    torn.push(request(9));
    assert.deepEqual(await drained(torn), [0, 1, 2, 9]);
    assert.equal(damages, 1);
    whole[whole.length - 1]! ^= 1;
    await writeFile(path, whole);
    assert.deepEqual(await drained(await reopened(dir, count)), [0, 1]);
    assert.equal(damages, 2);
    assert.deepEqual(await readdir(dir), []);
  });
});

test("names of files hold any address", () => {
  for (const text of [address, "[::1]:1", "dns:///x/y?z"]) {
    assert.deepEqual(parseHintFileName(hintFileName(text, 12)), { address: text, number: 12 });
  }
  assert.equal(parseHintFileName("default-tenant"), null);
});
