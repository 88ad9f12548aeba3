// Uploading the blocks of a data folder: order, files, what is remembered, and what failures leave behind.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { silentLog } from "@deucalion/base";
import { Labels } from "@deucalion/model";
import { FaultyBucket, MemoryBucket } from "@deucalion/objstore/testing";
import fc from "fast-check";
import type { BlockMeta } from "../meta/block-meta.ts";
import { Shipper, type ShipperOptions, shipperDefaults } from "./shipper.ts";

const never = new AbortController().signal;
const uploadedAt = Date.UTC(2026, 0, 2);

/** Ids of blocks 1, 2, … in the order of time. */
const idOf = (n: number): string => `01HZZZZZZZZZZZZZZZZZZZZZ${String(n).padStart(2, "0")}`;

interface Ship {
  readonly dir: string;
  readonly store: MemoryBucket;
  readonly bucket: FaultyBucket;
  readonly uploads: string[];
  readonly counts: Record<string, number>;
  readonly shipper: (options?: Partial<ShipperOptions>) => Shipper;
  readonly addBlock: (
    n: number,
    options?: { level?: number; samples?: number; hours?: number },
  ) => Promise<void>;
  readonly remembered: () => Promise<unknown>;
  readonly names: () => Promise<string[]>;
}

async function withShip(run: (ship: Ship) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "shipper-"));
  const store = new MemoryBucket();
  const bucket = new FaultyBucket(store);
  const uploads: string[] = [];
  bucket.choose = (operation, name) => {
    if (operation === "upload") uploads.push(name);
    return undefined;
  };
  const counts: Record<string, number> = {};
  const count = (name: string, by = 1): void => {
    counts[name] = (counts[name] ?? 0) + by;
  };
  const addBlock: Ship["addBlock"] = async (n, { level = 1, samples = 10, hours = 2 } = {}) => {
    const id = idOf(n);
    await mkdir(join(dir, id, "chunks"), { recursive: true });
    await writeFile(join(dir, id, "chunks", "000001"), `first segment of ${id}`);
    await writeFile(join(dir, id, "chunks", "000002"), `second segment of ${id}`);
    await writeFile(join(dir, id, "index"), `index of ${id}`);
    await writeFile(join(dir, id, "tombstones"), "");
    const meta = {
      ulid: id,
      minTime: n * 7_200_000,
      maxTime: n * 7_200_000 + hours * 3_600_000,
      stats: { numSamples: samples, numSeries: 1, numChunks: 2 },
      compaction: { level, sources: [id] },
      version: 1,
    };
    await writeFile(join(dir, id, "meta.json"), JSON.stringify(meta, null, "\t"));
  };
  const shipper: Ship["shipper"] = (options = {}) =>
    new Shipper(
      { ...shipperDefaults, dir, source: "sidecar", ...options },
      {
        bucket,
        labels: () => Labels.from({ cluster: "eu", replica: "a" }),
        log: silentLog,
        now: () => uploadedAt,
        events: {
          synced: (ok) => count(ok ? "syncs" : "failed syncs"),
          uploaded: () => count("uploads"),
          uploadFailed: () => count("failed uploads"),
          corrupted: (blocks) => count("corrupted", blocks),
          compactedDone: () => undefined,
          waiting: (blocks) => {
            counts.waiting = blocks;
          },
        },
      },
    );
  const remembered = async (): Promise<unknown> =>
    JSON.parse(await readFile(join(dir, "thanos.shipper.json"), "utf8"));
  const names = async (): Promise<string[]> => {
    const found: string[] = [];
    for await (const { name } of store.iter("", { recursive: true }, never)) found.push(name);
    return found;
  };
  try {
    await run({ dir, store, bucket, uploads, counts, shipper, addBlock, remembered, names });
  } finally {
    await rm(dir, { recursive: true });
  }
}

const filesOf = (n: number): string[] =>
  ["chunks/000001", "chunks/000002", "index", "meta.json"].map((name) => `${idOf(n)}/${name}`);

test("Shipper uploads blocks oldest first, meta.json last, and remembers them", () =>
  withShip(async ({ dir, store, uploads, counts, shipper, addBlock, remembered }) => {
    await addBlock(2);
    await addBlock(1);
    assert.equal(await shipper({ hash: true }).sync(never), 2);
    assert.deepEqual(uploads, [...filesOf(1), ...filesOf(2)]);
    assert.deepEqual(await remembered(), { version: 1, uploaded: [idOf(1), idOf(2)] });
    const meta = JSON.parse(
      new TextDecoder().decode(await store.get(`${idOf(1)}/meta.json`, never)),
    ) as BlockMeta;
    const file = (name: string, text: string) => ({
      rel_path: name,
      size_bytes: text.length,
      hash: { hashFunc: "SHA256", value: createHash("sha256").update(text).digest("hex") },
    });
    assert.deepEqual(meta.thanos, {
      labels: { cluster: "eu", replica: "a" },
      downsample: { resolution: 0 },
      source: "sidecar",
      segment_files: ["000001", "000002"],
      files: [
        file("chunks/000001", `first segment of ${idOf(1)}`),
        file("chunks/000002", `second segment of ${idOf(1)}`),
        file("index", `index of ${idOf(1)}`),
        { rel_path: "meta.json" },
      ],
      index_stats: {},
      upload_time: "2026-01-02T00:00:00.000Z",
    });
    assert.deepEqual(counts, { waiting: 0, uploads: 2, syncs: 1 });
    assert.deepEqual(await readdir(join(dir, "thanos", "upload")), []);
    assert.equal(await shipper().sync(never), 0);
  }));

test("Shipper leaves out empty and compacted blocks, and forgets those that are gone", () =>
  withShip(async ({ dir, shipper, addBlock, remembered, names }) => {
    await addBlock(1);
    await addBlock(2, { samples: 0 });
    await addBlock(3, { level: 2 });
    assert.equal(await shipper().sync(never), 1);
    assert.deepEqual(await names(), filesOf(1));
    assert.equal(await shipper({ uploadCompacted: true }).sync(never), 1);
    assert.deepEqual(await names(), [...filesOf(1), ...filesOf(3)]);
    await rm(join(dir, idOf(1)), { recursive: true });
    await shipper().sync(never);
    assert.deepEqual(await remembered(), { version: 1, uploaded: [idOf(3)] });
  }));

test("Shipper does not send a compacted block over its parts", () =>
  withShip(async ({ shipper, addBlock, names }) => {
    await addBlock(1);
    await shipper().sync(never);
    await addBlock(2, { level: 2 });
    await addBlock(0, { level: 2, hours: 6 });
    await assert.rejects(shipper({ uploadCompacted: true }).sync(never), {
      code: "BLOCKS_SHIP",
      message: /is blocked; overlap spotted/,
    });
    assert.deepEqual(await names(), filesOf(1));
    const all = shipper({ uploadCompacted: true, allowOutOfOrderUploads: true });
    assert.equal(await all.sync(never), 2);
  }));

test("Shipper stops at the first failure, or goes on where that is allowed", () =>
  withShip(async ({ bucket, counts, shipper, addBlock, remembered, names }) => {
    await addBlock(1);
    await addBlock(2);
    const fail = (operation: string, name: string) =>
      operation === "upload" && name === `${idOf(1)}/index`
        ? { error: new Error("refused") }
        : undefined;
    bucket.choose = fail;
    await assert.rejects(shipper().sync(never), /refused/);
    assert.deepEqual(await names(), filesOf(1).slice(0, 2));
    assert.equal(counts.waiting, 2);
    await assert.rejects(shipper({ allowOutOfOrderUploads: true }).sync(never), {
      message: "failed to sync 1/0 blocks",
    });
    assert.deepEqual(await remembered(), { version: 1, uploaded: [idOf(2)] });
    assert.equal(counts.waiting, 1);
    bucket.choose = () => undefined;
    assert.equal(await shipper().sync(never), 1);
    assert.deepEqual(await names(), [...filesOf(1), ...filesOf(2)]);
  }));

test("Shipper resumes a block by its files", () =>
  withShip(async ({ bucket, store, shipper, addBlock, names }) => {
    await addBlock(1);
    const sent: string[] = [];
    bucket.choose = (operation, name) => {
      if (operation !== "upload") return undefined;
      sent.push(name);
      return name.endsWith("/index") ? { error: new Error("refused") } : undefined;
    };
    await assert.rejects(shipper().sync(never));
    await store.delete(`${idOf(1)}/chunks/000002`, never);
    sent.length = 0;
    bucket.choose = (operation, name) => {
      if (operation === "upload") sent.push(name);
      return undefined;
    };
    await shipper().sync(never);
    assert.deepEqual(sent, filesOf(1).slice(1));
    assert.deepEqual(await names(), filesOf(1));
  }));

test("Shipper leaves corrupted blocks out only where that is allowed", () =>
  withShip(async ({ dir, counts, shipper, addBlock, names }) => {
    await addBlock(1);
    await mkdir(join(dir, idOf(2)));
    await writeFile(join(dir, idOf(2), "meta.json"), "{");
    await assert.rejects(shipper().sync(never), /read metadata for block/);
    assert.deepEqual(await names(), []);
    await assert.rejects(shipper({ skipCorruptedBlocks: true }).sync(never), {
      message: "failed to sync 0/1 blocks",
    });
    assert.deepEqual(await names(), filesOf(1));
    assert.equal(counts.corrupted, 1);
  }));

test("Shipper takes a broken record for an empty one, and asks the bucket", () =>
  withShip(async ({ dir, uploads, shipper, addBlock, remembered }) => {
    await addBlock(1);
    await shipper().sync(never);
    uploads.length = 0;
    await writeFile(join(dir, "thanos.shipper.json"), "{");
    assert.equal(await shipper().sync(never), 0);
    assert.deepEqual(uploads, []);
    assert.deepEqual(await remembered(), { version: 1, uploaded: [idOf(1)] });
  }));

test("whatever fails, a block is complete or has no meta.json, and in the end all are there", () =>
  fc.assert(
    fc.asyncProperty(fc.array(fc.nat({ max: 99 }), { minLength: 60 }), async (dice) =>
      withShip(async ({ bucket, store, shipper, addBlock, names }) => {
        for (const n of [1, 2, 3]) await addBlock(n);
        let at = 0;
        bucket.choose = () =>
          at < dice.length && dice[at++]! < 25 ? { error: new Error("refused") } : undefined;
        for (let tries = 0; tries < 100; tries++) {
          const done = await shipper({ allowOutOfOrderUploads: tries % 2 === 0, filesAtOnce: 2 })
            .sync(never)
            .then(() => true)
            .catch(() => false);
          const there = new Set(await names());
          for (const n of [1, 2, 3])
            if (there.has(`${idOf(n)}/meta.json`))
              assert.ok(filesOf(n).every((name) => there.has(name)));
          if (done) break;
        }
        assert.deepEqual(await names(), [1, 2, 3].flatMap(filesOf));
        const index = await store.get(`${idOf(2)}/index`, never);
        assert.equal(new TextDecoder().decode(index), `index of ${idOf(2)}`);
      }),
    ),
    { numRuns: 6, endOnFailure: true },
  ));
