// Random queries over random data: our store and querier answer as a real Prometheus does.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { makeDataset, writeDataset } from "../fuzz/promql/dataset.ts";
import { differenceText, fuzz } from "../fuzz/promql/fuzz.ts";
import { Random } from "../fuzz/promql/random.ts";
import { type Server, startOurs, startPrometheus } from "../fuzz/promql/servers.ts";
import { prometheusBinary } from "../support/mod.ts";

test("500 random queries are answered as Debian's Prometheus answers them", {
  timeout: 300_000,
}, async (t) => {
  const bucket = mkdtempSync(join(tmpdir(), "deucalion-fuzz-bucket-"));
  const servers: Server[] = [];
  t.after(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    rmSync(bucket, { recursive: true, force: true });
  });
  const seed = 1;
  const name = await writeDataset(bucket, makeDataset(new Random(seed), "2.42"), seed);
  const ours = await startOurs(bucket);
  servers.push(ours);
  const peer = await startPrometheus(prometheusBinary(), "2.42", bucket, [name]);
  servers.push(peer);
  const options = { level: "2.42", seed: 1, count: 500, parallel: 4 } as const;
  const report = await fuzz(ours.url, peer.url, options);
  assert.deepEqual(report.differences.map(differenceText), []);
  assert.equal(report.asked, 500);
  // Empty answers and errors would agree too easily.
  assert.ok(report.full > 300, `${report.full} answers have series`);
  assert.ok(report.undecided < 10, `${report.undecided} are undecided`);
});
