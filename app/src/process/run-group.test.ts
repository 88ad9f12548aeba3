import assert from "node:assert/strict";
import { test } from "node:test";
import { type Actor, every, RunGroup } from "./run-group.ts";

function actor(name: string, events: string[], ends?: Promise<void>): Actor {
  let stop: () => void = () => undefined;
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  return {
    name,
    execute: async () => {
      await Promise.race(ends === undefined ? [stopped] : [ends, stopped]);
      events.push(`${name} ended`);
    },
    interrupt: () => {
      events.push(`${name} interrupted`);
      stop();
    },
  };
}

test("RunGroup ends all when one ends, and awaits them", async () => {
  const events: string[] = [];
  const group = new RunGroup();
  group.add(actor("a", events));
  group.add(actor("b", events, Promise.resolve()));
  await group.run();
  assert.deepEqual(events, ["b ended", "a interrupted", "b interrupted", "a ended"]);
});

test("RunGroup throws what the first failure was", async () => {
  const events: string[] = [];
  const group = new RunGroup();
  group.add(actor("a", events));
  group.add(actor("b", events, Promise.reject(new Error("no room"))));
  await assert.rejects(group.run(), { message: "no room" });
  assert.ok(events.includes("a ended"));
});

test("every() works again and again until it is interrupted", async () => {
  let count = 0;
  const loop = every("loop", 1, async () => {
    count++;
    if (count === 3) void loop.interrupt(undefined);
  });
  await loop.execute();
  assert.equal(count, 3);
});
