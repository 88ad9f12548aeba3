// When garbage is collected, and that it can be.
import assert from "node:assert/strict";
import { test } from "node:test";
import { collectGarbage } from "./collect-garbage.ts";
import { IdleMemory } from "./idle-memory.ts";
import type { CallGate } from "./store-source.ts";

const mb = 1 << 20;
const signal = new AbortController().signal;

/** A heap that is as large as the test says, and that a collection makes smaller. */
function heapOf(afterBytes: number) {
  const heap = { bytes: 0, collections: 0 };
  const deps = {
    heapBytes: () => heap.bytes,
    collect: async () => {
      heap.collections++;
      heap.bytes = afterBytes;
    },
  };
  return { heap, deps };
}

const open: CallGate = { enter: async () => () => undefined };

test("giveBack() collects a large heap, and again when it has grown by half", async () => {
  const { heap, deps } = heapOf(40 * mb);
  const idle = new IdleMemory(open, deps);
  const sizes = [20, 47, 48, 59, 60, 61].map((size) => size * mb);
  const collected: boolean[] = [];
  for (const size of sizes) {
    heap.bytes = size;
    collected.push(await idle.giveBack());
  }
  assert.deepEqual(collected, [false, false, true, false, true, true]);
  assert.equal(heap.collections, 3);
});

test("giveBack() collects nothing while a call waits or is served", async () => {
  const { heap, deps } = heapOf(40 * mb);
  const left: string[] = [];
  let letIn: () => void = () => undefined;
  const gate: CallGate = {
    enter: () =>
      new Promise((resolve) => {
        letIn = () => resolve(() => left.push("left"));
      }),
  };
  const idle = new IdleMemory(gate, deps);
  heap.bytes = 90 * mb;
  const entering = idle.enter(signal);
  assert.equal(await idle.giveBack(), false);
  letIn();
  const leave = await entering;
  assert.equal(await idle.giveBack(), false);
  leave();
  leave();
  assert.deepEqual(left, ["left"]);
  assert.equal(await idle.giveBack(), true);
});

test("giveBack() forgets a call that was not let in", async () => {
  const { heap, deps } = heapOf(40 * mb);
  const gate: CallGate = { enter: () => Promise.reject(new Error("stop")) };
  const idle = new IdleMemory(gate, deps);
  heap.bytes = 90 * mb;
  await assert.rejects(idle.enter(signal), /stop/);
  assert.equal(await idle.giveBack(), true);
});

/** Nothing but the reference leads to the object. */
function lostObject(): WeakRef<object> {
  return new WeakRef({ garbage: new Array(1000).fill(0) });
}

test("collectGarbage() frees what nobody holds", async () => {
  const seen = lostObject();
  // An object lives until the end of the turn in which a reference to it was made.
  await new Promise((resolve) => setImmediate(resolve));
  await collectGarbage();
  assert.equal(seen.deref(), undefined);
});
