import assert from "node:assert/strict";
import { test } from "node:test";
import { loadXxhash64 } from "@deucalion/kernels";
import type { AlertingRule } from "../rule/alerting-rule.ts";
import { alerting, group, RecordedProcess, recording, sample } from "../testing/mod.ts";
import { RuleManager } from "./rule-manager.ts";

const minute = 60_000;

/** A process whose clock goes on only where the test says so. */
class SteppedProcess extends RecordedProcess {
  readonly #sleeping: { untilMs: number; wake: () => void }[] = [];

  sleep = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal.aborted) {
        resolve();
        return;
      }
      const wake = (): void => {
        signal.removeEventListener("abort", wake);
        resolve();
      };
      this.#sleeping.push({ untilMs: this.nowMs + ms, wake });
      signal.addEventListener("abort", wake);
    });

  /** Moves the clock on, waking who sleeps, in order of time. */
  async advanceTo(timeMs: number): Promise<void> {
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      this.#sleeping.sort((a, b) => a.untilMs - b.untilMs);
      const next = this.#sleeping[0];
      if (next === undefined || next.untilMs > timeMs) break;
      this.#sleeping.shift();
      this.nowMs = Math.max(this.nowMs, next.untilMs);
      next.wake();
    }
    this.nowMs = timeMs;
  }
}

async function start(process: SteppedProcess): Promise<RuleManager> {
  const hash = await loadXxhash64();
  const deps = { ...process.deps(), hash, sleep: process.sleep };
  return new RuleManager(deps, process.options);
}

const timesOf = (process: RecordedProcess, query: string): number[] =>
  process.queries
    .filter((line) => line.startsWith(`${query}@`))
    .map((line) => Number(line.split("@")[1]));

test("each group is evaluated at its own place of each interval, after start() only", async () => {
  const process = new SteppedProcess();
  const manager = await start(process);
  await manager.update([
    group([recording("a", "x")], { intervalMs: 30_000 }),
    group([recording("b", "y")], { name: "h" }),
  ]);
  await process.advanceTo(5 * minute);
  assert.deepEqual(process.queries, []);
  manager.start();
  await process.advanceTo(10 * minute);
  const x = timesOf(process, "x");
  const y = timesOf(process, "y");
  assert.equal(x.length, 10);
  assert.equal(y.length, 5);
  assert.ok(x.every((time, i) => i === 0 || time - x[i - 1]! === 30_000));
  assert.notEqual(x[0]! % 30_000, y[0]! % 30_000);
  await manager.stop();
});

test("an iteration that takes too long lets others be missed, which are counted", async () => {
  const process = new SteppedProcess();
  const manager = await start(process);
  await manager.update([group([recording("a", "x")])]);
  let slow = true;
  process.answer = () => {
    if (slow) process.nowMs += 3.5 * minute;
    slow = false;
    return [];
  };
  manager.start();
  await process.advanceTo(8 * minute);
  const [first, second, third] = timesOf(process, "x");
  assert.equal(second! - first!, 3 * minute);
  assert.equal(third! - second!, minute);
  assert.equal(process.counts.missed, 2);
  await manager.stop();
});

test("a reload keeps alerts of moved rules, and marks series of dropped ones stale two intervals later", async () => {
  const process = new SteppedProcess();
  const manager = await start(process);
  process.answer = () => [sample({ job: "x" })];
  const alert = alerting("A", "x", { forMs: 10 * minute });
  await manager.update([group([alert]), group([recording("gone", "y")], { name: "h" })]);
  manager.start();
  await process.advanceTo(3 * minute);
  const since = (manager.groups[0]!.rules[0] as AlertingRule).activeAlerts()[0]!.activeAtMs;
  await manager.update([group([alert], { name: "moved", file: "z.yml" })]);
  assert.deepEqual(
    manager.groups.map(({ key }) => key),
    ["z.yml;moved"],
  );
  const moved = manager.groups[0]!.rules[0] as AlertingRule;
  assert.equal(moved.activeAlerts()[0]!.activeAtMs, since);
  process.takeStored();
  await process.advanceTo(5 * minute - 1);
  assert.ok(process.takeStored().every((line) => !line.includes("stale")));
  await process.advanceTo(6 * minute);
  assert.ok(process.takeStored().includes('{__name__="gone", job="x"} stale@180000'));
  await process.advanceTo(since + 10 * minute + minute);
  assert.equal(moved.state, "firing");
  await manager.stop();
});

test("a group that says what it said goes on without a gap", async () => {
  const process = new SteppedProcess();
  const manager = await start(process);
  const specs = () => [group([recording("a", "x")])];
  await manager.update(specs());
  manager.start();
  const [running] = manager.groups;
  await process.advanceTo(2.5 * minute);
  await manager.update(specs());
  assert.equal(manager.groups[0], running);
  await process.advanceTo(5 * minute);
  assert.equal(timesOf(process, "x").length, 5);
  await manager.stop();
  assert.deepEqual(await Promise.race([manager.update([]), 1]), undefined);
});
