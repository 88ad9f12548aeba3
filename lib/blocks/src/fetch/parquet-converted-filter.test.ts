// Blocks that were converted to Parquet: hidden once the days they touch are converted as a whole.
import assert from "node:assert/strict";
import { test } from "node:test";
import { FaultyBucket, MemoryBucket } from "@deucalion/objstore/testing";
import { ProtoWriter } from "@deucalion/rpc";
import { type BlockMeta, parseBlockMeta } from "../meta/block-meta.ts";
import { never } from "../testing/conformance.ts";
import {
  convertedBlocks,
  coveredBlocks,
  ParquetConvertedFilter,
} from "./parquet-converted-filter.ts";

const hour = 3_600_000;
const idOf = (i: number): string => `01HK00000000000000000000${String(i).padStart(2, "0")}`;

function meta(i: number, fromHour: number, toHour: number, cluster = "a"): [string, BlockMeta] {
  const id = idOf(i);
  const text = JSON.stringify({
    ulid: id,
    minTime: fromHour * hour,
    maxTime: toHour * hour,
    version: 1,
    compaction: { level: 1, sources: [id] },
    thanos: { labels: { cluster }, downsample: { resolution: 0 }, source: "sidecar" },
  });
  return [id, parseBlockMeta(text)];
}

function metaPb(ids: readonly string[]): Uint8Array {
  const out = new ProtoWriter();
  out.string(1, "other");
  for (const id of ids) out.string(6, id);
  return out.finish();
}

const covered = (converted: number[], metas: [string, BlockMeta][]): number[] =>
  coveredBlocks(new Set(converted.map(idOf)), new Map(metas))
    .map((id) => Number(id.slice(-2)))
    .sort();

test("coveredBlocks() hides blocks of days that are converted without a hole", () => {
  const days = [meta(1, 0, 12), meta(2, 12, 24), meta(3, 24, 36), meta(4, 36, 48)];
  assert.deepEqual(covered([1, 2], days), [1, 2]);
  assert.deepEqual(covered([1], days), []);
  assert.deepEqual(covered([1, 2, 3], days), [1, 2]);
  assert.deepEqual(covered([1, 2, 3, 4], days), [1, 2, 3, 4]);
  assert.deepEqual(covered([2, 3, 4], days), [3, 4]);
  const across = [meta(1, 0, 20), meta(2, 20, 48)];
  assert.deepEqual(covered([1, 2], across), [1, 2]);
  assert.deepEqual(covered([2], across), []);
  assert.deepEqual(covered([1, 2], [meta(1, 0, 12), meta(2, 13, 24)]), [], "a hole");
  assert.deepEqual(covered([1, 2], [meta(1, 0, 14), meta(2, 12, 24)]), [1, 2], "an overlap");
  // Half a day of one stream does not stand for the other half of another.
  assert.deepEqual(covered([1, 2], [meta(1, 0, 12, "a"), meta(2, 12, 24, "b")]), []);
  assert.deepEqual(covered([7], days), []);
});

test("ParquetConvertedFilter reads each meta.pb once and hides what it names", async () => {
  let now = 1000;
  const bucket = new FaultyBucket(new MemoryBucket(() => now));
  await bucket.upload("2024/01/01/meta.pb", metaPb([idOf(1)]), {}, never);
  await bucket.upload("2024/01/01/0.chunks.parquet", metaPb([idOf(3)]), {}, never);
  await bucket.upload("x/meta.pb", metaPb([idOf(2)]), {}, never);
  const filter = new ParquetConvertedFilter({ bucket, readsMax: 2 });
  const run = async (): Promise<string[]> => {
    const metas = new Map([meta(1, 0, 12), meta(2, 12, 24), meta(3, 24, 48)]);
    const states: string[] = [];
    await filter.filter(metas, (_, state) => states.push(state), never);
    assert.ok(states.every((state) => state === "parquet-converted"));
    return [...metas.keys()];
  };
  assert.deepEqual(await run(), [idOf(3)]);
  assert.equal(bucket.reads, 2);
  assert.deepEqual(await run(), [idOf(3)]);
  assert.equal(bucket.reads, 2);
  now = 2000;
  await bucket.upload("x/meta.pb", metaPb([]), {}, never);
  assert.deepEqual(await run(), [idOf(1), idOf(2), idOf(3)]);
  await bucket.upload("y/meta.pb", metaPb(["no ulid"]), {}, never);
  await assert.rejects(run(), { code: "BLOCKS_META" });
  assert.throws(() => convertedBlocks(Uint8Array.of(0x32, 50, 1)));
});
