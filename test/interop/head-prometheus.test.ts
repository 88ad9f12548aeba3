// What the head writes, read by real Prometheus' tools; and a real Prometheus as a sender of the receiver.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { freePort } from "@deucalion/base/testing";
import { encodeLabels, Labels } from "@deucalion/model";
import { Database, LiveDatabase, liveDatabaseDefaults } from "@deucalion/tsdb";
import { prometheusBinary, promtoolBinary } from "../support/peers.ts";
import { Running } from "../support/processes.ts";
import { repositoryRoot } from "../support/repository.ts";

async function withFolder(work: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "deucalion-head-"));
  try {
    await work(dir);
  } finally {
    await rm(dir, { recursive: true, force: true, maxRetries: 3 });
  }
}

test("promtool reads the log, the checkpoint and the blocks that the head writes", async () => {
  await withFolder(async (dir) => {
    const options = { ...liveDatabaseDefaults, segmentBytes: 64 * 1024 };
    const deps = { now: () => 0, report: (damage: object) => assert.fail(JSON.stringify(damage)) };
    let db = await LiveDatabase.open(dir, options, deps);
    const words = new Uint32Array(2);
    const value = new Float64Array(words.buffer);
    const want = new Set<string>();
    const start = 1_700_000_000_000;
    for (let step = 0; step < 1200; step++) {
      for (let s = 0; s < 8; s++) {
        const labels = Labels.from({ __name__: `m${s % 2}`, i: String(s) });
        const { data, start: from, end } = encodeLabels(labels);
        let series = db.head.find(data, from, end);
        if (series < 0) series = db.head.create(data, from, end);
        value[0] = step * 100 + s;
        db.head.append(series, start + step * 15_000, words[1]!, words[0]!);
        want.add(`{__name__="m${s % 2}", i="${s}"} ${step * 100 + s} ${start + step * 15_000}`);
      }
      db.head.commit();
      if (step % 500 === 499) await db.compact();
      if (step === 800) {
        await db.close();
        db = await LiveDatabase.open(dir, options, deps);
      }
    }
    assert.ok(db.blocks.length > 0);
    await db.close();
    const out = execFileSync(promtoolBinary(), ["tsdb", "dump", dir], {
      encoding: "utf8",
      maxBuffer: 1 << 26,
    });
    const got = out.trimEnd().split("\n");
    assert.equal(got.length, want.size);
    for (const line of got) assert.ok(want.has(line), line);
  });
});

test("a real Prometheus writes to the receiver", { timeout: 60_000 }, async () => {
  await withFolder(async (dir) => {
    const [write, http, grpc, port] = await Promise.all([0, 1, 2, 3].map(freePort));
    const receiver = new Running("receive", process.execPath, [
      join(repositoryRoot, "app/dist/src/main.js"),
      "receive",
      `--tsdb.path=${join(dir, "data")}`,
      `--remote-write.address=127.0.0.1:${write}`,
      `--http-address=127.0.0.1:${http}`,
      `--grpc-address=127.0.0.1:${grpc}`,
      "--http-grace-period=5s",
    ]);
    const config = join(dir, "prometheus.yml");
    await writeFile(
      config,
      JSON.stringify({
        global: { scrape_interval: "1s", external_labels: { cluster: "x" } },
        scrape_configs: [
          { job_name: "self", static_configs: [{ targets: [`127.0.0.1:${port}`] }] },
        ],
        remote_write: [
          {
            url: `http://127.0.0.1:${write}/api/v1/receive`,
            queue_config: { batch_send_deadline: "500ms" },
          },
        ],
      }),
    );
    const running = [receiver];
    try {
      await receiver.ready(`http://127.0.0.1:${http}/-/ready`);
      const prometheus = new Running("prometheus", prometheusBinary(), [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(dir, "prometheus")}`,
        `--web.listen-address=127.0.0.1:${port}`,
        "--log.level=warn",
      ]);
      running.unshift(prometheus);
      await prometheus.ready(`http://127.0.0.1:${port}/-/ready`);
      await new Promise((resolve) => setTimeout(resolve, 12_000));
    } finally {
      for (const one of running) {
        one.child.kill("SIGTERM");
        await one.exited;
      }
    }
    const database = await Database.open(join(dir, "data/default-tenant"));
    let up = 0;
    let gap = 0;
    let series = 0;
    for await (const { labels, samples } of database.series([])) {
      series++;
      assert.equal(labels.get("cluster"), "x");
      if (labels.get("__name__") !== "up") continue;
      up = samples.count;
      for (let i = 1; i < up; i++) gap = Math.max(gap, samples.times[i]! - samples.times[i - 1]!);
    }
    await database.close();
    assert.ok(series > 300, `${series} series`);
    assert.ok(up >= 3, `${up} samples of up`);
    assert.ok(gap < 2000, `${gap} ms between samples that were scraped each second`);
    assert.doesNotMatch(receiver.output, /level=error/);
  });
});
