// Every record of real logs decodes to what Prometheus reads, at the same place.
import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { decodeWalRecord, lastCheckpoint, listSegments, readSegmentFile } from "@deucalion/tsdb";
import { conformanceMissing, conformanceRoot, readGzippedLines } from "@deucalion/tsdb/testing";
import { recordItems, recordTypeName } from "./record-json.ts";

async function records(data: string): Promise<unknown[]> {
  const found: unknown[] = [];
  const read = async (dir: string, src: string): Promise<void> => {
    for (const segment of await listSegments(dir)) {
      const damaged = (damage: unknown): never => assert.fail(JSON.stringify(damage));
      for await (const record of readSegmentFile(dir, segment, damaged)) {
        const type = record.data[0]!;
        found.push({
          src,
          segment: segment.number,
          offset: record.offset,
          type: recordTypeName(type),
          type_byte: type,
          len: record.data.length,
          items: recordItems(decodeWalRecord(record.data)),
        });
      }
    }
  };
  const wal = join(data, "wal");
  const checkpoint = await lastCheckpoint(wal);
  if (checkpoint !== null) await read(join(wal, checkpoint.name), "checkpoint");
  await read(wal, "wal");
  await read(join(data, "wbl"), "wbl");
  return found;
}

test("decodeWalRecord() reads every record of real logs", {
  skip: conformanceMissing,
}, async () => {
  for (const folder of ["snappy", "zstd", "library-uncompressed"]) {
    const root = join(conformanceRoot, "wal", folder);
    const want = readGzippedLines(join(root, "expected-records.jsonl.gz"));
    const got = await records(join(root, "data"));
    assert.equal(got.length, want.length, folder);
    for (const [i, line] of want.entries()) assert.deepEqual(got[i], JSON.parse(line));
  }
});
