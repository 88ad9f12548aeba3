// Replay of small folders made by hand: snapshot, series made again, deleted series; and the merge of runs.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test from "node:test";
import { ByteWriter } from "@deucalion/base";
import { crc32c, encodeXor } from "@deucalion/kernels";
import { Labels, SampleColumns } from "@deucalion/model";
import { chainSamplesInto } from "./chain-samples.ts";
import { Database } from "./database.ts";

function labelsInto(out: ByteWriter, labels: Labels): void {
  out.uvarint(labels.size);
  for (const text of labels.pairs) out.uvarintString(text);
}

const a = Labels.from({ __name__: "a" });

function seriesRecord(ref: number, labels: Labels): Uint8Array {
  const out = new ByteWriter();
  out.u8(1);
  out.u64(ref);
  labelsInto(out, labels);
  return out.finish();
}

function samplesRecord(ref: number, samples: [number, number][]): Uint8Array {
  const out = new ByteWriter();
  out.u8(2);
  out.u64(ref);
  out.i64(0);
  for (const [time, value] of samples) {
    out.varint(0);
    out.varint(time);
    out.f64(value);
  }
  return out.finish();
}

/** Whole records in one page. */
function segment(...records: Uint8Array[]): Uint8Array {
  const out = new ByteWriter();
  for (const record of records) {
    out.u8(1);
    out.u16(record.length);
    out.u32(crc32c(record));
    out.bytes(record);
  }
  return out.finish();
}

async function read(
  files: Record<string, Uint8Array>,
): Promise<{ found: Record<string, [number, number][]>; damage: number }> {
  const dir = await mkdtemp(join(tmpdir(), "deucalion-replay-"));
  try {
    for (const [name, data] of Object.entries(files)) {
      await mkdir(dirname(join(dir, name)), { recursive: true });
      await writeFile(join(dir, name), data);
    }
    const database = await Database.open(dir);
    const found: Record<string, [number, number][]> = {};
    for await (const { labels, samples } of database.series([])) {
      found[labels.toString()] = Array.from({ length: samples.count }, (_, i) => [
        samples.times[i]!,
        samples.values[i]!,
      ]);
    }
    await database.close();
    return { found, damage: database.damage.length };
  } finally {
    await rm(dir, { recursive: true });
  }
}

const key = a.toString();

test("replay begins from a memory snapshot and goes on where it ends in the log", async () => {
  const columns = new SampleColumns();
  columns.pushFloat(1000, 1);
  columns.pushFloat(2000, 2);
  const chunk = encodeXor(columns.times, columns.valueBits, 0, 2);
  const snapshot = new ByteWriter();
  snapshot.u8(1);
  snapshot.u64(7);
  labelsInto(snapshot, a);
  snapshot.u64(0);
  snapshot.uvarint(1);
  snapshot.i64(1000);
  snapshot.i64(2000);
  snapshot.u8(1);
  snapshot.uvarintBytes(chunk);
  const before = segment(seriesRecord(7, a), samplesRecord(7, [[1000, 100]]));
  const after = segment(samplesRecord(7, [[3000, 3]]));
  const log = new Uint8Array([...before, ...after]);
  const { found, damage } = await read({
    [`chunk_snapshot.000000.${String(before.length).padStart(10, "0")}/00000000`]: segment(
      snapshot.finish(),
    ),
    "wal/00000000": log,
  });
  assert.deepEqual(found, {
    [key]: [
      [1000, 1],
      [2000, 2],
      [3000, 3],
    ],
  });
  assert.equal(damage, 0);
});

test("a series made again under a new number keeps its labels and begins anew", async () => {
  const { found } = await read({
    "wal/00000000": segment(
      seriesRecord(1, a),
      samplesRecord(1, [[1000, 1]]),
      seriesRecord(2, a),
      samplesRecord(2, [
        [5000, 5],
        [6000, 6],
      ]),
      samplesRecord(1, [[7000, 7]]),
      samplesRecord(9, [[7000, 7]]),
    ),
  });
  assert.deepEqual(found, {
    [key]: [
      [5000, 5],
      [6000, 6],
      [7000, 7],
    ],
  });
});

test("a tombstone over all of time removes the series as it is by then", async () => {
  const tombstone = new ByteWriter();
  tombstone.u8(3);
  tombstone.u64(1);
  // Zig-zag of the least and the greatest int64.
  tombstone.bytes(new Uint8Array(10).fill(0xff, 0, 9).fill(1, 9));
  tombstone.bytes(new Uint8Array(10).fill(0xfe, 0, 1).fill(0xff, 1, 9).fill(1, 9));
  const log = [seriesRecord(1, a), samplesRecord(1, [[1000, 1]]), tombstone.finish()];
  assert.deepEqual((await read({ "wal/00000000": segment(...log) })).found, {});
  const again = [...log, seriesRecord(2, a), samplesRecord(2, [[500, 9]])];
  assert.deepEqual((await read({ "wal/00000000": segment(...again) })).found, {
    [key]: [[500, 9]],
  });
});

test("out-of-order samples join in order of time; the first of a timestamp stays", async () => {
  const late: [number, number][] = Array.from({ length: 40 }, (_, i) => [1000 + 50 * (39 - i), -i]);
  const { found } = await read({
    "wal/00000000": segment(
      seriesRecord(1, a),
      samplesRecord(1, [
        [1000, 1],
        [2010, 2],
        [9000, 3],
      ]),
    ),
    "wbl/00000000": segment(samplesRecord(1, late)),
  });
  const times = found[key]!.map(([time]) => time);
  assert.deepEqual(
    times,
    [...new Set([...late.map(([time]) => time), 1000, 2010, 9000])].sort((x, y) => x - y),
  );
});

test("chainSamplesInto() gives each timestamp once, in order", () => {
  const run = (...times: number[]): SampleColumns => {
    const samples = new SampleColumns();
    for (const time of times) samples.pushFloat(time, time);
    return samples;
  };
  const out = new SampleColumns();
  chainSamplesInto([run(1, 4, 9), run(), run(2, 4, 5), run(0, 9, 10)], out);
  assert.deepEqual([...out.times.slice(0, out.count)], [0, 1, 2, 4, 5, 9, 10]);
});
