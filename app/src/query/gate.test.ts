import assert from "node:assert/strict";
import { test } from "node:test";
import { Registry } from "prom-client";
import { Gate, GateMetrics } from "./gate.ts";

const never = new AbortController().signal;

test("Gate lets so many in and keeps the order of the others", async () => {
  const gate = new Gate(2, new GateMetrics(2, "g_", new Registry()));
  const order: number[] = [];
  const leave = [await gate.enter(never), await gate.enter(never)];
  const waiting = [3, 4].map(async (n) => {
    const done = await gate.enter(never);
    order.push(n);
    return done;
  });
  await Promise.resolve();
  assert.deepEqual(order, []);
  leave[0]!();
  leave[0]!();
  await waiting[0];
  assert.deepEqual(order, [3]);
  leave[1]!();
  await waiting[1];
  assert.deepEqual(order, [3, 4]);
});

test("Gate forgets who gave up waiting", async () => {
  const gate = new Gate(1, new GateMetrics(1, "h_", new Registry()));
  const leave = await gate.enter(never);
  const stop = new AbortController();
  const given = gate.enter(stop.signal);
  stop.abort(new Error("gone"));
  await assert.rejects(given, { message: "gone" });
  leave();
  (await gate.enter(never))();
});
