// Hinted hand-off between processes: a receiver that was away has everything a moment after it is back.
import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { freePort } from "@deucalion/base/testing";
import {
  encodeWrite,
  postWrite,
  type RunningReceiver,
  served,
  startReceiver,
  startReceivers,
  withFolder,
} from "../testing.ts";

const seriesCount = 40;

interface Ring {
  readonly nodes: RunningReceiver[];
  readonly start: (i: number) => Promise<RunningReceiver>;
  /** Status of one write over node `by`: a sample of each series. */
  readonly post: (step: number, by?: number) => Promise<number>;
}

async function withRing(
  args: readonly string[],
  work: (ring: Ring, dir: string) => Promise<void>,
): Promise<void> {
  await withFolder(async (dir) => {
    const ports = await Promise.all([0, 1, 2].map(freePort));
    const endpoints = ports.map((port) => `127.0.0.1:${port}`);
    const rings = join(dir, "rings.json");
    await writeFile(rings, JSON.stringify([{ hashring: "all", endpoints }]));
    const start = (i: number): Promise<RunningReceiver> =>
      startReceiver(join(dir, `data-${i}`), [
        `--grpc-address=${endpoints[i]}`,
        `--receive.local-endpoint=${endpoints[i]}`,
        `--receive.hashrings-file=${rings}`,
        "--receive.hashrings-algorithm=ketama",
        "--receive.replication-factor=3",
        "--receive-forward-max-backoff=300ms",
        `--label=replica="${i}"`,
        ...args,
      ]);
    const nodes = await startReceivers(3, start);
    const t = Date.now();
    const post = async (step: number, by = 0): Promise<number> => {
      const series = Array.from({ length: seriesCount }, (_, i) => ({
        labels: { __name__: "r", i: String(i) },
        samples: [[t + step * 1000, step]] as [number, number][],
      }));
      return (await postWrite(nodes[by]!.write, encodeWrite(series))).status;
    };
    try {
      await work({ nodes, start, post }, dir);
    } finally {
      for (const node of nodes) if (node.child.exitCode === null) await node.stop("SIGKILL");
    }
  });
}

async function hints(dir: string, node: number): Promise<string[]> {
  return (await readdir(join(dir, `data-${node}`))).filter((name) => name.startsWith("handoff."));
}

async function metric(node: RunningReceiver, pattern: RegExp): Promise<number> {
  const text = await (await fetch(`http://${node.http}/metrics`)).text();
  return Number(pattern.exec(text)?.[1] ?? Number.NaN);
}

/** Waits until a node serves exactly these values of every series. */
async function serves(node: RunningReceiver, values: readonly number[]): Promise<void> {
  let found = new Map<string, number[]>();
  for (let tries = 0; tries < 80; tries++) {
    found = await served(node.grpc);
    const whole = [...found.values()].filter((have) => have.length === values.length);
    if (found.size === seriesCount && whole.length === seriesCount) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.equal(found.size, seriesCount);
  for (const have of found.values()) assert.deepEqual(have, values);
}

test("a receiver that was killed is given what it missed, though the giver was killed too", async () => {
  await withRing([], async ({ nodes, start, post }, dir) => {
    assert.equal(await post(0), 200);
    await nodes[2]!.stop("SIGKILL");
    for (let step = 1; step <= 4; step++) assert.equal(await post(step), 200);
    // The other router has something for it too.
    assert.equal(await post(5, 1), 200);
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.ok((await hints(dir, 0)).length > 0 && (await hints(dir, 1)).length > 0);
    assert.ok((await metric(nodes[0]!, /handoff_bytes\{[^}]*\} (\d+)/)) > 0);
    await nodes[0]!.stop("SIGKILL");
    nodes[0] = await start(0);
    nodes[2] = await start(2);
    await serves(nodes[2]!, [0, 1, 2, 3, 4, 5]);
    // Alone among the three it goes on as before.
    assert.equal(await post(6), 200);
    await serves(nodes[2]!, [0, 1, 2, 3, 4, 5, 6]);
    for (let tries = 0; tries < 50 && (await hints(dir, 0)).length > 0; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.deepEqual(await hints(dir, 0), []);
    assert.ok((await metric(nodes[0]!, /requests_total\{result="delivered"\} (\d+)/)) > 0);
  });
});

test("hints are bounded, and a write without quorum leaves none", async () => {
  await withRing(["--receive.handoff-max-bytes=0"], async ({ nodes, post }, dir) => {
    await nodes[2]!.stop("SIGKILL");
    assert.equal(await post(1), 200);
    assert.deepEqual(await hints(dir, 0), []);
  });
  await withRing(["--receive.handoff-max-bytes=3KiB"], async ({ nodes, post }, dir) => {
    await nodes[1]!.stop("SIGKILL");
    await nodes[2]!.stop("SIGKILL");
    assert.equal(await post(1), 503);
    assert.deepEqual(await hints(dir, 0), []);
  });
  await withRing(["--receive.handoff-max-bytes=3KiB"], async ({ nodes, post }) => {
    await nodes[2]!.stop("SIGKILL");
    for (let step = 0; step < 8; step++) assert.equal(await post(step), 200);
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.ok((await metric(nodes[0]!, /requests_total\{result="dropped"\} (\d+)/)) > 0);
    assert.ok((await metric(nodes[0]!, /handoff_bytes\{[^}]*\} (\d+)/)) <= 3 * 1024);
  });
});
