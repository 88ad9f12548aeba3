// The sidecar is killed at random moments while the network fails: in the end every block is in the bucket, once and
// complete. DEUCALION_KILLS=200 makes the run long, DEUCALION_SEED repeats one.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { blockIdOf } from "@deucalion/blocks";
import type { Bucket } from "@deucalion/objstore";
import {
  backfillBlocks,
  deucalion,
  eventually,
  freePort,
  prometheusBinary,
  Running,
  seededRandom,
  sleep,
  startFaultyProxy,
  startS3,
} from "../support/mod.ts";

const kills = Number(process.env.DEUCALION_KILLS ?? 6);
const seed = Number(process.env.DEUCALION_SEED ?? Date.now() % 1_000_000);
const never = new AbortController().signal;
const hour = 3600;

const idsIn = (dir: string): string[] =>
  readdirSync(dir).filter((name) => blockIdOf(name) !== undefined);

/** Copies a block under another id, as if Prometheus had just written it. */
function cloneBlock(dir: string, id: string, n: number): void {
  const copy = `${id.slice(0, 22)}${n
    .toString(32)
    .toUpperCase()
    .replace(/[ILOU]/g, "Z")
    .padStart(4, "0")}`;
  cpSync(join(dir, id), join(dir, `${copy}.tmp`), { recursive: true });
  const meta = JSON.parse(readFileSync(join(dir, id, "meta.json"), "utf8")) as Record<
    string,
    unknown
  >;
  writeFileSync(join(dir, `${copy}.tmp`, "meta.json"), JSON.stringify({ ...meta, ulid: copy }));
  cpSync(join(dir, `${copy}.tmp`), join(dir, copy), { recursive: true });
  rmSync(join(dir, `${copy}.tmp`), { recursive: true });
}

async function objectsOf(bucket: Bucket): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of bucket.iter("", { recursive: true }, never)) names.push(name);
  return names;
}

/** No block with a meta.json lacks a file. */
async function assertCompleteOrInvisible(bucket: Bucket, dir: string): Promise<void> {
  const names = new Set(await objectsOf(bucket));
  for (const id of idsIn(dir)) {
    if (!names.has(`${id}/meta.json`)) continue;
    for (const file of ["index", ...readdirSync(join(dir, id, "chunks")).map((n) => `chunks/${n}`)])
      assert.ok(names.has(`${id}/${file}`), `${id} is visible without ${file} (seed ${seed})`);
  }
}

async function assertAllThere(bucket: Bucket, dir: string): Promise<void> {
  const want: string[] = [];
  for (const id of idsIn(dir)) {
    const files = [...readdirSync(join(dir, id, "chunks")).map((n) => `chunks/${n}`), "index"];
    want.push(...files.map((file) => `${id}/${file}`), `${id}/meta.json`);
    const meta = JSON.parse(
      new TextDecoder().decode(await bucket.get(`${id}/meta.json`, never)),
    ) as {
      thanos: { files: { rel_path: string; size_bytes?: number; hash?: { value: string } }[] };
    };
    assert.deepEqual(
      meta.thanos.files.map((file) => file.rel_path),
      [...files, "meta.json"],
    );
    for (const { rel_path: file, size_bytes: size, hash } of meta.thanos.files) {
      if (file === "meta.json") continue;
      const data = await bucket.get(`${id}/${file}`, never);
      assert.ok(Buffer.from(data).equals(readFileSync(join(dir, id, file))), `${id}/${file}`);
      assert.equal(data.length, size);
      assert.equal(createHash("sha256").update(data).digest("hex"), hash?.value);
    }
  }
  assert.deepEqual(await objectsOf(bucket), want.sort());
}

test(`${kills} kills of the sidecar before a failing bucket lose and double nothing`, {
  timeout: 120_000 + kills * 10_000,
}, async (t) => {
  const random = seededRandom(seed);
  const folder = mkdtempSync(join(tmpdir(), "deucalion-kills-"));
  const running: Running[] = [];
  const s3 = await startS3();
  const proxy = await startFaultyProxy(s3.server.url, random);
  t.after(async () => {
    await Promise.all(running.map((one) => one.stop(5000)));
    proxy.close();
    await s3.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const [blocks, data] = [join(folder, "blocks"), join(folder, "prometheus")];
  for (const dir of [blocks, data]) mkdirSync(dir);
  const to = Math.floor(Date.now() / 1000 / hour) * hour;
  const series = Array.from({ length: 20 }, (_, i) => `ticks_total{i="${i}"}`);
  backfillBlocks(blocks, { from: to - 12 * hour, to, step: 60, series });
  const first = idsIn(blocks);
  const config = join(folder, "prometheus.yml");
  writeFileSync(config, "global: {external_labels: {cluster: eu, replica: a}}\n");
  const port = await freePort();
  const prometheus = new Running("prometheus", prometheusBinary(), [
    `--config.file=${config}`,
    `--storage.tsdb.path=${data}`,
    `--web.listen-address=127.0.0.1:${port}`,
    "--storage.tsdb.min-block-duration=2h",
    "--storage.tsdb.max-block-duration=2h",
  ]);
  running.push(prometheus);
  await prometheus.ready(`http://127.0.0.1:${port}/-/ready`);
  const [http, grpc] = [await freePort(), await freePort()];
  const startSidecar = (): Running => {
    const one = deucalion("sidecar", [
      "sidecar",
      `--prometheus.url=http://127.0.0.1:${port}`,
      `--tsdb.path=${blocks}`,
      `--objstore.config=${s3.config(proxy.address)}`,
      `--http-address=127.0.0.1:${http}`,
      `--grpc-address=127.0.0.1:${grpc}`,
      "--hash-func=SHA256",
    ]);
    running.push(one);
    return one;
  };
  proxy.faults = 0.08;
  proxy.delayMs = 60;
  for (let n = 0; n < kills; n++) {
    cloneBlock(blocks, first[n % first.length]!, n);
    const before = proxy.counts.requests;
    const sidecar = startSidecar();
    // Half of the kills wait for the first request, so that they meet an upload and not the start.
    if (random() < 0.7) {
      const end = Date.now() + 20_000;
      while (proxy.counts.requests === before && Date.now() < end) await sleep(10);
      await sleep(random() * 700);
    } else await sleep(random() * 3000);
    await sidecar.kill();
    running.splice(running.indexOf(sidecar), 1);
    if (n % 10 === 0) await assertCompleteOrInvisible(s3.bucket, blocks);
  }
  await assertCompleteOrInvisible(s3.bucket, blocks);
  const { requests, faults } = proxy.counts;
  assert.ok(requests > kills, `the store was asked (${requests} requests, ${faults} faults)`);
  proxy.faults = 0;
  proxy.delayMs = 0;
  const sidecar = startSidecar();
  await eventually(
    async () => {
      const names = await objectsOf(s3.bucket);
      const done = names.filter((name) => name.endsWith("/meta.json")).length;
      return done === idsIn(blocks).length ? true : undefined;
    },
    90_000,
    "the last upload",
  );
  await assertAllThere(s3.bucket, blocks);
  await eventually(
    async () => {
      const file = JSON.parse(readFileSync(join(blocks, "thanos.shipper.json"), "utf8")) as {
        uploaded: string[];
      };
      return file.uploaded.length === idsIn(blocks).length ? true : undefined;
    },
    40_000,
    "the record of uploads",
  );
  await sidecar.stop();
  t.diagnostic(`seed ${seed}: ${kills} kills, ${requests} requests, ${faults} faults`);
});
