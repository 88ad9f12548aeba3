// The receiver as a process: recorded bodies, faults, crashes, and rings of several.
import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { freePort } from "@deucalion/base/testing";
import { Labels } from "@deucalion/model";
import { Database } from "@deucalion/tsdb";
import { conformanceMissing, conformanceRoot } from "@deucalion/tsdb/testing";
import {
  encodeWrite,
  postWrite,
  type RunningReceiver,
  served,
  startReceiver,
  startReceivers,
  withFolder,
} from "./testing.ts";

/** Samples of every series in a tenant's folder, by the series' key. */
async function stored(dir: string): Promise<Map<string, Map<number, number>>> {
  const database = await Database.open(dir);
  assert.deepEqual(
    database.damage.filter(({ reason }) => !/torn/.test(reason)),
    [],
  );
  const found = new Map<string, Map<number, number>>();
  for await (const { labels, samples } of database.series([])) {
    const times = new Map<number, number>();
    for (let i = 0; i < samples.count; i++) {
      times.set(samples.times[i]!, samples.histograms?.[i]?.count ?? samples.values[i]!);
    }
    assert.equal(times.size, samples.count);
    found.set(labels.key, times);
  }
  await database.close();
  return found;
}

interface Recorded {
  readonly headers: Record<string, string>;
  readonly decoded: {
    readonly symbols?: readonly string[];
    readonly timeseries: readonly RecordedSeries[] | null;
  };
}
interface RecordedSeries {
  readonly labels: readonly (readonly [string, string])[];
  readonly samples: readonly (readonly unknown[])[] | null;
  readonly histograms: readonly unknown[] | null;
}

function numberOf(text: string): number {
  if (text === "+Inf") return Number.POSITIVE_INFINITY;
  return text === "-Inf" ? Number.NEGATIVE_INFINITY : Number(text);
}

for (const version of ["v1", "v2"]) {
  test(`recorded bodies of remote write ${version} are stored`, {
    skip: conformanceMissing,
  }, async () => {
    await withFolder(async (dir) => {
      const folder = join(conformanceRoot, "wire/remote-write");
      const receiver = await startReceiver(dir, ["--tsdb.out-of-order.time-window=1d"]);
      const want = new Map<string, Map<number, number>>();
      try {
        const names = (await readdir(folder)).filter(
          (name) => name.startsWith(version) && name.endsWith(".body"),
        );
        for (const name of names.sort()) {
          const record = JSON.parse(
            gunzipSync(await readFile(join(folder, name.replace(".body", ".json.gz")))).toString(),
          ) as Recorded;
          const { "Content-Length": _, ...headers } = record.headers;
          const body = await readFile(join(folder, name));
          for (let again = 0; again < 2; again++) {
            const answer = await postWrite(receiver.write, body, headers);
            assert.equal(answer.status, version === "v1" ? 200 : 204, answer.text);
            if (version === "v1") continue;
            const count = record.decoded.timeseries!.reduce(
              (sum, { samples }) => sum + (samples?.length ?? 0),
              0,
            );
            assert.equal(
              answer.headers.get("x-prometheus-remote-write-samples-written"),
              String(count),
            );
          }
          for (const { labels, samples, histograms } of record.decoded.timeseries ?? []) {
            // A series that brings only exemplars does not come into being by them.
            if ((samples?.length ?? 0) + (histograms?.length ?? 0) === 0) continue;
            const { key } = Labels.from(labels);
            const times = want.get(key) ?? new Map<number, number>();
            want.set(key, times);
            for (const sample of samples ?? []) {
              const numbers = sample as readonly [number, string];
              times.set(numbers[0], numberOf(numbers[1]));
            }
            for (const one of histograms ?? []) {
              const text = JSON.stringify(one);
              const time =
                /"(?:timestamp|t)":(\d+)/.exec(text)?.[1] ?? /^\[(\d{13})/.exec(text)?.[1];
              assert.ok(time !== undefined, text);
              times.set(Number(time), Number.NaN);
            }
          }
        }
      } finally {
        await receiver.stop("SIGTERM");
      }
      const got = await stored(join(dir, "default-tenant"));
      assert.deepEqual([...got.keys()].sort(), [...want.keys()].sort());
      for (const [key, times] of want) {
        const mine = got.get(key)!;
        assert.deepEqual([...mine.keys()].sort(), [...times.keys()].sort(), key);
        for (const [time, value] of times) {
          if (!Number.isNaN(value)) assert.equal(mine.get(time), value, key);
        }
      }
    });
  });
}

test("statuses tell senders what became of a write", async () => {
  await withFolder(async (dir) => {
    const limits = join(dir, "limits.yaml");
    await writeFile(
      limits,
      "write:\n  tenants:\n    small:\n      request: {series_limit: 1, samples_limit: 3, size_bytes_limit: 400}\n      head_series_limit: 1\n",
    );
    const receiver = await startReceiver(join(dir, "data"), [
      `--receive.limits-config-file=${limits}`,
    ]);
    const t = Date.now();
    const post = async (
      labels: Record<string, string>,
      samples: [number, number][],
      headers: Record<string, string> = {},
    ): Promise<{ status: number; text: string }> =>
      postWrite(receiver.write, encodeWrite([{ labels, samples }]), headers);
    try {
      const a = { __name__: "a", x: "1" };
      assert.equal((await post(a, [[t, 1]])).status, 200);
      assert.equal((await post(a, [[t, 1]])).status, 200);
      const conflict = await post(a, [[t, 2]]);
      assert.equal(conflict.status, 409);
      assert.match(conflict.text, /add 1 samples: duplicate sample for timestamp \(\{__name__="a"/);
      assert.equal((await post(a, [[t + 1, 2]])).status, 200);
      const late = await post(a, [
        [t - 5, 2],
        [t + 2, 3],
      ]);
      assert.equal(late.status, 409);
      assert.match(late.text, /add 1 samples: out of order sample/);
      assert.equal((await post({ x: "1", __name__: "b" }, [[t, 1]])).status, 409);
      assert.equal((await post({ __name__: "b", x: "" }, [[t, 1]])).status, 409);
      assert.equal((await post(a, [[t - 7_200_000, 1]])).status, 409);
      const small = { "THANOS-TENANT": "small" };
      assert.equal((await post(a, [[t, 1]], small)).status, 200);
      assert.equal((await post(a, [[t, 1]], small)).status, 429);
      for (const name of ["../x", "..", "x".repeat(256)]) {
        assert.equal((await post(a, [[t, 1]], { "THANOS-TENANT": name })).status, 400);
      }
      // What a request brings does not make the rest of it too old.
      const hours: [number, number][] = [0, 1, 2, 3, 4].map((i) => [t + i * 3_600_000, i]);
      const wide = encodeWrite(["c", "d"].map((x) => ({ labels: { x }, samples: hours })));
      const other = { "THANOS-TENANT": "other" };
      assert.equal((await postWrite(receiver.write, wide, other)).status, 200);
      assert.equal((await post({ x: "e" }, hours.slice(0, 1), other)).status, 409);
      const umlaut = { "THANOS-TENANT": Buffer.from("ä").toString("latin1") };
      assert.equal((await post(a, [[t, 1]], umlaut)).status, 200);
      assert.ok((await readdir(join(dir, "data"))).includes("ä"));
      for (const replica of ["x", "-1", "18446744073709551616"]) {
        assert.equal((await post(a, [[t + 2, 3]], { "THANOS-REPLICA": replica })).status, 400);
      }
      assert.equal((await postWrite(receiver.write, Uint8Array.of(1, 2, 3))).status, 400);
      const bomb = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0);
      assert.ok([400, 413].includes((await postWrite(receiver.write, bomb)).status));
      const body = encodeWrite([{ labels: a, samples: [[t + 9, 1]] }]);
      const type = {
        "X-Prometheus-Remote-Write-Version": "2.0.0",
        "Content-Type": "text/plain",
      };
      assert.equal((await postWrite(receiver.write, body, type)).status, 415);
      assert.equal((await postWrite(receiver.write, body, { "THANOS-REPLICA": "x" })).status, 400);
    } finally {
      await receiver.stop("SIGTERM");
    }
    // The sound sample of a request with a fault was stored.
    const found = await stored(join(dir, "data/default-tenant"));
    assert.deepEqual(
      [...found.get(Labels.from({ __name__: "a", x: "1" }).key)!],
      [
        [t, 1],
        [t + 1, 2],
        [t + 2, 3],
      ],
    );
  });
});

test("a receiver that cannot start ends", async () => {
  await withFolder(async (dir) => {
    const file = join(dir, "file");
    await writeFile(file, "");
    await assert.rejects(startReceiver(join(file, "data")), /the receiver ended/);
    const rings = "--receive.hashrings={}";
    await assert.rejects(startReceiver(join(dir, "data"), [rings]), /the receiver ended/);
  });
});

/** Kills in one run; more with DEUCALION_CRASHES. */
const crashes = Number(process.env.DEUCALION_CRASHES ?? 4);

test("acknowledged samples survive kill -9 at any moment", {
  timeout: 120_000 + crashes * 20_000,
}, async (t) => {
  await withFolder(async (folder) => {
    const dir = join(folder, "data");
    const bucket = join(folder, "bucket");
    const args = [
      `--objstore.config={type: FILESYSTEM, config: {directory: ${JSON.stringify(bucket)}}}`,
      '--label=replica="0"',
      "--http-grace-period=5m",
    ];
    const start = Date.now() - 3_600_000;
    const acknowledged = new Map<number, number>();
    let next = 0;
    let slowestMs = 0;
    for (let crash = 0; crash < crashes; crash++) {
      const begun = Date.now();
      const receiver = await startReceiver(dir, args);
      slowestMs = Math.max(slowestMs, Date.now() - begun);
      let killed = false;
      // Every other one is killed while it ends: while it cuts and uploads all it has.
      const ends = crash % 2 === 1;
      const end = setTimeout(
        () => {
          killed = true;
          receiver.child.kill(ends ? "SIGTERM" : "SIGKILL");
          if (ends) setTimeout(() => receiver.child.kill("SIGKILL"), Math.random() * 300);
        },
        100 + Math.random() * 900,
      );
      while (!killed) {
        const number = next;
        const series = Array.from({ length: 50 }, (_, i) => ({
          labels: { __name__: "m", i: String(i) },
          samples: [[start + number * 10, number]] as [number, number][],
        }));
        const { status } = await postWrite(receiver.write, encodeWrite(series));
        if (status === 200) {
          acknowledged.set(start + number * 10, number);
          next++;
        } else assert.ok(status === 0 || (ends && status === 503), String(status));
      }
      clearTimeout(end);
      await receiver.ended;
    }
    const receiver = await startReceiver(dir, args);
    await receiver.stop("SIGTERM");
    // All of it is in blocks by now, and the bucket has them, whole.
    const blocksIn = async (path: string): Promise<string[]> =>
      (await readdir(path)).filter((id) => id.length === 26).sort();
    const blocks = await blocksIn(join(dir, "default-tenant"));
    assert.deepEqual(await blocksIn(bucket), blocks);
    for (const id of blocks) {
      for (const file of ["index", "chunks/000001"]) {
        const [here, there] = [join(dir, "default-tenant", id, file), join(bucket, id, file)];
        assert.ok((await readFile(here)).equals(await readFile(there)), `${id}/${file}`);
      }
    }
    const found = await stored(join(dir, "default-tenant"));
    assert.ok(acknowledged.size > 0);
    for (let i = 0; i < 50; i++) {
      const times = found.get(Labels.from({ __name__: "m", i: String(i) }).key)!;
      for (const [time, number] of acknowledged) assert.equal(times.get(time), number);
      assert.ok(times.size <= acknowledged.size + crashes);
    }
    t.diagnostic(`${crashes} kills, ${acknowledged.size} writes, slowest start ${slowestMs} ms`);
  });
});

test("a ring of three keeps every sample while one is down", async () => {
  await withFolder(async (dir) => {
    const ports = await Promise.all([0, 1, 2].map(freePort));
    const rings = join(dir, "rings.json");
    const endpoints = ports.map((port) => `127.0.0.1:${port}`);
    await writeFile(rings, JSON.stringify([{ hashring: "all", endpoints }]));
    const start = (i: number): Promise<RunningReceiver> =>
      startReceiver(join(dir, `data-${i}`), [
        `--grpc-address=${endpoints[i]}`,
        `--receive.local-endpoint=${endpoints[i]}`,
        `--receive.hashrings-file=${rings}`,
        "--receive.hashrings-algorithm=ketama",
        "--receive.replication-factor=3",
        `--label=replica="${i}"`,
      ]);
    const nodes = await startReceivers(3, start);
    const t = Date.now();
    const post = async (step: number): Promise<number> => {
      const series = Array.from({ length: 40 }, (_, i) => ({
        labels: { __name__: "r", i: String(i) },
        samples: [[t + step * 1000, step]] as [number, number][],
      }));
      return (await postWrite(nodes[0]!.write, encodeWrite(series))).status;
    };
    try {
      for (let step = 0; step < 5; step++) assert.equal(await post(step), 200);
      await nodes[2]!.stop("SIGKILL");
      for (let step = 5; step < 10; step++) assert.equal(await post(step), 200);
      await nodes[1]!.stop("SIGKILL");
      assert.equal(await post(10), 503);
      nodes[1] = await start(1);
      let status = 0;
      for (let tries = 0; tries < 50 && status !== 200; tries++) {
        status = await post(10);
        if (status !== 200) await new Promise((resolve) => setTimeout(resolve, 100));
      }
      assert.equal(status, 200);
      for (const i of [0, 1]) {
        const found = await served(nodes[i]!.grpc);
        assert.equal(found.size, 40);
        for (const values of found.values()) {
          assert.deepEqual(values, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        }
      }
    } finally {
      for (const node of nodes) if (node.child.exitCode === null) await node.stop("SIGKILL");
    }
  });
});

test("a log that cannot be written costs nothing that was acknowledged", async () => {
  await withFolder(async (dir) => {
    let receiver = await startReceiver(dir, ["--no-tsdb.wal-compression"], 512);
    const start = Date.now() - 3_600_000;
    const acknowledged: number[] = [];
    const statuses = new Map<number, number>();
    const post = async (step: number): Promise<number> => {
      const series = Array.from({ length: 500 }, (_, i) => ({
        labels: { __name__: "r", i: String(i) },
        samples: [[start + step * 100, step]] as [number, number][],
      }));
      const { status } = await postWrite(receiver.write, encodeWrite(series));
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status === 200) acknowledged.push(step);
      return status;
    };
    try {
      for (let step = 0; step < 150; step++) await post(step);
      // The log's file is full: faults are told, as something to try again.
      assert.deepEqual([...statuses.keys()].sort(), [200, 500]);
      assert.ok(acknowledged.length > 20 && statuses.get(500)! > 20);
      await receiver.stop("SIGKILL");
      receiver = await startReceiver(dir);
      // The sender goes on where it was refused.
      const next = acknowledged.at(-1)! + 1;
      for (let step = next; step < next + 5; step++) assert.equal(await post(step), 200);
    } finally {
      await receiver.stop("SIGTERM");
    }
    const found = await stored(join(dir, "default-tenant"));
    assert.equal(found.size, 500);
    for (const times of found.values()) {
      for (const step of acknowledged) assert.equal(times.get(start + step * 100), step);
    }
  });
});
